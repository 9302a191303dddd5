// Fills README.md and the pages in docs/ with what the built program prints there: `node scripts/readme.mjs`. With
// --check it only says whether they are up to date; keys, ciphertexts, times and seals are other ones in each run and do
// not count.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git, inEmptyFolder, line, PROGRAM, root, shortened, shownOf, shownOfAny } from "./shown.mjs";

const check = process.argv.includes("--check");
const SHOWN = /(<!-- made by scripts\/readme\.mjs -->\n\n```console\n)(.*?)(\n?```)/s;
const SECRETS = `# the staging cluster
db:
  host: db.example.com
  password: correct horse battery   # rotated in March

port: 5432
`;

/** Collects what a terminal shows. */
function terminal(folder) {
  const steps = [];
  const say = (command, printed = "") => steps.push([`$ ${command}`, printed].filter(Boolean).join("\n"));
  const run = (...argv) => steps.push([line(...argv), shownOf(folder, ...argv)].filter(Boolean).join("\n"));
  return { say, run, text: () => steps.join("\n\n") };
}

/** A first hour with tsops. */
function firstHour(folder) {
  const file = join(folder, "secrets.yaml");
  const { say, run, text } = terminal(folder);
  git(folder, "init", "--quiet");
  writeFileSync(file, SECRETS);
  say("cat secrets.yaml", SECRETS.trimEnd());
  run("init");
  run("encrypt", "-i", "secrets.yaml");
  say("cat secrets.yaml", shortened(withoutBody(readFileSync(file, "utf8"))).trimEnd());
  git(folder, "add", ".");
  git(folder, "commit", "--quiet", "-m", "Secrets");
  say('git add . && git commit -qm "Secrets"');
  // else the time in the file, and with it the difference, depends on how fast the machine is
  waitForNextSecond();
  run("set", "secrets.yaml", '["db"]["password"]', '"battery staple"');
  say("git diff -U1", shortened(git(folder, "diff", "-U1").toString()).trimEnd());
  run("decrypt", "secrets.yaml");
  run("exec", "secrets.yaml", "--", "printenv", "db_password");
  return text();
}

function waitForNextSecond() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 - (Date.now() % 1000) + 10);
}

/** Whether an installation works. */
function firstSteps(folder) {
  const { say, run, text } = terminal(folder);
  run("--version");
  writeFileSync(join(folder, "secrets.yaml"), "password: s3cret\n");
  say("echo 'password: s3cret' > secrets.yaml");
  run("init");
  run("encrypt", "-i", "secrets.yaml");
  run("decrypt", "secrets.yaml");
  run("doctor", "secrets.yaml");
  return text();
}

/** Diffs that people can read. */
function inGit(folder) {
  const file = join(folder, "secrets.yaml");
  const { say, run, text } = terminal(folder);
  git(folder, "init", "--quiet");
  shownOf(folder, "init");
  const commit = (message) => {
    git(folder, "add", ".");
    git(folder, "commit", "--quiet", "-m", message);
  };
  writeFileSync(file, "db:\n  user: app\n  password: correct horse\nport: 5432\n");
  shownOf(folder, "encrypt", "-i", "secrets.yaml");
  commit("Secrets of production");
  shownOf(folder, "rotate", "-i", "-y", "secrets.yaml");
  commit("Rotate the data key");
  run("git", "install");
  run("set", "secrets.yaml", '["db"]["password"]', '"battery staple"');
  run("set", "secrets.yaml", '["api_key"]', '"k-1234"');
  say("git diff -U1", git(folder, "diff", "-U1").toString().trimEnd());
  run("diff");
  run("diff", "--reveal");
  run("log", "-p", "--oneline");
  run("git", "status");
  return text();
}

const DRIVER = "git merge %O %A %B --path=%P --marker-size=%L";

/** A merge, a conflict and its end. */
function merging(folder) {
  const file = join(folder, "secrets.yaml");
  const { say, run, text } = terminal(folder);
  const set = (path, value) => run("set", "secrets.yaml", path, value);
  const commit = (message) => git(folder, "commit", "--quiet", "--all", "-m", message);
  git(folder, "init", "--quiet", "--initial-branch=main");
  git(folder, "config", "user.name", "Alice");
  git(folder, "config", "user.email", "alice@example.com");
  git(folder, "config", "merge.tsops.driver", `'${PROGRAM.join("' '")}' ${DRIVER}`);
  git(folder, "config", "merge.tsops.recursive", "binary");
  writeFileSync(join(folder, ".gitattributes"), "secrets.yaml merge=tsops\n");
  writeFileSync(file, SECRETS);
  shownOf(folder, "init");
  shownOf(folder, "encrypt", "-i", "secrets.yaml");
  git(folder, "add", ".");
  commit("Secrets");
  git(folder, "checkout", "--quiet", "-b", "feature");
  say("git checkout -b feature");
  set('["port"]', "6432");
  set('["db"]["password"]', '"their password"');
  commit("Another port and password");
  say('git commit -qam "Another port and password"');
  git(folder, "checkout", "--quiet", "main");
  say("git checkout main");
  set('["db"]["host"]', '"db2.example.com"');
  set('["db"]["password"]', '"our password"');
  commit("Another host and password");
  say('git commit -qam "Another host and password"');
  say("git merge feature", shownOfAny(folder, ["git", "merge", "feature"]));
  run("decrypt", "secrets.yaml");
  say(
    "tsops set secrets.yaml '[\"port\"]' 1",
    shownOfAny(folder, [...PROGRAM, "set", "secrets.yaml", '["port"]', "1"]),
  );
  say(
    "EDITOR=cat tsops git resolve secrets.yaml",
    shownOfAny(folder, [...PROGRAM, "git", "resolve", "secrets.yaml"], { EDITOR: "cat" }),
  );
  run("git", "resolve", "--theirs", "secrets.yaml");
  run("decrypt", "secrets.yaml");
  git(folder, "add", "secrets.yaml");
  commit("Merge feature");
  say('git add secrets.yaml && git commit -qm "Merge feature"');
  return text();
}

/** What `check` finds before a commit, and after its advice was taken. */
function checked(folder) {
  const { say, run, text } = terminal(folder);
  git(folder, "init", "--quiet");
  run("init");
  writeFileSync(join(folder, "secrets.yaml"), "db:\n  password: s3cret\n");
  writeFileSync(join(folder, "deploy.yaml"), "registry: registry.example.com\ntoken: s3cret\n");
  git(folder, "add", ".");
  say("git add .");
  say("tsops check --staged", shownOfAny(folder, [...PROGRAM, "check", "--staged"]));
  run("encrypt", "-i", "secrets.yaml");
  say("git add secrets.yaml");
  git(folder, "add", ".");
  run("check", "--staged");
  return text();
}

/** Not the first one's: nobody has it. */
const BOB = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";

/** A repository of a team: what there is, who can read it, and a person who leaves. */
function wholeRepository(folder) {
  const { say, run, text } = terminal(folder);
  const write = (name, content) => writeFileSync(join(folder, name), content);
  shownOf(folder, "init");
  const alice = /age1[0-9a-z]+/.exec(readFileSync(join(folder, ".sopsrc"), "utf8"))[0];
  const configure = (readers) =>
    write(
      ".sopsrc",
      `{ keys: { alice: "age:${alice}", bob: "age:${BOB}" },
  rules: [
    { name: "prod", glob: "prod/**", key_groups: [["alice"], ["bob"]], shamir_threshold: 2 },
    { name: "all", glob: "**", recipients: ${readers} },
  ] }
`,
    );
  configure('["alice", "bob"]');
  git(folder, "init", "--quiet");
  for (const name of ["dev", "prod", "build"]) mkdirSync(join(folder, name));
  write(".gitignore", "build/\n");
  for (const name of ["dev/db.yaml", "dev/mail.json", "prod/db.yaml", "build/copy.yaml"])
    write(name, name.endsWith("json") ? '{"password": "s3cret"}\n' : "password: s3cret\n");
  say("cat .gitignore", "build/");
  run("encrypt", "-i", ".");
  shownOf(folder, "rotate", "-i", "--yes", "--rm-key", "bob", "dev/mail.json");
  write("dev/new.env", "TOKEN=s3cret\n");
  run("status");
  run("recipients");
  run("recipients", "--who-can-read", "password");
  say("# bob leaves: .sopsrc does not name him for dev/ any more");
  configure('["alice"]');
  run("rotate", "-i", "--where", "recipient=bob", "--rm-key", "bob", "dev");
  return text();
}

const PAGES = {
  "README.md": firstHour,
  "docs/installation.md": firstSteps,
  "docs/check.md": checked,
  "docs/git.md": inGit,
  "docs/merge.md": merging,
  "docs/repositories.md": wholeRepository,
};

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
    .replace(/^longest without a write: .*$/gm, "longest")
    .replace(/^index .*$/gm, "index")
    .replace(/^[0-9a-f]{10} /gm, "id ")
    .replace(/seal: v2:\S+/g, "seal");
}

const outdated = Object.entries(PAGES).filter(([name, session]) => {
  const page = readFileSync(join(root, name), "utf8");
  const [, , shown] = SHOWN.exec(page) ?? [];
  if (shown === undefined) throw new Error(`${name} has no place for what the program prints`);
  const printed = inEmptyFolder(session);
  if (steady(shown) === steady(printed)) return false;
  if (!check)
    writeFileSync(join(root, name), page.replace(SHOWN, `$1${printed.replaceAll("$", "$$$$")}\n\`\`\``));
  return true;
});
for (const [name] of outdated)
  console.log(check ? `${name} is out of date: run node scripts/readme.mjs` : `wrote ${name}`);
if (outdated.length === 0) console.log("the pages are up to date");
else if (check) process.exitCode = 1;
