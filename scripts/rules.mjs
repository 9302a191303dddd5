// Fills docs/check.md with the rules of `tsops check` and the services whose tokens it knows: `node --import tsx
// scripts/rules.mjs`. With --check it only says whether the page is up to date; a test runs that.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RULES } from "../src/check/rules.ts";
import { VENDORS } from "../src/check/secrets/vendors.ts";

const PAGE = fileURLToPath(new URL("../docs/check.md", import.meta.url));

const rules = [
  "| rule | level | what it finds, and what to do |",
  "| --- | --- | --- |",
  ...RULES.map(({ id, level, summary, help }) => `| \`${id}\` | ${level} | **${summary}.** ${help} |`),
].join("\n");

const names = VENDORS.map(({ name }) => name.replace(/^(?:an?|the) /, ""));
const vendors = wrapped(`${[...new Set(names)].join(", ")}.`);

function wrapped(text) {
  return text
    .match(/.{1,118}(?= |$)/g)
    .map((line) => line.trim())
    .join("\n");
}

/** A page with what is between two comments replaced. */
function filled(page, mark, text) {
  const [start, end] = [`<!-- made by scripts/rules.mjs: ${mark} -->`, `<!-- end of ${mark} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/check.md has no place for ${mark}`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}

const now = readFileSync(PAGE, "utf8");
const due = filled(filled(now, "rules", rules), "vendors", vendors);
if (now === due) console.log("docs/check.md is up to date");
else if (process.argv.includes("--check")) {
  console.log("docs/check.md is out of date: run node --import tsx scripts/rules.mjs");
  process.exitCode = 1;
} else writeFileSync(PAGE, due);
