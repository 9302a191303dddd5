import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { anchors, links, PAGES } from "../support/docs/pages.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

test("every link between pages leads to a file, and every anchor to a heading", () => {
  const known = new Map(PAGES.map((page) => [page.name, anchors(page)]));
  let count = 0;
  for (const page of PAGES) {
    for (const { file, anchor, written } of links(page)) {
      if (file === undefined) continue;
      count++;
      assert.ok(existsSync(join(ROOT, file)), `${page.name}: ${written} leads to no file`);
      if (anchor === "") continue;
      assert.ok(known.get(file)?.has(anchor), `${page.name}: ${written} leads to no heading of ${file}`);
    }
  }
  assert.ok(count > 100, `only ${count} links were found`);
});

test("docs/README.md lists every page", () => {
  const listed = new Set(links(PAGES.find(({ name }) => name === "docs/README.md")!).map(({ file }) => file));
  for (const { name } of PAGES) {
    if (name !== "docs/README.md") assert.ok(listed.has(name), `docs/README.md does not list ${name}`);
  }
});

test("pages for users keep to lines of 120 characters, but for tables and what the program prints", () => {
  const long = PAGES.filter(({ name }) => GUIDES.has(name)).flatMap(({ name, text }) =>
    text
      .replace(/^```console\n[\s\S]*?^```$/gm, (shown) => shown.replace(/.+/g, ""))
      .split("\n")
      .flatMap((line, index) => (line.length > 120 && !line.startsWith("|") ? [`${name}:${index + 1}`] : [])),
  );
  assert.equal(long, []);
});

const GUIDES = new Set(
  ["README", "ci", "glossary", "installation", "kubernetes", "moving", "team", "troubleshooting"].map(
    (name) => `docs/${name}.md`,
  ),
);

test.run();
