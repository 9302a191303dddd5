import fs, { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reportSchema } from "../../../src/check/report.ts";
import { RULES } from "../../../src/check/rules.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Result, type Sandbox } from "../../support/cli.ts";

/** What stands in the files, and must never be printed. */
const SECRET = "hunter2-mark";
/** One that looks random; in pieces, so that nobody takes it for a leak. */
const RANDOM = `Zq8vX2mK${"9pLw4TnB"}7rYc`;

interface Sample {
  /** With a value named `a`, and one that stays plain under a harmless name. */
  readonly plain: string;
  /** A line that somebody adds by hand to the encrypted file, and where. */
  readonly added: string;
  readonly before: RegExp;
  /** The same with a name that stays plain. */
  readonly left: string;
  readonly path: readonly string[];
  readonly leftPath: readonly string[];
  /** Not all formats have comments. */
  readonly comment?: string;
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  "f.yaml": {
    plain: `a: ${SECRET}\nb_unencrypted: plain\n`,
    added: `token: ${SECRET}\n`,
    before: /^(?=sops:)/m,
    left: `password_unencrypted: ${RANDOM}\n`,
    path: ["token"],
    leftPath: ["password_unencrypted"],
    comment: `# ${SECRET}\n`,
  },
  "f.json": {
    plain: `{\n\t"a": "${SECRET}",\n\t"b_unencrypted": "plain"\n}\n`,
    added: `\t"token": "${SECRET}",\n`,
    before: /^(?=\t"sops")/m,
    left: `\t"password_unencrypted": "${RANDOM}",\n`,
    path: ["token"],
    leftPath: ["password_unencrypted"],
  },
  "f.json5": {
    plain: `{\n  a: '${SECRET}',\n  b_unencrypted: 'plain',\n}\n`,
    added: `  token: '${SECRET}',\n`,
    before: /^(?=\s*"?sops"?:)/m,
    left: `  password_unencrypted: '${RANDOM}',\n`,
    path: ["token"],
    leftPath: ["password_unencrypted"],
    comment: `  // ${SECRET}\n`,
  },
  "f.toml": {
    plain: `a = "${SECRET}"\nb_unencrypted = "plain"\n`,
    added: `token = "${SECRET}"\n`,
    before: /^/,
    left: `password_unencrypted = "${RANDOM}"\n`,
    path: ["token"],
    leftPath: ["password_unencrypted"],
    comment: `# ${SECRET}\n`,
  },
  "f.ini": {
    plain: `[s]\na = ${SECRET}\nb_unencrypted = plain\n`,
    added: `token = ${SECRET}\n`,
    before: /(?<=^\[s\]\n)/m,
    left: `password_unencrypted = ${RANDOM}\n`,
    path: ["s", "token"],
    leftPath: ["s", "password_unencrypted"],
    comment: `; ${SECRET}\n`,
  },
  "f.env": {
    plain: `A=${SECRET}\nb_unencrypted=plain\n`,
    added: `TOKEN=${SECRET}\n`,
    before: /^(?=sops_)/m,
    left: `PASSWORD_unencrypted=${RANDOM}\n`,
    path: ["TOKEN"],
    leftPath: ["PASSWORD_unencrypted"],
    comment: `#${SECRET}\n`,
  },
};

const RULE = `creation_rules:\n  - path_regex: ^f\\.\n    age: ${RECIPIENT}\n`;

async function encrypted(box: Sandbox, name: string, rule = RULE): Promise<string> {
  box.write(".sops.yaml", rule);
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.write(name, SAMPLES[name]!.plain);
  const { code, stderr } = await box.run(["encrypt", "-i", name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

interface Found {
  readonly rule: string;
  readonly level: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly path: (string | number)[] | null;
  readonly what: string | null;
  readonly hint: string | null;
  readonly fingerprint: string;
}

interface Json {
  readonly findings: Found[];
  readonly failed: { file: string | null; error: string }[];
  readonly summary: Record<string, number>;
}

/** What the test reads of a SARIF log. */
interface Sarif {
  readonly results: {
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly level: string;
    readonly partialFingerprints: Record<string, string>;
  }[];
  readonly tool: { readonly driver: { readonly rules: { readonly id: string }[] } };
}

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const isReport: ValidateFunction = ajv.compile(reportSchema());
/** The official schema, which the package of a test library holds; it is of an older draft, which ajv takes without its name. */
const SARIF = "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json";
const { $schema: _, id: __, ...sarifSchema } = JSON.parse(readFileSync(SARIF, "utf8"));
const isSarif: ValidateFunction = new Ajv({
  strict: false,
  validateFormats: false,
  unicodeRegExp: false,
}).compile(sarifSchema);

/** Runs `check` in all three outputs, which say the same, are as their schemas say, and hold no value. */
async function findings(box: Sandbox, ...args: string[]): Promise<Found[]> {
  const { json, code } = await checked(box, ...args);
  const errors = json.findings.some(({ level }) => level === "error");
  assert.is(code, json.failed.length > 0 ? 2 : Number(errors), JSON.stringify(json));
  return json.findings;
}

async function checked(box: Sandbox, ...args: string[]): Promise<{ json: Json; code: number; text: Result }> {
  const text = await box.run(["check", ...args]);
  const { stdout, stderr, code } = await box.run(["check", "--json", ...args]);
  const sarif = await box.run(["check", "--output", "sarif", ...args]);
  for (const said of [text.stdout, text.stderr, stdout, stderr, sarif.stdout, sarif.stderr]) {
    assert.not.match(said, SECRET);
    assert.not.match(said, RANDOM);
  }
  assert.is(text.code, code);
  assert.is(sarif.code, code);
  const json = JSON.parse(stdout) as Json;
  assert.ok(isReport(json as unknown), JSON.stringify(isReport.errors));
  const log = JSON.parse(sarif.stdout) as { runs: [Sarif] };
  assert.ok(isSarif(log as unknown), JSON.stringify(isSarif.errors));
  const [{ results, tool }] = log.runs;
  assert.equal(
    results.map((result) => [result.ruleId, result.level, result.partialFingerprints["tsops/v1"]]),
    json.findings.map(({ rule, level, fingerprint }) => [rule, level, fingerprint]),
  );
  for (const { ruleId, ruleIndex } of results) assert.is(tool.driver.rules[ruleIndex]?.id, ruleId);
  for (const { rule, level } of json.findings)
    assert.match(text.stdout, new RegExp(`: ${level}: .*\\[${rule}\\]`));
  return { json, code, text };
}

const rulesOf = (found: readonly Found[]): string[] => found.map(({ rule }) => rule);

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`an encrypted file that is in order: ${name}`, () =>
    inSandbox(async (box) => {
      await encrypted(box, name);
      assert.equal(await findings(box), []);
      assert.equal(await findings(box, "--decrypt"), []);
      assert.equal(await findings(box, name, "--require-seal"), []);
    }));

  test(`not-encrypted: a file that a rule covers: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(".sops.yaml", RULE);
      box.write(name, sample.plain);
      const [found, ...others] = await findings(box);
      assert.is(found!.rule, "not-encrypted");
      assert.is(found!.file, name);
      assert.match(found!.hint!, `tsops encrypt -i ${name}`);
      assert.equal(others, []);
    }));

  test(`plain-value: what somebody added by hand: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(
        name,
        text.replace(sample.before, () => sample.added),
      );
      const [found, ...others] = await findings(box);
      assert.equal(rulesOf(others), []);
      assert.is(found!.rule, "plain-value");
      assert.equal(found!.path, sample.path);
      assert.match(
        box.read(name).split("\n")[found!.line! - 1]!,
        sample.added.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
      );
      assert.match(found!.hint!, `tsops set ${name}`);
    }));

  test(`secret-value: what the selector leaves plain, with the name of a secret: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(
        name,
        text.replace(sample.before, () => sample.left),
      );
      const [found, ...others] = await findings(box);
      assert.equal(rulesOf(others), []);
      assert.is(found!.rule, "secret-value");
      assert.equal(found!.path, sample.leftPath);
    }));

  test(`secret-value stays in a file that is not encrypted yet: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(".sops.yaml", RULE);
      // behind what begins the document
      const at = /^(?:\{\n|\[s\]\n)?/;
      box.write(
        name,
        sample.plain.replace(at, (start) => start + sample.left),
      );
      assert.equal(rulesOf(await findings(box)), ["not-encrypted", "secret-value"]);
    }));

  test(`plain-comment: ${name}`, () =>
    inSandbox(async (box) => {
      if (!sample.comment) return;
      const text = await encrypted(box, name);
      box.write(
        name,
        text.replace(sample.before, () => sample.comment!),
      );
      assert.equal(rulesOf(await findings(box)), ["plain-comment"]);
    }));

  test(`recipients, selector, threshold and MAC that are not the rule's: ${name}`, () =>
    inSandbox(async (box) => {
      await encrypted(box, name);
      box.write(".sops.yaml", RULE.replace(RECIPIENT, `${RECIPIENT},${OTHER_RECIPIENT}`));
      assert.equal(rulesOf(await findings(box)), ["recipients-differ"]);
      box.write(".sops.yaml", RULE.replace("    age", "    encrypted_regex: ^nothing$\n    age"));
      assert.equal(rulesOf(await findings(box)), ["selector-differs"]);
      await encrypted(box, name, RULE.replace("    age", "    mac_only_encrypted: true\n    age"));
      box.write(".sops.yaml", RULE);
      assert.equal(rulesOf(await findings(box)), ["mac-only-encrypted"]);
      const groups = `creation_rules:\n  - path_regex: ^f\\.\n    shamir_threshold: 2\n    key_groups:\n${[RECIPIENT, OTHER_RECIPIENT, RECIPIENT].map((key) => `      - age: [${key}]\n`).join("")}`;
      await encrypted(box, name, groups);
      box.write(".sops.yaml", groups.replace("threshold: 2", "threshold: 3"));
      assert.equal(rulesOf(await findings(box)), ["threshold-differs"]);
    }));

  test(`a value that the rule wants encrypted, and the file's own selector does not: ${name}`, () =>
    inSandbox(async (box) => {
      await encrypted(box, name, RULE.replace("    age", "    encrypted_regex: ^(nothing|other)$\n    age"));
      box.write(".sops.yaml", RULE);
      const found = await findings(box);
      assert.equal(rulesOf(found).sort(), ["nothing-selected", "plain-value", "selector-differs"]);
      const value = found.find(({ rule }) => rule === "plain-value")!;
      assert.match(value.hint!, `tsops updatekeys --update-selector ${name}`);
    }));

  test(`seal-missing: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(".sopsrc", `{ seal: false, rules: [{ glob: "f.*", recipients: ["age:${RECIPIENT}"] }] }`);
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      box.write(name, sample.plain);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      assert.equal(await findings(box), []);
      assert.equal(rulesOf(await findings(box, "--require-seal")), ["seal-missing"]);
    }));

  test(`old-data-key: ${name}`, () =>
    inSandbox(async (box) => {
      await encrypted(box, name);
      assert.equal(rulesOf(await findings(box, "--older-than", "2999-01-01")), ["old-data-key"]);
      assert.equal(await findings(box, "--older-than", "1d"), []);
    }));

  test(`merge-conflict: git's markers, and the other side in the metadata: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      const [line = ""] = /^.*ENC\[.*$/m.exec(text)!;
      const both = `<<<<<<< HEAD\n${line}\n=======\n${line.replace("ENC[", () => "ENC[")}\n>>>>>>> other`;
      box.write(
        name,
        text.replace(line, () => both),
      );
      assert.equal(rulesOf(await findings(box)), ["merge-conflict"]);
      box.write(name, withConflicts(name, text));
      assert.equal(rulesOf(await findings(box)), ["merge-conflict"]);
    }));

  test(`bad-metadata and damaged: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(name, text.replace(/\d{4}-\d\d-\d\dT[\d:]+Z/, "yesterday"));
      assert.equal(rulesOf(await findings(box)), ["bad-metadata"]);
      box.write(name, text.replace(RECIPIENT, "").replace(/recipient/, "recipint"));
      assert.equal(rulesOf(await findings(box)), ["bad-metadata"]);
      box.write(name, `${text}\n{ [ "\n= = =\n`);
      const found = rulesOf(await findings(box));
      assert.ok(["damaged", "bad-metadata", "plain-value"].includes(found[0]!), found.join());
    }));

  test(`the metadata is gone: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(".sops.yaml", RULE);
      const [line = ""] = /^.*ENC\[.*$/m.exec(text)!;
      const alone = name.startsWith("f.json")
        ? `{\n${line.replace(/,$/, "")}\n}\n`
        : `${name === "f.ini" ? "[s]\n" : ""}${line}\n`;
      box.write(name, alone);
      assert.equal(rulesOf(await findings(box)), ["bad-metadata"]);
    }));

  test(`--decrypt: a changed value, a changed seal, and no key: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(name, text.replace("plain", "other"));
      assert.equal(await findings(box), []);
      assert.equal(rulesOf(await findings(box, "--decrypt")), ["mac-mismatch"]);
      box.write(
        name,
        text.replace(/(v2:)(.)/, (_, version, first) => `${version}${first === "A" ? "B" : "A"}`),
      );
      assert.equal(rulesOf(await findings(box, "--decrypt")), ["seal-broken"]);
      box.write(name, text);
      box.env.SOPS_AGE_KEY_FILE = undefined;
      assert.equal(rulesOf(await findings(box, "--decrypt")), ["cannot-decrypt"]);
    }));
}

/** The text with something under `sops.tsops.conflicts`, as a merge leaves it. */
function withConflicts(name: string, text: string): string {
  const fields: Readonly<Record<string, [RegExp, string]>> = {
    "f.yaml": [/^( +)seal:/m, '$1conflicts: "x"\n$1seal:'],
    "f.json": [/"seal":/, '"conflicts": "x", "seal":'],
    "f.json5": [/"?seal"?:/, '"conflicts": "x", "seal":'],
    "f.toml": [/^(.*\.)?seal = /m, '$1conflicts = "x"\n$1seal = '],
    "f.ini": [/^(tsops__map_)seal/m, "$1conflicts = x\n$1seal"],
    "f.env": [/^(sops_tsops__map_)seal/m, "$1conflicts=x\n$1seal"],
  };
  const [field, value] = fields[name]!;
  const result = text.replace(field, value);
  assert.is.not(result, text, `${name}: ${text}`);
  return result;
}

test("readable-text: the rest of an INI value that SOPS ignores", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "f.ini");
    box.write("f.ini", text.replace("[s]", `[s] ${SECRET}`));
    assert.equal(rulesOf(await findings(box)), ["readable-text"]);
  }));

test("duplicate-key: YAML and JSON", () =>
  inSandbox(async (box) => {
    for (const [name, twice] of [
      ["f.yaml", "b_unencrypted: other\n"],
      ["f.json", '\t"b_unencrypted": "other",\n'],
    ] as const) {
      const text = await encrypted(box, name);
      box.write(
        name,
        text.replace(SAMPLES[name]!.before, () => twice),
      );
      const found = rulesOf(await findings(box, name));
      assert.ok(found.includes("duplicate-key") || found.includes("damaged"), found.join());
    }
  }));

test("a binary file, and one of a rule for all files", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write("README.md", `# about\n\npassword: ${SECRET}\n`);
    box.write("logo.png", Buffer.from([0x89, 0x50, 0, 0, 1, 2]));
    box.write("ci.yaml", `name: x\npassword: \${{ secrets.PASSWORD }}\n`);
    box.write("empty.yaml", "");
    assert.equal(await findings(box), []);
    box.write("conf.yaml", `name: x\npassword: ${SECRET}\n`);
    assert.equal(rulesOf(await findings(box)), ["not-encrypted", "secret-name"]);
    box.write("conf.yaml", `name: x\n# tsops:allow\npassword: ${SECRET}\n`);
    assert.equal(await findings(box), []);
    // who names a file means it
    assert.equal(rulesOf(await findings(box, "logo.png")), ["not-encrypted"]);
    assert.is((await box.run(["encrypt", "-i", "logo.png"])).code, 0);
    assert.equal(await findings(box, "logo.png", "--decrypt"), []);
  }));

test("what only looks like a part of SOPS is none: a field called sops, a manual with ciphertexts", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "f.yaml");
    box.write("values.yaml", "sops:\n  enabled: true\n  lastmodified: never\n");
    box.write("manual.md", `# how it looks\n\n    ${text.replaceAll("\n", "\n    ")}\n`);
    box.write("log.txt", text.slice(0, 100));
    box.write("json.md", `so it is:\n\n    "data": "${/ENC\[.*\]/.exec(text)![0]}", "sops": …\n`);
    assert.equal(await findings(box), []);
  }));

test("tsops:allow: on the line, or alone on the line before; a comment behind another value is about that one", () =>
  inSandbox(async (box) => {
    const lines = async (text: string) => {
      box.write("a.yaml", text);
      return (await findings(box, "a.yaml")).map(({ line }) => line);
    };
    const secret = `password: ${SECRET}`;
    assert.equal(await lines(`${secret}\n`), [1]);
    assert.equal(await lines(`${secret} # tsops:allow\n`), []);
    assert.equal(await lines(`# the test server; tsops:allow\n${secret}\n`), []);
    assert.equal(await lines(`# tsops:allow\n\n${secret}\n`), [3]);
    assert.equal(await lines(`token: ${SECRET} # tsops:allow\n${secret}\n`), [2]);
    const key = `-----BEGIN EC PRIVATE ${"KEY"}-----\n  ${"aB3dE5gH7jK9mN2pQ4sT6vW8yZ".repeat(4)}\n`;
    assert.equal(await lines(`key: |\n  ${key}`), [2]);
    assert.equal(await lines(`key: | # tsops:allow\n  ${key}`), []);
    assert.equal(await lines(`# tsops:allow\nkey: |\n  ${key}`), []);
    assert.equal(await lines(`# tsops:allow\n${secret}\ntoken: ${SECRET}\n`), [3]);
  }));

test("bad-comment: one that was moved or changed, with a key; a plain value is said once", () =>
  inSandbox(async (box) => {
    const name = "f.yaml";
    box.write(".sops.yaml", RULE);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(name, `# ${SECRET}\na: 1\nb:\n  c: 2\n`);
    assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    const text = box.read(name);
    box.write(
      name,
      text.replace(
        /^#ENC\[AES256_GCM,data:(.)/m,
        (_, first) => `#ENC[AES256_GCM,data:${first === "A" ? "B" : "A"}`,
      ),
    );
    assert.equal(await findings(box), []);
    const found = rulesOf(await findings(box, "--decrypt"));
    assert.ok(found.includes("bad-comment") || found.includes("seal-broken"), found.join());
    box.write(
      name,
      text
        .replace(/ {4}tsops:\n( {8}.*\n)+/, "")
        .replace(
          /^#ENC\[AES256_GCM,data:(.)/m,
          (_, first) => `#ENC[AES256_GCM,data:${first === "A" ? "B" : "A"}`,
        ),
    );
    assert.equal(rulesOf(await findings(box, "--decrypt")), ["bad-comment"]);
    box.write(name, `token: ${SECRET}\n${text}`);
    assert.equal(rulesOf(await findings(box, "--decrypt")), ["plain-value"]);
  }));

test("no comment of a file excuses that it is not encrypted", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE);
    box.write("f.yaml", `# tsops:allow\na: ${SECRET} # tsops:allow\n`);
    assert.equal(rulesOf(await findings(box)), ["not-encrypted"]);
  }));

test("secrets in files of every kind: Kubernetes, templates, code, properties, UTF-16", () =>
  inSandbox(async (box) => {
    const token = `ghp_${"aB3xK9mQ2".repeat(4)}`;
    const all = async (name: string, content: string | Uint8Array) => {
      box.write(name, content);
      const found = await findings(box, name);
      assert.not.match(JSON.stringify(found), token);
      return found.map(({ rule, what }) => (what ? `${rule} ${what}` : rule));
    };
    const secret = (kind: string, field: string) =>
      `apiVersion: v1\nkind: ${kind}\n${field}:\n  user: ${SECRET}\n`;
    assert.equal(await all("k.yaml", secret("Secret", "stringData")), ["secret-name"]);
    assert.equal(await all("k.yaml", `a: 1\n---\n${secret("Secret", "data")}`), ["secret-name"]);
    assert.equal(await all("k.yaml", secret("ConfigMap", "data")), []);
    assert.equal(
      await all("k.yaml", `kind: SealedSecret\nspec:\n  encryptedData:\n    password: ${RANDOM}\n`),
      [],
    );
    assert.equal(await all("t.yaml", `{{ if x }}\ntoken: ${token}\n`), ["vendor-token github-token"]);
    assert.equal(await all("x.py", `TOKEN = "${token}"\n`), ["vendor-token github-token"]);
    const body = "aB3dE5gH7jK9mN2pQ4sT6vW8yZ".repeat(4);
    const key = `-----BEGIN EC PRIVATE ${"KEY"}-----\n${body}\n`;
    assert.equal(await all("id.pem", key), ["private-key ec"]);
    assert.equal(await all("x.log", `${"eyJ"}${body}.${"eyJ"}${body}.${body}\n`), ["jwt jwt"]);
    assert.equal(await all("x.properties", `db.password=${SECRET}\n`), ["secret-name db.password"]);
    assert.equal(await all("x.txt", Buffer.from(`\ufeff${token}\n`, "utf16le")), [
      "vendor-token github-token",
    ]);
    assert.equal(await all("x.bin", Buffer.concat([Buffer.from(token), Buffer.alloc(10)])), []);
    assert.equal(await all("l.yaml", `passwords:\n  - ${SECRET}\n  - \${A}\n`), ["secret-name"]);
  }));

test("a vendor's token in the plain part of an encrypted file, and none in ciphertexts", () =>
  inSandbox(async (box) => {
    const token = `glpat-${"aB3xK9mQ2".repeat(3)}`;
    box.write(".sops.yaml", RULE);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write("f.yaml", `a: ${token}\nnote_unencrypted: use ${token}\n`);
    assert.is((await box.run(["encrypt", "-i", "f.yaml"])).code, 0);
    const found = await findings(box);
    assert.equal(
      found.map(({ rule, what, path }) => [rule, what, path]),
      [["vendor-token", "gitlab-token", ["note_unencrypted"]]],
    );
  }));

test("--deep: secretlint's opinion, where ours found nothing", () =>
  inSandbox(async (box) => {
    // a form that secretlint knows, and our table does not
    const token = `${"vcp"}_${"aB3xK9mQ2c".repeat(5)}`;
    const known = `ghp_${"aB3xK9mQ2".repeat(4)}`;
    box.write("a.txt", `${token}\n${known}\n`);
    assert.equal(
      (await findings(box, "a.txt")).map(({ line }) => line),
      [2],
    );
    const found = await findings(box, "a.txt", "--deep");
    assert.not.match(JSON.stringify(found), "aB3xK9mQ2c");
    assert.equal(
      found.map(({ rule, line, what }) => [rule, line, what]),
      [
        ["secretlint", 1, "vercel/VERCEL_PERSONAL_ACCESS_TOKEN"],
        ["vendor-token", 2, "github-token"],
      ],
    );
    box.write("b.txt", `mysql://root:${SECRET}@db.internal/x\n`);
    assert.equal(rulesOf(await findings(box, "b.txt", "--deep")), ["url-password"]);
  }));

test("a baseline holds what is known; new findings count, also of the same kind", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", `password: ${SECRET}\n`);
    box.write("b.txt", `ghp_${"aB3xK9mQ2".repeat(4)}\n`);
    const baseline = ["--baseline", "known.json"];
    const written = await box.run(["check", ...baseline, "--write-baseline"]);
    assert.is(written.code, 0);
    assert.match(written.stderr, "known.json: 2 findings are known now");
    assert.not.match(box.read("known.json"), SECRET);
    assert.not.match(box.read("known.json"), "aB3xK9mQ2");
    assert.equal(await findings(box, ...baseline), []);
    // another value at the same place is no new finding, another place is one
    box.write("a.yaml", `# moved\n\npassword: ${SECRET}2\n`);
    assert.equal(await findings(box, ...baseline), []);
    box.write("a.yaml", `password: ${SECRET}\ntoken: ${SECRET}\n`);
    assert.equal(
      (await findings(box, ...baseline)).map(({ path }) => path),
      [["token"]],
    );
    box.write("b.txt", `ghp_${"aB3xK9mQ2".repeat(4)}\nghp_${"cD4yL8nR3".repeat(4)}\n`);
    assert.is((await findings(box, ...baseline)).length, 2);
    box.write("a.yaml", "a: 1\n");
    assert.match(
      (await box.run(["check", ...baseline])).stderr,
      "1 finding of the baseline is not there any more",
    );
    // a look at some files keeps what is known of the others
    box.write("a.yaml", `password: ${SECRET}\n`);
    assert.is((await box.run(["check", ...baseline, "--write-baseline"])).code, 0);
    box.write("a.yaml", "a: 1\n");
    assert.match(
      (await box.run(["check", "a.yaml", ...baseline, "--write-baseline"])).stderr,
      "2 findings are known",
    );
    assert.equal(await findings(box, ...baseline), []);
    box.write("known.json", "{}");
    const wrong = await box.run(["check", ...baseline]);
    assert.is(wrong.code, 2);
    assert.match(wrong.stderr, "the baseline cannot be read");
  }));

test("exit codes: 0, 1 for errors, 1 for warnings with --strict, 2 for what could not be checked", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    assert.is((await box.run(["check"])).code, 0);
    box.write("a.yaml", `password: ${SECRET}\n`);
    assert.is((await box.run(["check"])).code, 0);
    assert.is((await box.run(["check", "--strict"])).code, 1);
    box.write("a.yaml", `url: redis://:${SECRET}@db\n`);
    assert.is((await box.run(["check"])).code, 1);
    for (const argv of [
      ["check", "gone.yaml"],
      ["check", "--no-such-option"],
      ["check", "--output", "xml"],
      ["check", "--json", "--output", "sarif"],
      ["check", "--write-baseline"],
      ["check", "--older-than", "soon"],
      ["check", "--staged"],
      ["check", "--merges"],
    ]) {
      const { code, stdout, stderr } = await box.run(argv);
      assert.is(code, 2, `${argv.join(" ")}: ${stdout}${stderr}`);
    }
  }));

test("a broken configuration and a file that cannot be read are said, and the other files are checked", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", "creation_rules:\n  - age: nonsense\n    path_regex: [\n");
    box.write("a.yaml", `url: redis://:${SECRET}@db\n`);
    const { json, code, text } = await checked(box, "a.yaml", "gone.yaml");
    assert.is(code, 2);
    assert.equal(rulesOf(json.findings), ["url-password"]);
    assert.equal(json.failed.map(({ error }) => error).sort(), ["config", "no-such-file"]);
    assert.match(text.stdout, "gone.yaml: not checked: ");
  }));

test("configurations, git's own files and dotenvx's keys are not to be encrypted", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: ^.*$\n    age: ${RECIPIENT}\n`);
    box.write(".gitattributes", "*.yaml diff=sops\n");
    box.write(".env.keys", `DOTENV_PRIVATE_KEY=${RANDOM}\n`);
    assert.equal(rulesOf(await findings(box)), ["secret-value"]);
  }));

test("every rule is met by a test of this file, or of the ones for git", () => {
  const here = readFileSync("test/cli/commands/check.test.ts", "utf8");
  const git = readFileSync("test/cli/commands/check-git.test.ts", "utf8");
  for (const { id } of RULES) assert.ok(here.includes(`"${id}`) || git.includes(`"${id}`), id);
});

test("a folder that cannot be read is said, and exits with 2; the files of the others are checked and listed", () =>
  inSandbox(async (box) => {
    box.here = true;
    box.write("a/x.yaml", "password: hunter2hunter2\n");
    box.write("locked/y.yaml", "a: 1\n");
    box.write("z/x.yaml", "password: hunter2hunter2\n");
    // root may read everything, so the mode of a folder would not do
    const { readdir } = fs.promises;
    fs.promises.readdir = (async (path: string, ...more: never[]) => {
      if (path === box.path("locked")) throw Object.assign(new Error("EACCES"), { code: "EACCES" });
      return await (readdir as (...args: unknown[]) => Promise<unknown>)(path, ...more);
    }) as typeof readdir;
    try {
      const { code, stdout } = await box.run(["check"]);
      assert.is(code, 2);
      assert.match(stdout, "a/x.yaml:1:11: ");
      assert.match(stdout, "locked: not checked: ");
      assert.match(stdout, "z/x.yaml:1:11: ");
      const status = await box.run(["status"]);
      assert.is(status.code, 1);
      assert.match(status.stderr, "locked: ");
    } finally {
      fs.promises.readdir = readdir;
    }
  }));

test.run();
