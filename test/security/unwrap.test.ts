import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { yaml } from "../../src/formats/yaml/index.ts";
import { unwrapDataKey, wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyGroup, MasterKey } from "../../src/keys/kind.ts";
import { groupsFromMetadata } from "../../src/keys/metadata.ts";
import { kindNamed } from "../../src/keys/table.ts";
import { readEncrypted } from "../../src/sops/decrypt.ts";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { contextWith, emptyFolder, goldenKey } from "../support/keys/contexts.ts";
import { age } from "../support/keys/in-use.ts";
import { armored, literal } from "../support/keys/pgp-messages.ts";

/** Unwrapping proves the key: findings of the security review, tried from the command line. */

const PLAIN = "user: admin\npassword: s3cret\n";
const OTHER_FILE = new URL("../../fixtures/golden/keys/age2.txt", import.meta.url).pathname;
const FP = goldenKey("pgp1.fp").trim();
const ORDER = ["age", "pgp"];

const bothIdentities = (): string =>
  `${readFileSync(IDENTITY_FILE, "utf8")}\n${readFileSync(OTHER_FILE, "utf8")}`;

/** A context with the identities of both recipients. */
function holdingBoth() {
  return contextWith({ SOPS_AGE_KEY: bothIdentities() });
}

/** The groups of an encrypted YAML file, and its data key. */
async function opened(text: string): Promise<{ groups: readonly KeyGroup[]; dataKey: Buffer }> {
  const { groups, threshold } = groupsFromMetadata(readEncrypted(text, yaml).metadata.tree);
  const dataKey = await unwrapDataKey(groups, threshold, { order: ORDER, context: holdingBoth() });
  return { groups, dataKey };
}

/** The wrapped keys of a file, as it spells them: what an attacker copies into another version of the file. */
function wrapsIn(text: string): string {
  return text.slice(text.indexOf("    age:\n"), text.indexOf("    lastmodified:"));
}

/** A file as it was, with the key lists of an older version in the place of its own. */
function withOldWraps(text: string, old: string): string {
  const start = text.search(/^ {4}(?:age|key_groups|shamir_threshold):/m);
  const body = text.slice(0, start);
  const rest = text.slice(text.indexOf("    lastmodified:"));
  return body + wrapsIn(old) + rest.replace(/^ {4}(?:tsops|shamir_threshold):.*\n(?: {8}.*\n)*/gm, "");
}

async function setUp(box: Sandbox, rule: string): Promise<void> {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.env.SOPS_AGE_KEY_FILE = undefined;
  box.env.SOPS_AGE_KEY = bothIdentities();
  box.write(".sops.yaml", rule);
  box.write("a.yaml", PLAIN);
  assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
}

const ONE_GROUP = `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`;
const TWO_GROUPS = `creation_rules:
  - shamir_threshold: 2
    key_groups:
      - age: [${RECIPIENT}]
      - age: [${OTHER_RECIPIENT}]
`;

test("finding 6: an unencrypted PGP message is no wrapped data key", () =>
  inSandbox(async (box) => {
    await setUp(box, `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const text = box.read("a.yaml");
    const { dataKey } = await opened(text);
    const enc = armored(literal(dataKey)).split("\n");
    const lines = enc.map((line) => `            ${line}\n`.replace(/^ +\n$/, "\n")).join("");
    const entry = `    pgp:\n        - created_at: "2025-01-01T00:00:00Z"\n          enc: |-\n${lines}          fp: ${FP}\n`;
    const forged = text.replace(wrapsIn(text), entry).replace(/^ {4}tsops:\n(?: {8}.*\n)+/m, "");
    assert.match(forged, /BEGIN PGP MESSAGE/);
    box.write("a.yaml", forged);
    box.env.GNUPGHOME = emptyFolder();
    for (const pgpKey of [undefined, goldenKey("pgp1.asc")]) {
      box.env.TSOPS_PGP_KEY = pgpKey;
      for (const argv of [
        ["decrypt", "a.yaml"],
        ["set", "a.yaml", '["password"]', '"real"'],
      ]) {
        const { code, stdout, stderr } = await box.run(argv);
        assert.is(code, 128, stderr);
        assert.is(stdout, "");
        assert.match(
          stderr,
          /it is not a data key that was wrapped for this key: it is not encrypted at all/,
        );
      }
    }
    assert.is(box.read("a.yaml"), forged);
  }));

test("finding 7: a file that a stranger made for exactly these recipients: set keeps his data key, rotate shuts him out", () =>
  inSandbox(async (box) => {
    await setUp(box, ONE_GROUP);
    const made = await opened(box.read("a.yaml"));
    assert.is((await box.run(["set", "a.yaml", '["password"]', '"new"'])).code, 0);
    assert.equal(
      (await opened(box.read("a.yaml"))).dataKey,
      made.dataKey,
      "what docs/security.md says of it",
    );
    assert.is((await box.run(["rotate", "-i", "a.yaml"])).code, 0);
    const rotated = await opened(box.read("a.yaml"));
    assert.is.not(rotated.dataKey.toString("hex"), made.dataKey.toString("hex"));
    assert.equal(
      rotated.groups.map((group) => group.map(({ kind, id }) => [kind, id])),
      made.groups.map((group) => group.map(({ kind, id }) => [kind, id])),
    );
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, PLAIN.replace("s3cret", "new"));
  }));

test("finding 8: a share with x = 0 does not decide the data key", () =>
  inSandbox(async (box) => {
    await setUp(box, TWO_GROUPS);
    const before = box.read("a.yaml");
    const { groups } = await opened(before);
    const chosen = Buffer.concat([Buffer.alloc(32, 0x4b), Buffer.of(0)]);
    const [first] = groups[0]!;
    const forged = await age.wrap(first!, chosen, contextWith());
    const armor = (key: MasterKey): string[] => String(key.fields.get("enc")).trim().split("\n");
    let text = before;
    const [old, now] = [armor(first!), armor(forged)];
    // the same lines with the same blanks before them
    const indent = /^( +)-----BEGIN AGE/m.exec(text)![1]!;
    const spelled = (lines: string[]): string => lines.map((line) => `${indent}${line}\n`).join("");
    text = text.replace(spelled(old), spelled(now));
    assert.not.equal(text, before);
    box.write("a.yaml", text);
    for (const argv of [
      ["decrypt", "--ignore-mac", "a.yaml"],
      ["rotate", "-i", "a.yaml"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 128, stderr);
      assert.match(stderr, /key group 1|group 1/i);
      assert.match(stderr, /a part of the data key with the number 0, which no group has/);
    }
    assert.is(box.read("a.yaml"), text);
  }));

test("finding 8: two groups that hold the same part are named", async () => {
  const key = (recipient: string) => kindNamed("age").parse(recipient)[0]!;
  const dataKey = Buffer.alloc(32, 3);
  const groups = await wrapDataKey(dataKey, [[key(RECIPIENT)], [key(OTHER_RECIPIENT)]], 2, {
    context: contextWith(),
  });
  const share = (await age.unwrap(groups[0]![0]!, holdingBoth()))!;
  const twice = [groups[0]!, [await age.wrap(groups[1]![0]!, share, contextWith())]];
  try {
    await unwrapDataKey(twice, 2, { order: ORDER, context: holdingBoth() });
    assert.unreachable("it must fail");
  } catch (error) {
    assert.match(String(error), /the key groups 1 and 2 hold parts of the data key with the same number, 1/);
  }
});

test("finding 9: updatekeys to a higher threshold makes a new data key, and says who could read what", () =>
  inSandbox(async (box) => {
    await setUp(box, ONE_GROUP);
    const old = box.read("a.yaml");
    box.write(".sops.yaml", TWO_GROUPS);
    const { code, stderr } = await box.run(["updatekeys", "-y", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(
      stderr,
      `fewer keys than are needed now could read these values (${RECIPIENT}; ${OTHER_RECIPIENT})`,
    );
    assert.match(stderr, /change them where they are used:\n {2}\["user"\]\n {2}\["password"\]/);
    assert.is((await box.run(["set", "a.yaml", '["password"]', '"needs two"'])).code, 0);
    await cannotOpenAlone(box, old);
  }));

test("finding 9: groups add makes a new data key where more groups are needed", () =>
  inSandbox(async (box) => {
    await setUp(box, `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const old = box.read("a.yaml");
    const { code, stderr } = await box.run(["groups", "add", "-i", "-f", "a.yaml", "--age", OTHER_RECIPIENT]);
    assert.is(code, 0, stderr);
    assert.match(stderr, `fewer keys than are needed now could read these values (${RECIPIENT})`);
    await cannotOpenAlone(box, old);
    // a third group, of which still two are needed, takes nothing from anybody
    const { dataKey } = await opened(box.read("a.yaml"));
    const third = ["groups", "add", "-i", "--yes", "-f", "a.yaml", "--age", RECIPIENT];
    const more = await box.run([...third, "--shamir-secret-sharing-threshold", "2"]);
    assert.is(more.code, 0, more.stderr);
    assert.equal((await opened(box.read("a.yaml"))).dataKey, dataKey);
    assert.not.match(more.stderr, /could read/);
  }));

test("finding 9: groups delete and edit --show-master-keys make a new data key where a set of keys loses the file", () =>
  inSandbox(async (box) => {
    await setUp(
      box,
      TWO_GROUPS.replace("threshold: 2", "threshold: 2").concat(
        `      - age: [${RECIPIENT}, ${OTHER_RECIPIENT}]\n`,
      ),
    );
    const first = await opened(box.read("a.yaml"));
    const gone = await box.run(["groups", "delete", "-i", "-f", "a.yaml", "2"]);
    assert.is(gone.code, 0, gone.stderr);
    assert.match(gone.stderr, /fewer keys than are needed now could read these values/);
    const second = await opened(box.read("a.yaml"));
    assert.not.equal(second.dataKey, first.dataKey);

    // one group of two keys, of which one is taken out in the editor
    await setUp(box, ONE_GROUP);
    const before = await opened(box.read("a.yaml"));
    const text = box.read("a.yaml");
    const editor = box.write(
      "editor.mjs",
      `
      import { readFileSync, writeFileSync } from "node:fs";
      const file = process.argv[2], text = readFileSync(file, "utf8");
      const entry = /^ {8}- (?:enc|recipient)[^]*?(?=^ {8}- |^ {4}\\S)/gm;
      writeFileSync(file, text.replace(entry, (found) => found.includes("${OTHER_RECIPIENT}") ? "" : found));
    `,
    );
    box.env.EDITOR = `${process.execPath} ${editor}`;
    const edited = await box.run(["edit", "--show-master-keys", "a.yaml"]);
    assert.is(edited.code, 0, edited.stderr);
    const after = await opened(box.read("a.yaml"));
    assert.equal(
      after.groups.flat().map(({ id }) => id),
      [RECIPIENT],
    );
    assert.not.equal(after.dataKey, before.dataKey);
    assert.match(
      edited.stderr,
      `${OTHER_RECIPIENT} could read these values; change them where they are used`,
    );
    assert.not.match(box.read("a.yaml"), text.match(/password: (.*)/)![1]!.slice(0, 40));
  }));

/** What is in the file now does not open with what one person alone could open before. */
async function cannotOpenAlone(box: Sandbox, old: string): Promise<void> {
  const now = box.read("a.yaml");
  const mixed = withOldWraps(now, old);
  assert.is(groupsFromMetadata(readEncrypted(mixed, yaml).metadata.tree).groups.length, 1);
  box.write("mixed.yaml", mixed);
  const { code, stdout } = await box.run(["decrypt", "mixed.yaml"]);
  assert.is.not(code, 0);
  assert.is(stdout, "");
}

test.run();
