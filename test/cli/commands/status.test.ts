import { truncateSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";
import { Git, gitIn } from "../../support/git.ts";

const NAMES = `keys: { alice: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}" }`;

/** A repository with one file of each kind. The configuration names both keys. */
async function repository(box: Sandbox): Promise<void> {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  gitIn(box, "init", "-q");
  box.write(
    ".sopsrc",
    `{ ${NAMES}, rules: [
      { name: "prod", glob: "prod/**", key_groups: [["alice"], ["bob"]], shamir_threshold: 2 },
      { name: "dev", glob: "dev/**", recipients: ["alice", "bob"] },
    ] }`,
  );
  for (const name of ["prod/both.yaml", "dev/a.yaml", "dev/b.json", "dev/c.env"]) await encrypted(box, name);
  await encrypted(box, "dev/less.yaml", "--age", RECIPIENT);
  box.write("else/copy.yaml", box.read("dev/a.yaml"));
  box.write("else/no-secrets.yaml", "a: b\n");
  box.write("dev/plain.yaml", "a: b\n");
  box.write("dev/old.yaml", box.read("dev/a.yaml").replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
}

const TEXTS: Readonly<Record<string, string>> = { json: '{"a": "x"}\n', env: "A=x\n", yaml: "a: x\n" };

async function encrypted(box: Sandbox, name: string, ...options: readonly string[]): Promise<void> {
  box.write(name, TEXTS[name.split(".").at(-1)!]!);
  const { code, stderr } = await box.run(["encrypt", "-i", ...options, name]);
  assert.is(code, 0, stderr);
}

interface FileStatus {
  readonly file: string;
  readonly [field: string]: unknown;
}

async function statusOf(box: Sandbox, ...argv: readonly string[]) {
  const { code, stdout, stderr } = await box.run(["status", "--json", ...argv]);
  const { files, summary } = JSON.parse(stdout) as { files: FileStatus[]; summary: Record<string, unknown> };
  return { code, stderr, summary, files: new Map(files.map((file) => [file.file, file])) };
}

test("says of each file what it is, without a key", () =>
  inSandbox(async (box) => {
    await repository(box);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const { code, files, summary, stderr } = await statusOf(box);
    assert.is(code, 0, stderr);
    const field = (name: string) =>
      Object.fromEntries([...files.values()].map((file) => [file.file, file[name] ?? null]));
    assert.equal(field("state"), {
      "dev/a.yaml": "encrypted",
      "dev/b.json": "encrypted",
      "dev/c.env": "encrypted",
      "dev/less.yaml": "encrypted",
      "dev/old.yaml": "encrypted",
      "dev/plain.yaml": "plaintext",
      "else/copy.yaml": "encrypted",
      "prod/both.yaml": "encrypted",
    });
    assert.is(files.get("dev/c.env")!.format, "dotenv");
    assert.is(files.get("dev/a.yaml")!.inLine, true);
    assert.equal(files.get("dev/a.yaml")!.rule, { number: 2, name: "dev" });
    assert.is(files.get("dev/a.yaml")!.lastModified, /lastmodified: "(.*)"/.exec(box.read("dev/a.yaml"))![1]);
    assert.is(files.get("dev/less.yaml")!.inLine, false);
    const bob = { kind: "age", id: OTHER_RECIPIENT, name: "bob" };
    const { groups } = files.get("dev/less.yaml")!.drift as { groups: { onlyInRule: unknown }[] };
    assert.equal(groups[0]!.onlyInRule, [bob]);
    assert.is(files.get("else/copy.yaml")!.inLine, null);
    assert.is(files.get("else/copy.yaml")!.rule, null);
    assert.is(files.get("dev/old.yaml")!.sealed, false);
    assert.is(files.get("prod/both.yaml")!.groupsNeeded, 2);
    assert.is((files.get("prod/both.yaml")!.groups as unknown[]).length, 2);
    const { oldest, ...counts } = summary;
    assert.equal(counts, {
      encrypted: 7,
      inLine: 5,
      differ: 1,
      withoutRule: 1,
      withoutSeal: 1,
      plaintext: 1,
      damaged: 0,
      inConflict: 0,
      failed: 0,
    });
    assert.type((oldest as { file: string }).file, "string");
  }));

test("shows people files of the same readers and rule together, within 80 columns where names allow it", () =>
  inSandbox(async (box) => {
    await repository(box);
    const { code, stdout, stderr } = await box.run(["status"]);
    assert.is(code, 0, stderr);
    assert.is(stderr, "");
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80 || line.includes("age1"), line);
    assert.match(
      stdout,
      'for alice, bob\nas rule "dev" has it\n' +
        "  yaml    sealed   today  dev/a.yaml\n" +
        "  json    sealed   today  dev/b.json\n" +
        "  dotenv  sealed   today  dev/c.env\n" +
        "  yaml    no seal  today  dev/old.yaml\n",
    );
    assert.match(
      stdout,
      /for one of each of these 2 groups\n {4}1\. alice\n {4}2\. bob\nas rule "prod" has it\n/,
    );
    assert.match(
      stdout,
      "for alice, bob\nno creation rule is for it\n  yaml  sealed  today  else/copy.yaml\n",
    );
    assert.match(stdout, 'for alice\nnot as rule "dev" has it (+++ it adds, --- it removes)\n');
    assert.match(stdout, `  +++ ${OTHER_RECIPIENT} (bob)\n  yaml  sealed  today  dev/less.yaml\n`);
    assert.match(
      stdout,
      "in plaintext, and a creation rule is for them: tsops encrypt -i FILE\n  dev/plain.yaml\n",
    );
    assert.match(stdout, /7 encrypted files: 5 as their creation rules have them,/);
    assert.match(stdout, /other files: 1 in plaintext\n/);
  }));

test("the age is that of the last write", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    const days = 400 * 24 * 3600 * 1000;
    const then = `${new Date(Date.now() - days - 3_600_000).toISOString().slice(0, 19)}Z`;
    box.write("a.yaml", box.read("a.yaml").replace(/lastmodified: ".*"/, `lastmodified: "${then}"`));
    assert.match((await box.run(["status"])).stdout, /yaml {2}sealed {2}400 days {2}a\.yaml\n/);
    assert.equal((await statusOf(box)).summary.oldest, { file: "a.yaml", lastModified: then });
  }));

test("conflicts: of git, of markers, and of a merge that could not decide", () =>
  inSandbox(async (box) => {
    await repository(box);
    gitIn(box, "add", ".");
    gitIn(box, "commit", "-qm", "base");
    gitIn(box, "checkout", "-qb", "other");
    assert.is((await box.run(["rotate", "-i", "dev/a.yaml"])).code, 0);
    gitIn(box, "commit", "-qam", "theirs");
    gitIn(box, "checkout", "-q", "-");
    assert.is((await box.run(["rotate", "-i", "dev/a.yaml"])).code, 0);
    gitIn(box, "commit", "-qam", "ours");
    assert.is(new Git(box).try("merge", "other").code, 1);
    const held = box.read("dev/less.yaml").replace("    tsops:\n", "    tsops:\n        conflicts: ENC[x]\n");
    box.write("dev/less.yaml", held);
    const { files, summary, code } = await statusOf(box);
    assert.is(code, 0);
    assert.is(files.get("dev/a.yaml")!.state, "damaged");
    assert.equal(files.get("dev/a.yaml")!.conflicts, ["unmerged", "markers"]);
    assert.equal(files.get("dev/less.yaml")!.conflicts, ["held"]);
    assert.is(summary.inConflict, 2);
    const { stdout } = await box.run(["status", "dev/a.yaml", "dev/less.yaml"]);
    assert.match(
      stdout,
      /in conflict: .*\n {2}dev\/a\.yaml: git waits .*; it holds git's conflict markers\n/,
    );
    assert.match(stdout, "  yaml  conflict  today  dev/less.yaml");
  }));

test("without paths it is about the repository, from wherever in it; outside, about the folder", () =>
  inSandbox(async (box) => {
    await repository(box);
    const inner = await box.run(["status", "--json"], { cwd: box.path("else") });
    const names = (JSON.parse(inner.stdout) as { files: { file: string }[] }).files.map(({ file }) => file);
    assert.ok(names.includes("copy.yaml") && names.includes("../dev/a.yaml"), inner.stdout);
    assert.equal(
      [...(await statusOf(box, "prod", "dev/*.json")).files.keys()],
      ["prod/both.yaml", "dev/b.json"],
    );
  }));

test("what cannot be read is named, with exit code 1, and the others are shown", () =>
  inSandbox(async (box) => {
    await repository(box);
    const { code, files, summary, stderr } = await statusOf(box, "missing.yaml", "dev/a.yaml");
    assert.is(code, 1);
    assert.equal(files.get("missing.yaml"), { file: "missing.yaml", error: "no-such-file" });
    assert.is(files.get("dev/a.yaml")!.state, "encrypted");
    assert.is(summary.failed, 1);
    assert.match(stderr, "missing.yaml");
    // what is damaged is a state like others
    writeFileSync(
      box.path("dev/a.yaml"),
      box.read("dev/a.yaml").replace("unencrypted_suffix", "encrypted_regex: x\n    unencrypted_suffix"),
    );
    const damaged = await statusOf(box, "dev");
    assert.is(damaged.code, 0, damaged.stderr);
    assert.is(damaged.files.get("dev/a.yaml")!.state, "damaged");
    assert.match((await box.run(["status", "dev"])).stdout, /damaged:\n {2}dev\/a\.yaml: /);
  }));

test("a file of a folder that is too large to be one of ours is said and not read; named, it is an error", () =>
  inSandbox(async (box) => {
    await repository(box);
    // it takes no room
    box.write("dev/image.yaml", "");
    truncateSync(box.path("dev/image.yaml"), 2 ** 29);
    for (const command of ["status", "recipients"]) {
      const { code, stdout, stderr } = await box.run([command, "dev"]);
      assert.is(code, 0, stderr);
      assert.match(stderr, /^tsops: dev\/image\.yaml is larger than 512 MiB, and is skipped$/m);
      assert.match(stdout, "dev/a.yaml");
    }
    const rotated = await box.run(["rotate", "-i", "dev"]);
    assert.match(rotated.stderr, "dev/image.yaml is larger than 512 MiB, and is skipped");
  }));

test("a rule for everything does not fill the screen", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    for (let i = 0; i < 30; i++) box.write(`f${i}.txt`, "x");
    const { stdout } = await box.run(["status"]);
    assert.match(stdout, "and 10 more: --verbose lists them");
    assert.is(
      (await box.run(["status", "--verbose", "--json"])).stdout.match(/plaintext"/g)!.length >= 30,
      true,
    );
    const all = (await box.run(["status", "--verbose"])).stdout;
    assert.is(all.match(/^ {2}f\d+\.txt$/gm)!.length, 30);
    assert.match(all, /^0 encrypted files\nother files: 30 in plaintext$/m);
  }));

test.run();
