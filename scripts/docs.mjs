// Writes docs/commands.md from what the built program says of itself: `node scripts/docs.mjs` (after a build).
// With --check it only says whether the page is up to date.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const PAGE = new URL("../docs/commands.md", import.meta.url);
const PROGRAM = new URL("../bin/tsops.js", import.meta.url).pathname;

function help(...command) {
  return execFileSync(process.execPath, [PROGRAM, ...command, "--help"], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
}

const commandsIn = (text) => /^Commands:\n((?: .*\n)*)/m.exec(text)?.[1] ?? "";
const main = help();
const names = [...commandsIn(main).matchAll(/^ {2}tsops ([a-z-]+)/gm)].map((match) => match[1]);
const subcommands = (name) =>
  [...commandsIn(help(name)).matchAll(new RegExp(`^  tsops ${name} ([a-z]+)`, "gm"))].map(
    (match) => match[1],
  );
const sections = names.flatMap((name) => [[name], ...subcommands(name).map((sub) => [name, sub])]);
const page = `# Commands

Made by \`node scripts/docs.mjs\` from the program's own help. Options can be before or after the file names. As in SOPS,
\`-flag\` and \`--flag\` are the same. [environment.md](environment.md) lists environment variables and exit codes.

\`\`\`
${main.trimEnd()}
\`\`\`
${sections.map((words) => `\n## tsops ${words.join(" ")}\n\n\`\`\`\n${help(...words).trimEnd()}\n\`\`\`\n`).join("")}`;

if (process.argv.includes("--check")) {
  const same = readFileSync(PAGE, "utf8") === page;
  console.log(
    same ? "docs/commands.md is up to date" : "docs/commands.md is out of date: run node scripts/docs.mjs",
  );
  process.exitCode = same ? 0 : 1;
} else writeFileSync(PAGE, page);
