import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { myself, takeLock } from "../../../src/files/lockfile.ts";
import { ownName } from "../../../src/files/own.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";
import { hasTerminals, inTerminal } from "../../support/terminal.ts";

/** Three files for both keys, and one for the first alone. */
async function files(box: Sandbox): Promise<void> {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.write(
    ".sopsrc",
    `{ keys: { alice: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}" }, groups: { team: ["alice", "bob"] } }`,
  );
  for (const name of ["p/a.yaml", "p/b.json", "p/c.env", "p/d.yaml"]) {
    box.write(name, TEXTS[name.split(".").at(-1)!]!);
    const keys = name === "p/d.yaml" ? RECIPIENT : `${RECIPIENT},${OTHER_RECIPIENT}`;
    const { code, stderr } = await box.run(["encrypt", "-i", "--age", keys, name]);
    assert.is(code, 0, stderr);
  }
}

const TEXTS: Readonly<Record<string, string>> = { json: '{"a": "x"}\n', env: "A=x\n", yaml: "a: x\nb: y\n" };
const NAMES = ["p/a.yaml", "p/b.json", "p/c.env", "p/d.yaml"];
const textsOf = (box: Sandbox) => NAMES.map((name) => box.read(name));

/** The files whose text is another one than before. */
function changedSince(before: readonly string[], box: Sandbox): string[] {
  return NAMES.filter((name, i) => box.read(name) !== before[i]);
}

function backDate(box: Sandbox, name: string): void {
  box.write(name, box.read(name).replace(/(lastmodified"?[:=] ?"?)\d{4}/, "$12020"));
}

test("recipient= takes a name, a group, a URI and an identifier, and leaves the others alone", () =>
  inSandbox(async (box) => {
    await files(box);
    for (const word of ["bob", OTHER_RECIPIENT, `age:${OTHER_RECIPIENT}`]) {
      const before = textsOf(box);
      const { code, stderr } = await box.run(["rotate", "-i", "--where", `recipient=${word}`, "p"]);
      assert.is(code, 0, stderr);
      assert.match(stderr, `3 of 4 encrypted files: recipient=${word}\n`);
      assert.match(stderr, /rotated 3 of 3 files\n$/);
      assert.equal(changedSince(before, box), ["p/a.yaml", "p/b.json", "p/c.env"], word);
    }
    const team = await box.run(["rotate", "--dry-run", "--where", "recipient=team", "p"]);
    assert.match(team.stderr, /would rotate 4 of 4 files\n$/);
  }));

test("conditions hold together, also with --older-than", () =>
  inSandbox(async (box) => {
    await files(box);
    for (const name of ["p/a.yaml", "p/d.yaml"]) {
      // a seal does not cover the time, the MAC does
      backDate(box, name);
    }
    const dry = async (...where: readonly string[]) => {
      const { stderr, code } = await box.run(["rotate", "--dry-run", ...where, "p"]);
      assert.is(code, 0, stderr);
      return [...stderr.matchAll(/would rotate (p\S+)/g)].map(([, name]) => name);
    };
    assert.equal(await dry("--where", "older=90d"), ["p/a.yaml", "p/d.yaml"]);
    assert.equal(await dry("--where", "older=90d", "--where", "recipient=bob"), ["p/a.yaml"]);
    assert.equal(await dry("--older-than", "2021-01-01", "--where", "recipient=bob"), ["p/a.yaml"]);
    assert.equal(await dry("--older-than", "2019-01-01", "--where", "older=90d"), []);
  }));

test("a recipient is taken out of every file that it can read, and a second run finds nothing to do", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--where", "recipient=bob", "--rm-key", "bob", "p"];
    const first = await box.run(argv);
    assert.is(first.code, 0, first.stderr);
    for (const name of NAMES) assert.not.match(box.read(name), OTHER_RECIPIENT);
    const second = await box.run(argv);
    assert.is(second.code, 0, second.stderr);
    assert.match(second.stderr, /0 of 4 encrypted files.*\n.*nothing was left to do\n$/);
  }));

test("what cannot be meant is refused before anything is rotated", () =>
  inSandbox(async (box) => {
    await files(box);
    const before = textsOf(box);
    for (const [where, said] of [
      ["recipient=bbo", /did you mean bob\?/],
      ["recipent=bob", /did you mean recipient=\?/],
      ["bob", /--where takes recipient=WHO or older=TIME/],
      ["older=soon", /--where older= takes a time/],
    ] as const) {
      const { code, stderr } = await box.run(["rotate", "-i", "--where", where, "p"]);
      assert.is(code, 1, stderr);
      assert.match(stderr, said);
    }
    assert.equal(changedSince(before, box), []);
  }));

test("--dry-run names the files and writes nothing; --json is for scripts", () =>
  inSandbox(async (box) => {
    await files(box);
    const before = textsOf(box);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const dry = await box.run(["rotate", "--dry-run", "--json", "--where", "recipient=bob", "p"]);
    assert.is(dry.code, 0, dry.stderr);
    assert.equal(JSON.parse(dry.stdout), {
      files: ["p/a.yaml", "p/b.json", "p/c.env"].map((file) => ({ file, status: "would-rotate" })),
    });
    assert.equal(changedSince(before, box), []);
    const failed = await box.run(["rotate", "-i", "--json", "p/a.yaml", "missing.yaml"]);
    assert.is(failed.code, 1);
    assert.equal(JSON.parse(failed.stdout), {
      files: [
        { file: "p/a.yaml", error: "no-data-key" },
        { file: "missing.yaml", error: "read" },
      ],
    });
  }));

test("files that cannot be judged fail, and the others are rotated", () =>
  inSandbox(async (box) => {
    await files(box);
    box.write("p/b.json", box.read("p/b.json").replace('"sops": {', '"sops": {{'));
    box.write("plain.yaml", "a: b\n");
    const before = textsOf(box);
    const { code, stderr } = await box.run(["rotate", "-i", "--where", "recipient=bob", "p", "plain.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, "p/b.json");
    assert.match(stderr, "plain.yaml");
    assert.match(stderr, /rotated 2 of 4 files, 2 failed\n$/);
    assert.equal(changedSince(before, box), ["p/a.yaml", "p/c.env"]);
  }));

test("a file whose metadata cannot be read is not passed over in a folder: its data key would stay", () =>
  inSandbox(async (box) => {
    await files(box);
    const both = box
      .read("p/d.yaml")
      .replace(/( +)unencrypted_suffix/, "$1encrypted_regex: x\n$1unencrypted_suffix");
    box.write("p/d.yaml", both);
    for (const argv of [
      ["rotate", "-i", "p"],
      ["rotate", "-i", "--where", "recipient=bob", "p"],
      ["updatekeys", "-y", "p"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, argv.join(" "));
      assert.match(stderr, /p\/d\.yaml: the file's sops metadata cannot be read: it has .* only one of them/);
    }
  }));

test("a plan is made once, and goes on where a run was interrupted", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--where", "recipient=bob", "--plan", "plan.json", "p"];
    const made = await box.run([...argv, "--dry-run"]);
    assert.is(made.code, 0, made.stderr);
    const plan = readFileSync(box.path("plan.json"), "utf8");
    assert.equal(
      (JSON.parse(plan) as { files: { file: string }[] }).files.map(({ file }) => file),
      ["p/a.yaml", "p/b.json", "p/c.env"],
    );
    // as if the run had been killed after one file, while somebody set a value of another one
    assert.is((await box.run(["rotate", "-i", "p/b.json"])).code, 0);
    assert.is((await box.run(["set", "p/a.yaml", '["a"]', '"z"'])).code, 0);
    const before = textsOf(box);
    const dry = await box.run([...argv, "--dry-run"]);
    assert.match(dry.stderr, /plan plan\.json of \S+: 1 of 3 files are rotated, 2 are left\n/);
    const rest = await box.run(argv);
    assert.is(rest.code, 0, rest.stderr);
    assert.equal(changedSince(before, box), ["p/a.yaml", "p/c.env"]);
    assert.match((await box.run(["decrypt", "p/a.yaml"])).stdout, "a: z");
    // it is never written again, and its name alone is enough
    assert.is(readFileSync(box.path("plan.json"), "utf8"), plan);
    const done = await box.run(["rotate", "-i", "--plan", "plan.json"]);
    assert.is(done.code, 0, done.stderr);
    assert.match(done.stderr, "3 of 3 files are rotated, 0 are left");
    assert.match(done.stderr, "the plan plan.json is done, and can be removed");
    assert.equal(changedSince(before, box), ["p/a.yaml", "p/c.env"]);
  }));

test("a plan holds while a file fails, and says what is left", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--plan", "plan.json", "p"];
    const good = box.read("p/b.json");
    // its MAC is wrong
    box.write("p/b.json", good.replace(/("mac": ?"ENC\[AES256_GCM,data:)./, "$1*"));
    const first = await box.run(argv);
    assert.is(first.code, 1);
    assert.match(first.stderr, "1 file is left: the same command goes on with what is left");
    const before = textsOf(box);
    box.write("p/b.json", good);
    const second = await box.run(argv);
    assert.is(second.code, 0, second.stderr);
    assert.equal(changedSince(before, box), ["p/b.json"]);
    assert.match((await box.run(argv)).stderr, "4 of 4 files are rotated");
  }));

test("SOPS's updatekeys between two runs is no rotation: the wrapped keys are others, the values are not", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--plan", "plan.json", "p/a.yaml", "p/d.yaml"];
    assert.is((await box.run([...argv, "--dry-run"])).code, 0);
    const other = box.read("p/a.yaml");
    assert.is((await box.run(["rotate", "-i", "p/a.yaml"])).code, 0);
    const [wrapped] = /-----BEGIN[\s\S]*END AGE ENCRYPTED FILE-----/.exec(box.read("p/a.yaml"))!;
    box.write("p/a.yaml", other.replace(/-----BEGIN[\s\S]*END AGE ENCRYPTED FILE-----/, wrapped));
    const dry = await box.run([...argv, "--dry-run"]);
    assert.match(dry.stderr, "0 of 2 files are rotated, 2 are left");
  }));

test("a plan is for one command: other files, conditions or changes are refused, and other files than plans are kept", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--where", "recipient=bob", "--rm-key", "bob", "--plan", "plan.json"];
    assert.is((await box.run([...argv, "--dry-run", "p"])).code, 0);
    const before = textsOf(box);
    for (const [other, what] of [
      [["rotate", "-i", "--plan", "plan.json"], "changes"],
      [["rotate", "-i", "--rm-key", "alice", "--plan", "plan.json"], "changes"],
      [[...argv, "."], "files"],
      [["rotate", "-i", "--where", "older=1d", "--rm-key", "bob", "--plan", "plan.json"], "conditions"],
    ] as const) {
      const { code, stderr } = await box.run(other);
      assert.is(code, 1, stderr);
      assert.match(stderr, `the plan was made with other ${what}`);
    }
    const text = "a: 1\n";
    box.write("mine.yaml", text);
    const mine = await box.run(["rotate", "-i", "--plan", "mine.yaml", "p"]);
    assert.is(mine.code, 1);
    assert.match(mine.stderr, "this file is not a plan of rotate");
    assert.is(box.read("mine.yaml"), text);
    assert.equal(changedSince(before, box), []);
  }));

test("a plan that somebody changed does not pass over a file that the removed key still opens", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--where", "recipient=bob", "--rm-key", "bob", "--plan", "plan.json", "p"];
    assert.is((await box.run([...argv, "--dry-run"])).code, 0);
    const plan = JSON.parse(box.read("plan.json"));
    // as if all had other data keys by now
    for (const file of plan.files) file.marks = ["0123456789abcdef"];
    box.write("plan.json", JSON.stringify(plan));
    const { code, stderr } = await box.run(argv);
    assert.is(code, 0, stderr);
    assert.match(stderr, "0 of 3 files are rotated, 3 are left");
    assert.match(stderr, /rotated 3 of 3 files\n$/);
    for (const name of NAMES) assert.not.match(box.read(name), OTHER_RECIPIENT);
    assert.match((await box.run(argv)).stderr, "3 of 3 files are rotated, 0 are left");
  }));

test("what a killed run left beside a file is taken away by the run that goes on with its plan", () =>
  inSandbox(async (box) => {
    await files(box);
    const argv = ["rotate", "-i", "--plan", "plan.json", "p"];
    assert.is((await box.run(argv)).code, 0);
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => child.once("close", resolve));
    const lock = ownName(box.path("p/a.yaml"), "lock");
    takeLock(lock, { ...myself("dead"), pid: child.pid! });
    assert.ok(existsSync(lock));
    assert.is((await box.run(argv)).code, 0);
    assert.not.ok(existsSync(lock));
  }));

test("a plan means its files from wherever the command runs, and a file that is gone fails", () =>
  inSandbox(async (box) => {
    await files(box);
    assert.is((await box.run(["rotate", "--dry-run", "--plan", "plan.json", "p"])).code, 0);
    rmSync(box.path("p/b.json"));
    const { code, stderr } = await box.run(["rotate", "-i", "--plan", "../plan.json"], {
      cwd: box.path("p"),
    });
    assert.is(code, 1);
    assert.match(stderr, /rotated 3 of 4 files, 1 failed\n$/);
    assert.not.ok(existsSync(box.path("p/b.json")));
  }));

if (hasTerminals) {
  test("at a terminal the plan is shown and asked about once", () =>
    inSandbox(async (box) => {
      await files(box);
      const before = textsOf(box);
      const argv = ["rotate", "-i", "--where", "recipient=bob", "p"];
      const ask = (answer: string) => [{ until: "Rotate 3 files? (y/N): " }, { type: `${answer}\r` }];
      const no = await inTerminal(argv, ask("n"), { env: box.env, cwd: box.folder });
      assert.is(no.code, 0, no.text);
      assert.match(
        no.text,
        /these files get a new data key:\r\n {2}p\/a\.yaml\r\n {2}p\/b\.json\r\n {2}p\/c\.env\r\n/,
      );
      assert.match(no.text, "nothing was rotated");
      assert.equal(changedSince(before, box), []);
      const yes = await inTerminal(argv, ask("y"), { env: box.env, cwd: box.folder });
      assert.match(yes.text, "rotated 3 of 3 files");
      assert.equal(changedSince(before, box), ["p/a.yaml", "p/b.json", "p/c.env"]);
    }));
}

test.run();
