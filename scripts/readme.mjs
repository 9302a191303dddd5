// Fills README.md with what the built program prints there: `node scripts/readme.mjs`. With --check it only says whether
// the README is up to date; keys, ciphertexts, times and seals are other ones in each run and do not count.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git, inEmptyFolder, line, root, shortened, shownOf } from "./shown.mjs";

const README = join(root, "README.md");
const SHOWN = /(<!-- made by scripts\/readme\.mjs -->\n\n```console\n)(.*?)(\n```)/s;
const SECRETS = `# the staging cluster
db:
  host: db.example.com
  password: correct horse battery   # rotated in March

port: 5432
`;

/** A first hour with tsops, as a terminal shows it. */
function session(folder) {
  const file = join(folder, "secrets.yaml");
  const steps = [];
  const say = (command, printed = "") => steps.push([`$ ${command}`, printed].filter(Boolean).join("\n"));
  const run = (...argv) => steps.push([line(...argv), shownOf(folder, ...argv)].filter(Boolean).join("\n"));
  git(folder, "init", "--quiet");
  writeFileSync(file, SECRETS);
  say("cat secrets.yaml", SECRETS.trimEnd());
  run("init");
  run("encrypt", "-i", "secrets.yaml");
  say("cat secrets.yaml", shortened(withoutBody(readFileSync(file, "utf8"))).trimEnd());
  git(folder, "add", ".");
  git(folder, "commit", "--quiet", "-m", "Secrets");
  say('git add . && git commit -qm "Secrets"');
  run("set", "secrets.yaml", '["db"]["password"]', '"battery staple"');
  say("git diff -U1", shortened(git(folder, "diff", "-U1").toString()).trimEnd());
  run("decrypt", "secrets.yaml");
  run("exec", "secrets.yaml", "--", "printenv", "db_password");
  return steps.join("\n\n");
}

/** The lines of a wrapped data key say nothing to a reader. */
function withoutBody(text) {
  return text.replace(/(-----BEGIN AGE ENCRYPTED FILE-----\n\s*).*?(\n\s*-----END)/s, "$1…$2");
}

/** What is another one in each run. */
function steady(text) {
  return text
    .replace(/age1[0-9a-z]+/g, "age1…")
    .replace(/data:[^…]+…/g, "data:…")
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
    .replace(/^index .*$/gm, "index")
    .replace(/seal: v2:\S+/g, "seal");
}

const readme = readFileSync(README, "utf8");
const [, , shown] = SHOWN.exec(readme) ?? [];
if (shown === undefined) throw new Error("README.md has no place for what the program prints");
const printed = inEmptyFolder(session);
if (process.argv.includes("--check")) {
  const same = steady(shown) === steady(printed);
  console.log(same ? "README.md is up to date" : "README.md is out of date: run node scripts/readme.mjs");
  process.exitCode = same ? 0 : 1;
} else
  writeFileSync(
    README,
    readme.replace(SHOWN, (_, before, _old, after) => before + printed + after),
  );
