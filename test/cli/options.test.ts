import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Command, nameOf } from "../../src/cli/command.ts";
import { LEGACY } from "../../src/cli/commands/legacy/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { GLOBAL } from "../../src/cli/options.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { gitIn } from "../support/git.ts";

/**
 * Every option of every command is tried in a way that shows that it acts: with it, something else is printed or
 * written than without it. So an option that is read and then ignored is found, and one that is added needs its line
 * here. Where that cannot be shown here, `NOT_TRIED` says why.
 */

interface Trial {
  /** The command line without the option, and what is added to it. */
  readonly base: readonly string[];
  readonly add: readonly string[];
  readonly prepare?: (box: Sandbox) => unknown;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly person?: boolean;
  /** What only the run with the option prints; the other one is left out, as it would ask a service. */
  readonly says?: RegExp;
}

type Trials = Readonly<Record<string, Trial>>;

const NO_KEYS = { SOPS_AGE_RECIPIENTS: undefined };
const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

let made: Promise<Map<string, string>> | undefined;

/** The files that every trial finds; encrypted once. */
async function files(box: Sandbox): Promise<void> {
  made ??= makeFiles();
  for (const [name, text] of await made) box.write(name, text);
}

async function makeFiles(): Promise<Map<string, string>> {
  let all = new Map<string, string>();
  await inSandbox(async (box) => {
    await encryptFiles(box);
    all = contents(box.folder);
  });
  return all;
}

async function encryptFiles(box: Sandbox): Promise<void> {
  const plain = "# keep\na: x\nb: y\nc:\n    d: z\n";
  box.write("plain.yaml", plain);
  box.write("plain.txt", plain);
  const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
  assert.match(sealed, "sops:");
  box.write("a.yaml", sealed);
  // JSON is YAML too, and its seal says which of the two it is
  box.write("j-plain.json", '{"a": "x", "b": "y", "c": {"d": "z"}}\n');
  box.write("j.json", (await box.run(["encrypt", "j-plain.json"])).stdout);
  box.write("docs-plain.yaml", "a: x\n---\na: y\n");
  box.write("docs.yaml", (await box.run(["encrypt", "docs-plain.yaml"])).stdout);
  box.write("flat-plain.yaml", "a: x\n");
  box.write("flat.yaml", (await box.run(["encrypt", "flat-plain.yaml"])).stdout);
  box.write("unsealed.yaml", sealed.replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
  // its first value is the second one's
  const [, first, second] = /a: (ENC.*)\nb: (ENC.*)\n/.exec(sealed)!;
  box.write(
    "tampered.yaml",
    sealed.replace(second!, '"-"').replace(`b: "-"`, `b: ${first}`).replace(`b: ${first}\n`, ""),
  );
  box.write("value", '"n3w"\n');
}

/** Rules whose recipients are not those of the files. */
function otherRule(box: Sandbox): void {
  box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
}

function otherSelector(box: Sandbox): void {
  box.write(".sops.yaml", `creation_rules:\n  - encrypted_regex: ^.*$\n    age: ${RECIPIENT}\n`);
}

function threeGroups(box: Sandbox): void {
  const groups = [RECIPIENT, OTHER_RECIPIENT, RECIPIENT].map((age) => `      - age: [${age}]\n`).join("");
  box.write(".sops.yaml", `creation_rules:\n  - key_groups:\n${groups}`);
}

async function fileOfGroups(box: Sandbox): Promise<void> {
  threeGroups(box);
  const { stdout, stderr } = await box.run([
    "encrypt",
    "--shamir-secret-sharing-threshold",
    "2",
    "plain.yaml",
  ]);
  assert.match(stdout, "shamir_threshold: 2", stderr);
  box.write("g.yaml", stdout);
  box.write(".sops.yaml", "{}\n");
}

const NONSENSE = ["kms", "gcp-kms", "hckms", "azure-kv", "hc-vault-transit", "pgp", "age", "key"] as const;

/** Keys that are none are refused by name: so the option was read. */
function keyTrials(base: readonly string[], prefix: string, env: Trial["env"] = {}): Record<string, Trial> {
  return Object.fromEntries(
    NONSENSE.map((name) => [
      prefix + name,
      { base, env, add: [`--${prefix}${name}`, "nonsense://"], says: /nonsense|URI|fingerprint/ },
    ]),
  );
}

const documentTrial = (base: readonly string[]): Trial => ({ base, add: ["--document", "1"] });

const jsonTrial = (base: readonly string[], prepare?: Trial["prepare"]): Trial => ({
  base,
  add: ["--json"],
  prepare,
});

/** Both say something only of AWS keys. */
function awsTrials(base: readonly string[], option: string, env: Trial["env"] = {}): Record<string, Trial> {
  const from = [...base, `--${option}`, ARN];
  return {
    "encryption-context": {
      base: from,
      env,
      add: ["--encryption-context", "nonsense"],
      says: /encryption context/,
    },
  };
}

function profileTrial(base: readonly string[], env: Trial["env"] = {}): Record<string, Trial> {
  const add = ["--aws-profile", "nobody"];
  return { "aws-profile": { base: [...base, "--kms", ARN], env, add, says: /nobody/ } };
}

function selectorTrials(base: readonly string[], env: Trial["env"] = {}): Record<string, Trial> {
  const values = {
    "unencrypted-suffix": "a",
    "encrypted-suffix": "a",
    "unencrypted-regex": "^a$",
    "encrypted-regex": "^a$",
    "unencrypted-comment-regex": "keep",
    "encrypted-comment-regex": "keep",
  };
  return {
    ...Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { base, env, add: [`--${name}`, value] }]),
    ),
    "mac-only-encrypted": { base, env, add: ["--mac-only-encrypted"] },
  };
}

const THRESHOLD = "shamir-secret-sharing-threshold";
const thresholdTrial = (
  base: readonly string[],
  prepare: Trial["prepare"],
  env: Trial["env"] = NO_KEYS,
): Trial => ({
  base,
  add: [`--${THRESHOLD}`, "2"],
  prepare,
  env,
});

/** The name that a file is read by. */
function typeTrials(
  base: (file: string) => readonly string[],
  env: Trial["env"] = {},
): Record<string, Trial> {
  return {
    "input-type": { base: base("a.yaml"), env, add: ["--input-type", "json"] },
    "filename-override": { base: base("j.json"), env, add: ["--filename-override", "j.yaml"] },
  };
}

const keepsFormat = (base: readonly string[], env: Trial["env"] = {}): Trial => ({
  base,
  env,
  add: ["--output-type", "json"],
  says: /the file is yaml and stays yaml/,
});

const drifted = (base: readonly string[], env: Trial["env"] = {}): Trial => ({
  base,
  env: { ...NO_KEYS, ...env },
  add: ["--yes"],
  prepare: otherRule,
});

const ignored = (base: readonly string[], env: Trial["env"] = {}): Trial => ({
  base,
  env,
  add: ["--ignore-mac"],
});

const EDITS = { EDITOR: "sed -i s/z/zz/" };
const WRITES = { EDITOR: "sed -i '1s/^/a: z\\n/'" };
const SEES = { EDITOR: `sh -c 'cp "$1" seen' sh` };

const jobsTrial = (base: readonly string[]): Trial => ({ base, add: ["--jobs", "0"], says: /from 1 to 256/ });

/** git ignores a file, and without the option that file is left out. */
const ignoreTrial = (base: readonly string[], more: (box: Sandbox) => void = () => {}): Trial => ({
  base,
  add: ["--no-ignore"],
  prepare: (box) => {
    gitIn(box, "init", "-q");
    box.write("ignored/a.yaml", box.read("a.yaml"));
    box.write("ignored/plain.yaml", box.read("plain.yaml"));
    box.write(".gitignore", "ignored\n");
    more(box);
  },
  env: NO_KEYS,
});

/** Rules whose recipients are other ones than those of the files, for all of them. */
function ruled(box: Sandbox): void {
  box.write(".sops.yaml", `creation_rules:\n  - age: ${OTHER_RECIPIENT}\n`);
}

const SET = (file: string) => ["set", file, '["a"]', '"n3w"'];
const UNSET = (file: string) => ["unset", file, '["a"]'];
const ROTATE = (file: string) => ["rotate", "-i", file];

function secretText(box: Sandbox): void {
  box.write("secret.txt", "redis://:hunter22@db\n");
  box.write("secret.yaml", "password: hunter22\n");
}

/** A key of a form that only secretlint knows. */
function textForSecretlint(box: Sandbox): void {
  box.write("deep.txt", `${"vcp"}_${"aB3xK9mQ2c".repeat(5)}\n`);
}

async function baseline(box: Sandbox): Promise<void> {
  secretText(box);
  await box.run(["check", "secret.yaml", "--baseline", "known.json", "--write-baseline"]);
}

function noBaseline(box: Sandbox): void {
  secretText(box);
  box.write("known.json", '{"version": 1, "findings": []}');
}

const TRIALS: Readonly<Record<string, Trials>> = {
  encrypt: {
    jobs: jobsTrial(["encrypt", "-i", "plain.yaml"]),
    ...keyTrials(["encrypt", "plain.yaml"], ""),
    ...awsTrials(["encrypt", "plain.yaml"], "kms"),
    ...profileTrial(["encrypt", "plain.yaml"]),
    ...selectorTrials(["encrypt", "plain.yaml"]),
    [THRESHOLD]: thresholdTrial(["encrypt", "plain.yaml"], threeGroups),
    "in-place": { base: ["encrypt", "plain.yaml"], add: ["--in-place"] },
    output: { base: ["encrypt", "plain.yaml"], add: ["--output", "out.yaml"] },
    "input-type": { base: ["encrypt", "plain.yaml"], add: ["--input-type", "binary"] },
    "output-type": { base: ["encrypt", "plain.yaml"], add: ["--output-type", "json"] },
    "filename-override": { base: ["encrypt", "plain.txt"], add: ["--filename-override", "x.yaml"] },
    "dry-run": { base: ["encrypt", "-i", "plain.yaml"], add: ["--dry-run"] },
    check: { base: ["encrypt", "plain.yaml"], add: ["--check"] },
    json: jsonTrial(["encrypt", "--check", "plain.yaml"]),
    "no-ignore": ignoreTrial(["encrypt", "--dry-run", "."], ruled),
    "encrypt-twice": {
      prepare: (box) => box.write("left.yaml", box.read("a.yaml").replace(/^sops:[\s\S]*/m, "")),
      base: ["encrypt", "left.yaml"],
      add: ["--encrypt-twice"],
    },
    update: { base: ["encrypt", "plain.txt"], add: ["--update", "a.yaml"] },
    yes: drifted(["encrypt", "--update", "a.yaml", "plain.yaml"]),
  },
  check: {
    jobs: jobsTrial(["check"]),
    "no-ignore": ignoreTrial(["check"], ruled),
    staged: { base: ["check", "secret.txt"], add: ["--staged"], prepare: secretText },
    decrypt: { base: ["check", "tampered.yaml"], add: ["--decrypt"] },
    merges: { base: ["check", "a.yaml"], add: ["--merges"] },
    "older-than": { base: ["check", "a.yaml"], add: ["--older-than", "2999-01-01"] },
    deep: { base: ["check", "deep.txt"], add: ["--deep"], prepare: textForSecretlint },
    strict: { base: ["check", "secret.yaml"], add: ["--strict"], prepare: secretText },
    baseline: { base: ["check", "secret.yaml"], add: ["--baseline", "known.json"], prepare: baseline },
    "write-baseline": {
      base: ["check", "secret.yaml", "--baseline", "known.json"],
      add: ["--write-baseline"],
      prepare: noBaseline,
    },
    output: { base: ["check", "a.yaml"], add: ["--output", "sarif"] },
    json: jsonTrial(["check", "a.yaml"]),
  },
  decrypt: {
    jobs: jobsTrial(["decrypt", "a.yaml"]),
    ...typeTrials((file) => ["decrypt", file]),
    "output-type": { base: ["decrypt", "a.yaml"], add: ["--output-type", "json"] },
    "in-place": { base: ["decrypt", "a.yaml"], add: ["--in-place"] },
    output: { base: ["decrypt", "a.yaml"], add: ["--output", "out.yaml"] },
    "ignore-mac": ignored(["decrypt", "tampered.yaml"]),
    "dry-run": { base: ["decrypt", "a.yaml"], add: ["--dry-run"] },
    check: { base: ["decrypt", "a.yaml"], add: ["--check"] },
    extract: { base: ["decrypt", "a.yaml"], add: ["--extract", '["a"]'] },
    document: documentTrial(["decrypt", "docs.yaml"]),
    json: jsonTrial(["decrypt", "--check", "a.yaml"]),
    "no-ignore": ignoreTrial(["decrypt", "--dry-run", "."]),
  },
  edit: {
    ...typeTrials((file) => ["edit", file], EDITS),
    "output-type": keepsFormat(["edit", "a.yaml"], EDITS),
    ...keyTrials(["edit", "new.yaml"], "", WRITES),
    ...awsTrials(["edit", "new.yaml"], "kms", WRITES),
    ...profileTrial(["edit", "new.yaml"], WRITES),
    ...selectorTrials(["edit", "new.yaml"], { EDITOR: "sed -i '1s/^/# keep\\na: z\\n/'" }),
    [THRESHOLD]: thresholdTrial(["edit", "new.yaml"], threeGroups, { ...NO_KEYS, ...WRITES }),
    "ignore-mac": ignored(["edit", "tampered.yaml"], EDITS),
    "show-master-keys": { base: ["edit", "a.yaml"], env: SEES, add: ["--show-master-keys"] },
    yes: drifted(["edit", "a.yaml"], EDITS),
    tui: { base: ["edit", "a.yaml"], env: EDITS, add: ["--tui"] },
    linear: { base: ["edit", "a.yaml"], env: EDITS, add: ["--linear"] },
    "no-reveal": { base: ["edit", "a.yaml"], env: EDITS, add: ["--no-reveal"] },
  },
  set: {
    ...typeTrials(SET),
    "output-type": keepsFormat(SET("a.yaml")),
    "value-file": { base: ["set", "a.yaml", '["a"]', "value"], add: ["--value-file"] },
    "value-stdin": { base: ["set", "a.yaml", '["a"]'], add: ["--value-stdin"], input: '"n3w"' },
    raw: { base: ["set", "a.yaml", '["a"]', "n3w"], add: ["--raw"] },
    idempotent: { base: ["set", "a.yaml", '["a"]', '"x"'], add: ["--idempotent"] },
    document: documentTrial(SET("docs.yaml")),
    "ignore-mac": ignored(SET("tampered.yaml")),
    yes: drifted(SET("a.yaml")),
  },
  ui: {},
  unset: {
    ...typeTrials(UNSET),
    "output-type": keepsFormat(UNSET("a.yaml")),
    idempotent: { base: ["unset", "a.yaml", '["nothing"]'], add: ["--idempotent"] },
    document: documentTrial(UNSET("docs.yaml")),
    "ignore-mac": ignored(UNSET("tampered.yaml")),
    yes: drifted(UNSET("a.yaml")),
  },
  rotate: {
    jobs: jobsTrial(ROTATE("a.yaml")),
    "older-than": { base: ROTATE("a.yaml"), add: ["--older-than", "1d"] },
    ...typeTrials(ROTATE),
    "output-type": keepsFormat(ROTATE("a.yaml")),
    "in-place": { base: ["rotate", "a.yaml"], add: ["--in-place"] },
    output: { base: ["rotate", "a.yaml"], add: ["--output", "out.yaml"] },
    ...keyTrials(ROTATE("a.yaml"), "add-"),
    ...keyTrials(ROTATE("a.yaml"), "rm-"),
    ...awsTrials(ROTATE("a.yaml"), "add-kms"),
    "update-selector": {
      base: ROTATE("a.yaml"),
      add: ["--update-selector"],
      prepare: otherSelector,
      env: NO_KEYS,
    },
    "ignore-mac": ignored(ROTATE("tampered.yaml")),
    yes: drifted(ROTATE("a.yaml")),
    where: { base: ROTATE("a.yaml"), add: ["--where", "older=1d"] },
    plan: { base: ROTATE("a.yaml"), add: ["--plan", "plan.json"] },
    "dry-run": { base: ROTATE("a.yaml"), add: ["--dry-run"] },
    json: jsonTrial(ROTATE("a.yaml")),
    "no-ignore": ignoreTrial(["rotate", "--dry-run", "."]),
  },
  updatekeys: {
    "no-ignore": ignoreTrial(["updatekeys", "--check", "."], ruled),
    jobs: jobsTrial(["updatekeys", "-y", "a.yaml"]),
    yes: { base: ["updatekeys", "a.yaml"], add: ["--yes"], prepare: otherRule },
    check: { base: ["updatekeys", "-y", "a.yaml"], add: ["--check"], prepare: otherRule },
    "dry-run": { base: ["updatekeys", "-y", "a.yaml"], add: ["--dry-run"], prepare: otherRule },
    "update-selector": {
      base: ["updatekeys", "-y", "a.yaml"],
      add: ["--update-selector"],
      prepare: otherSelector,
      env: NO_KEYS,
    },
    "input-type": { base: ["updatekeys", "-y", "a.yaml"], add: ["--input-type", "json"], prepare: otherRule },
    [THRESHOLD]: thresholdTrial(["updatekeys", "-y", "a.yaml"], threeGroups),
    json: jsonTrial(["updatekeys", "-y", "a.yaml"], otherRule),
  },
  groups: {},
  "groups add": {
    ...keyTrials(["groups", "add", "-f", "a.yaml"], ""),
    ...awsTrials(["groups", "add", "-f", "a.yaml"], "kms"),
    ...profileTrial(["groups", "add", "-f", "a.yaml"]),
    file: { base: ["groups", "add", "--age", OTHER_RECIPIENT], add: ["--file", "a.yaml"] },
    "in-place": { base: ["groups", "add", "-f", "a.yaml", "--age", OTHER_RECIPIENT], add: ["--in-place"] },
    [THRESHOLD]: {
      base: ["groups", "add", "-f", "g.yaml", "--age", RECIPIENT],
      add: [`--${THRESHOLD}`, "3"],
      prepare: fileOfGroups,
      env: NO_KEYS,
    },
    yes: drifted(["groups", "add", "-i", "-f", "a.yaml", "--age", RECIPIENT]),
  },
  "groups delete": {
    file: { base: ["groups", "delete", "0"], add: ["--file", "g.yaml"], prepare: fileOfGroups, env: NO_KEYS },
    "in-place": {
      base: ["groups", "delete", "-f", "g.yaml", "0"],
      add: ["--in-place"],
      prepare: fileOfGroups,
      env: NO_KEYS,
    },
    [THRESHOLD]: {
      base: ["groups", "delete", "-f", "g.yaml", "0"],
      add: [`--${THRESHOLD}`, "3"],
      prepare: fileOfGroups,
      env: NO_KEYS,
    },
    yes: {
      base: ["groups", "delete", "-i", "-f", "g.yaml", "0"],
      add: ["--yes"],
      prepare: fileOfGroups,
      env: NO_KEYS,
      person: true,
      input: "n\n",
    },
  },
  status: {
    json: jsonTrial(["status", "a.yaml"]),
    jobs: jobsTrial(["status", "a.yaml"]),
    "no-ignore": ignoreTrial(["status"]),
  },
  recipients: {
    json: jsonTrial(["recipients", "a.yaml"]),
    jobs: jobsTrial(["recipients", "a.yaml"]),
    "no-ignore": ignoreTrial(["recipients"]),
    "who-can-read": { base: ["recipients"], add: ["--who-can-read", "a.yaml"] },
    "files-of": { base: ["recipients"], add: ["--files-of", OTHER_RECIPIENT] },
  },
  filestatus: {
    "input-type": { base: ["filestatus", "a.yaml"], add: ["--input-type", "json"] },
    "no-ignore": ignoreTrial(["filestatus", "."]),
  },
  publish: publishTrials(),
  doctor: {
    "input-type": { base: ["doctor", "a.yaml"], add: ["--input-type", "json"] },
    json: jsonTrial(["doctor", "a.yaml"]),
    jobs: jobsTrial(["doctor", "a.yaml"]),
    "no-ignore": ignoreTrial(["doctor", "--json", "."]),
  },
  "exec-env": {
    ...typeTrials((file) => ["exec-env", file, "true"]),
    "ignore-mac": ignored(["exec-env", "tampered.yaml", "true"]),
    "allow-env": allowTrial(["exec-env", "ld.yaml", "true"]),
    document: documentTrial(["exec-env", "docs.yaml", 'echo "$a" > seen']),
    background: { base: ["exec-env", "flat.yaml", "exit 3"], add: ["--background"] },
    pristine: {
      base: ["exec-env", "flat.yaml", 'echo "$OWN" > seen'],
      add: ["--pristine"],
      env: { OWN: "own" },
    },
    user: { base: ["exec-env", "flat.yaml", "true"], add: ["--user", "nobody-of-that-name"] },
  },
  "exec-file": {
    ...typeTrials((file) => ["exec-file", file, "true {}"]),
    "output-type": { base: ["exec-file", "a.yaml", "cat {} > seen"], add: ["--output-type", "json"] },
    "ignore-mac": ignored(["exec-file", "tampered.yaml", "true {}"]),
    background: { base: ["exec-file", "a.yaml", "true"], add: ["--background"] },
    "no-fifo": { base: ["exec-file", "a.yaml", "test -p {} && cat {} > seen"], add: ["--no-fifo"] },
    user: { base: ["exec-file", "a.yaml", "true"], add: ["--user", "nobody-of-that-name"] },
    filename: {
      base: ["exec-file", "a.yaml", "basename {} > seen; cat {} > other"],
      add: ["--filename", "other"],
    },
  },
  exec: execTrials(),
  keygen: {
    output: { base: ["keygen"], add: ["--output", "key.txt"] },
    "post-quantum": { base: ["keygen"], add: ["--post-quantum"], says: /SECRET-KEY-PQ/ },
    master: { base: ["keygen"], add: ["--master"], says: /^(?![\s\S]*AGE-SECRET-KEY)/ },
    key: { base: ["keygen", "--master"], add: ["--key", "nonsense://"], says: /URI|nonsense/ },
  },
  init: {},
  config: {},
  "git merge": {
    path: {
      base: ["git", "merge", "a.yaml", "a.yaml", "v2.yaml"],
      add: ["--path", "p.yaml"],
      env: { SOPS_AGE_KEY_FILE: undefined },
      prepare: otherVersion,
    },
    ...Object.fromEntries(
      [
        ["marker-size", "9"],
        ["ours-label", "our-label"],
        ["theirs-label", "their-label"],
        ["timeout", "0.000001"],
      ].map(([option, value]) => [
        option,
        {
          base: ["git", "merge", "a.yaml", "v1.yaml", "v2.yaml"],
          add: [`--${option}`, value!],
          env: option === "timeout" ? {} : { SOPS_AGE_KEY_FILE: undefined },
          prepare: otherVersion,
        },
      ]),
    ),
  },
  "git resolve": {
    ...Object.fromEntries(
      ["ours", "theirs", "base"].map((option) => [
        option,
        {
          base: ["git", "resolve", "v1.yaml"],
          add: [`--${option}`],
          env: { EDITOR: "true" },
          prepare: inConflict,
        },
      ]),
    ),
    path: {
      base: ["git", "resolve", "--theirs", "v1.yaml"],
      add: ["--path", '["a"]'],
      prepare: inConflict,
    },
    document: {
      base: ["git", "resolve", "--theirs", "--path", '["a"]', "v1.yaml"],
      add: ["--document", "1"],
      prepare: inConflict,
    },
    yes: {
      base: ["git", "resolve", "--ours", "v1.yaml"],
      add: ["--yes"],
      env: NO_KEYS,
      prepare: async (box) => {
        await inConflict(box);
        otherRule(box);
      },
    },
  },
  "config explain": { json: jsonTrial(["config", "explain", "a.yaml"], otherRule) },
  "config check": { json: jsonTrial(["config", "check"], otherRule) },
  allow: {
    "dry-run": { base: ["allow"], add: ["--dry-run"], prepare: namesVault },
    list: { base: ["allow"], add: ["--list"], prepare: namesVault },
    revoke: { base: ["allow"], add: ["--revoke"], prepare: namesVault },
  },
  keyservice: {
    network: { base: ["keyservice"], add: ["--network", "nonsense"], says: /--network is neither/ },
    address: {
      base: ["keyservice"],
      add: ["--address", "missing-folder/nonsense:nonsense"],
      says: /nonsense/,
    },
    "tls-cert": { base: ["keyservice"], add: ["--tls-cert", "missing.pem"], says: /missing\.pem|--tls-cert/ },
    "tls-key": { base: ["keyservice"], add: ["--tls-key", "missing.pem"], says: /missing\.pem|--tls-key/ },
    "tls-client-ca": {
      base: ["keyservice"],
      add: ["--tls-client-ca", "missing.pem"],
      says: /missing\.pem|client-ca/,
    },
    "master-secret": { base: ["keyservice"], add: ["--master-secret", "env://MISSING"], says: /MISSING/ },
  },
  "install-shim": {
    force: {
      base: ["install-shim", "shims"],
      add: ["--force"],
      prepare: async (box) => void box.write("shims/sops", "another one"),
    },
    uninstall: { base: ["install-shim", "shims"], add: ["--uninstall"] },
  },
  agent: {},
  "agent start": {
    idle: { base: ["agent", "start"], add: ["--idle", "soon"], says: /the idle time/ },
    total: { base: ["agent", "start"], add: ["--total", "never"], says: /the total time/ },
  },
  "agent status": { json: jsonTrial(["agent", "status"]) },
  "agent clear": {},
  "agent stop": {},
  completion: {},
  diff: {
    staged: { base: ["diff"], add: ["--staged"], prepare: inRepository },
    reveal: { base: ["diff", "HEAD~2"], add: ["--reveal"], prepare: inRepository },
    json: jsonTrial(["diff", "HEAD~2"], inRepository),
    summary: { base: ["diff", "HEAD~2"], add: ["--summary"], prepare: inRepository },
    "exit-code": { base: ["diff", "HEAD~2"], add: ["--exit-code"], prepare: inRepository },
    quiet: { base: ["diff", "HEAD~2"], add: ["--quiet"], prepare: inRepository },
    "no-index": { base: ["diff", "x.yaml", "a.yaml"], add: ["--no-index"], prepare: inRepositoryOfTwoNames },
  },
  log: {
    patch: { base: ["log"], add: ["--patch"], prepare: inRepository },
    reveal: { base: ["log", "-p"], add: ["--reveal"], prepare: inRepository },
    json: jsonTrial(["log"], inRepository),
    oneline: { base: ["log"], add: ["--oneline"], prepare: inRepository },
    "max-count": { base: ["log"], add: ["--max-count", "1"], prepare: inRepository },
    skip: { base: ["log"], add: ["--skip", "2"], prepare: inRepository },
    since: { base: ["log"], add: ["--since", "2020-01-02T12:00:00Z"], prepare: inRepository },
    until: { base: ["log"], add: ["--until", "2020-01-02T12:00:00Z"], prepare: inRepository },
    author: { base: ["log"], add: ["--author", "nobody"], prepare: inRepository },
    grep: { base: ["log"], add: ["--grep", "second"], prepare: inRepository },
    reverse: { base: ["log"], add: ["--reverse"], prepare: inRepository },
    follow: { base: ["log", "x.yaml"], add: ["--follow"], prepare: inRepository },
    all: { base: ["log", "HEAD~1"], add: ["--all"], prepare: inRepository },
    "first-parent": { base: ["log"], add: ["--first-parent"], prepare: inRepository },
    "no-merges": { base: ["log", "--first-parent"], add: ["--no-merges"], prepare: inRepository },
  },
  git: {},
  "git install": {
    ...gitTrials(["git", "install"]),
    attributes: {
      base: ["git", "install"],
      add: ["--attributes", "local"],
      prepare: inRepository,
    },
    append: {
      base: ["git", "install"],
      add: ["--append"],
      prepare: async (box) => {
        await inRepository(box);
        box.write(".git/hooks/pre-commit", "#!/bin/sh\n");
      },
    },
    "no-guard": { base: ["git", "install"], add: ["--no-guard"], prepare: inRepository },
    force: {
      base: ["git", "install"],
      add: ["--force"],
      prepare: async (box) => {
        await inRepository(box);
        gitOn(box, "2020-01-09", "config", "diff.tsops.textconv", "other");
      },
    },
    uninstall: { base: ["git", "install"], add: ["--uninstall"], prepare: inRepository },
  },
  "git uninstall": gitTrials(["git", "uninstall"], async (box) => {
    await inRepository(box);
    await box.run(["git", "install"]);
    await box.run(["git", "install", "--global"]);
  }),
  "git status": { json: jsonTrial(["git", "status"], inRepository) },
  "git textconv": {
    timeout: {
      base: ["git", "textconv", "a.yaml"],
      add: ["--timeout", "1"],
      env: { SOPS_AGE_KEY_FILE: undefined, SOPS_AGE_KEY_CMD: "sleep 1000" },
      says: /within 1 second/,
    },
  },
};

/** What git made at a time of its own is the same in each run. */
function gitOn(box: Sandbox, day: string, ...args: readonly string[]): void {
  const who = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b",
  };
  const when = { GIT_AUTHOR_DATE: `${day}T00:00:00Z`, GIT_COMMITTER_DATE: `${day}T00:00:00Z` };
  const env = { PATH: process.env.PATH, HOME: box.home, GIT_CONFIG_NOSYSTEM: "1", ...who, ...when };
  execFileSync("git", args, { cwd: box.folder, env, stdio: "pipe" });
}

/** A file with a name that changed, and a merge that changed it; then a change that is staged, and one that is not. */
async function inRepository(box: Sandbox): Promise<void> {
  const commit = (day: string, message: string): void => {
    gitOn(box, day, "add", "x.yaml");
    gitOn(box, day, "commit", "-qm", message);
  };
  gitOn(box, "2020-01-01", "init", "-q", "-b", "main");
  box.write("old.yaml", box.read("a.yaml"));
  gitOn(box, "2020-01-01", "add", "old.yaml");
  gitOn(box, "2020-01-01", "commit", "-qm", "first");
  // a commit of its own: ciphertexts that changed as well are too few for git to see a rename
  gitOn(box, "2020-01-01", "mv", "old.yaml", "x.yaml");
  gitOn(box, "2020-01-01", "commit", "-qm", "renamed");
  box.write("x.yaml", box.read("unsealed.yaml"));
  commit("2020-01-02", "second");
  gitOn(box, "2020-01-03", "checkout", "-qb", "side");
  box.write("x.yaml", box.read("flat.yaml"));
  commit("2020-01-03", "third");
  gitOn(box, "2020-01-04", "checkout", "-q", "main");
  gitOn(box, "2020-01-04", "merge", "-q", "--no-ff", "-m", "merge", "side");
  box.write("x.yaml", box.read("a.yaml"));
  gitOn(box, "2020-01-05", "add", "x.yaml");
  box.write("x.yaml", box.read("docs.yaml"));
}

/** The first file's name is that of a branch, too. */
async function inRepositoryOfTwoNames(box: Sandbox): Promise<void> {
  await inRepository(box);
  gitOn(box, "2020-01-06", "branch", "x.yaml");
}

function gitTrials(base: readonly string[], prepare: Trial["prepare"] = inRepository): Trials {
  return {
    global: { base, add: ["--global"], prepare },
    "dry-run": { base, add: ["--dry-run"], prepare },
  };
}

function publishTrials(): Trials {
  const prepare = async (box: Sandbox): Promise<void> => {
    box.write(".sopsrc", `{rules: [{recipients: ["age:${RECIPIENT}"]}], destinations: [{folder: "out"}]}`);
    box.write("in/a.yaml", box.read("a.yaml"));
  };
  const base = ["publish", "-y", "in/a.yaml"];
  return {
    yes: { base: ["publish", "in/a.yaml"], add: ["--yes"], prepare },
    jobs: jobsTrial(base),
    "dry-run": { base, add: ["--dry-run"], prepare },
    recursive: { base: ["publish", "-y", "in"], add: ["--recursive"], prepare },
    "omit-extensions": { base, add: ["--omit-extensions"], prepare },
    "input-type": { base, add: ["--input-type", "json"], prepare },
  };
}

/** A variable that decides what programs run, in a file that no seal vouches for. */
function allowTrial(base: readonly string[]): Trial {
  const prepare = async (box: Sandbox): Promise<void> => {
    box.write("ld-plain.yaml", "NODE_OPTIONS: --no-deprecation\n");
    const { stdout } = await box.run(["encrypt", "ld-plain.yaml"]);
    box.write("ld.yaml", stdout.replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
  };
  return { base, add: ["--allow-env", "NODE_OPTIONS"], prepare };
}

function execTrials(): Trials {
  const see = ["--", "sh", "-c", "env | grep -i -e '^[qc]_\\?[-_]*[d]\\?=' -e ^own= > seen"];
  const prepare = async (box: Sandbox): Promise<void> => {
    box.write("q-plain.env", 'q="a b"\n');
    box.write("q.env", (await box.run(["encrypt", "q-plain.env"])).stdout);
  };
  const exec = (file: string, ...options: string[]): string[] => ["exec", ...options, file, ...see];
  const inserted = (file: string, ...add: string[]): Trial => ({
    base: exec(file),
    add,
    prepare,
    env: { OWN: "own" },
  });
  return {
    "ignore-mac": inserted("tampered.yaml", "--ignore-mac"),
    "allow-env": allowTrial(["exec", "ld.yaml", "--", "true"]),
    "input-type": inserted("a.yaml", "--input-type", "json"),
    document: { base: ["exec", "docs.yaml", "--", "sh", "-c", 'echo "$a" > seen'], add: ["--document", "1"] },
    pristine: inserted("a.yaml", "--pristine"),
    separator: inserted("a.yaml", "--separator", "__"),
    uppercase: inserted("a.yaml", "--uppercase"),
    "dotenv-dialect": inserted("q.env", "--dotenv-dialect", "standard"),
  };
}

function namesVault(box: Sandbox): void {
  const uri = "https://vault.example.org:8200/v1/transit/keys/dev";
  box.write(".sops.yaml", `creation_rules:\n  - hc_vault_transit_uri: ${uri}\n`);
}

const OLD_STYLE =
  "SOPS's old style takes every option with every mode, and each mode uses those of its command";
const RUNS_ON = "it serves until it is stopped: see test/keyservice";

/** Why an option is not tried here, or does nothing. */
/** Two versions of a file, in which two values differ. */
async function otherVersion(box: Sandbox): Promise<void> {
  for (const [name, value] of [
    ["v1.yaml", "1"],
    ["v2.yaml", "2"],
  ] as const) {
    box.write(name, box.read("a.yaml"));
    for (const path of ['["a"]', '["b"]']) await box.run(["set", name, path, value]);
  }
}

async function inConflict(box: Sandbox): Promise<void> {
  await otherVersion(box);
  await box.run(["git", "merge", "a.yaml", "v1.yaml", "v2.yaml"]);
}

const NOT_TRIED: Readonly<Record<string, string>> = {
  [`set --${THRESHOLD}`]: "SOPS takes it and does nothing with it, as here",
  [`unset --${THRESHOLD}`]: "SOPS takes it and does nothing with it, as here",
  "exec-env --same-process":
    "Node cannot put a program in its own place; exit codes and signals are passed on",
  "filestatus --json": "it prints JSON anyway",
  "ui --linear": "it needs a whole terminal: test/ui/terminal/files.test.ts",
  "ui --no-reveal": "it needs a whole terminal: test/ui/reduce/reduce.test.ts",
  "git merge --base-label": "the base is shown by git resolve: test/cli/commands/git-merge.test.ts",
  "agent start --exit-when-idle": "it serves until it is stopped: see test/agent/server.test.ts",
  "agent start --foreground": "it serves until it is stopped: see test/cli/agent.test.ts",
  "agent start --serve-in": "for the agent that the command starts: see test/cli/agent.test.ts",
  "keyservice --prompt": RUNS_ON,
  "keyservice --allow-anyone": RUNS_ON,
};

const GLOBAL_TRIALS: Trials = {
  config: {
    base: ["encrypt", "plain.yaml"],
    add: ["--config", "three.yaml"],
    env: NO_KEYS,
    prepare: (box) => box.write("three.yaml", `creation_rules:\n  - age: ${OTHER_RECIPIENT}\n`),
  },
  indent: { base: ["decrypt", "--output-type", "json", "a.yaml"], add: ["--indent", "7"] },
  verbose: { base: ["decrypt", "a.yaml"], add: ["--verbose"] },
  "decryption-order": { base: ["decrypt", "a.yaml"], add: ["--decryption-order", "age,age"] },
  "enable-local-keyservice": { base: ["decrypt", "a.yaml"], add: ["--enable-local-keyservice=false"] },
  keyservice: { base: ["decrypt", "a.yaml"], add: ["--keyservice", "nonsense"] },
  "require-seal": { base: ["decrypt", "unsealed.yaml"], add: ["--require-seal"] },
};

const NOT_TRIED_GLOBAL: Readonly<Record<string, string>> = {
  "no-agent": "it needs an agent: test/cli/agent.test.ts",
  "no-color": "colours are for terminals: test/cli/colours.test.ts",
  "disable-version-check": "SOPS asks for new versions, tsops never does",
  "unencrypted-comment-regex": "tried with encrypt and edit; SOPS takes it with every command",
  "encrypted-comment-regex": "tried with encrypt and edit; SOPS takes it with every command",
  "mac-only-encrypted": "tried with encrypt and edit; SOPS takes it with every command",
};

/** What differs from run to run and says nothing. */
function steady(text: string, box: Sandbox): string {
  return text
    .replaceAll(box.root, "ROOT")
    .replace(/ENC\[[^\]]*\]/g, "ENC")
    .replace(/-----BEGIN AGE[\s\S]*?END AGE ENCRYPTED FILE-----(\\n)?/g, "AGE")
    .replace(/^.*(?:lastmodified|created|seal"?:).*$/gm, "")
    .replace(/allowed\/\w{64}/g, "APPROVAL")
    .replace(/AGE-SECRET-KEY-1\w+|age1\w+/g, (key) =>
      [RECIPIENT, OTHER_RECIPIENT].includes(key) ? key : "KEY",
    );
}

function contents(folder: string, prefix = ""): Map<string, string> {
  const all = new Map<string, string>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, name);
    if (statSync(path).isDirectory())
      for (const [inner, text] of contents(path, `${prefix}${name}/`)) all.set(inner, text);
    else all.set(prefix + name, readFileSync(path, "latin1"));
  }
  return all;
}

async function outcome(trial: Trial, argv: readonly string[]): Promise<{ shown: string; said: string }> {
  let result = { shown: "", said: "" };
  await inSandbox(async (box) => {
    await files(box);
    box.env = { ...box.env, AWS_EC2_METADATA_DISABLED: "true", ...trial.env };
    await trial.prepare?.(box);
    const before = contents(box.root);
    const { code, stdout, stderr } = await box.run(argv, { input: trial.input, person: trial.person });
    const changed = [...contents(box.root)].flatMap(([name, text]) =>
      before.get(name) === text ? [] : [steady(`changed ${name}: ${text}`, box)],
    );
    const said = steady(`${stdout}\n${stderr}`, box);
    result = { shown: [code, said, ...changed].join("\n"), said };
  });
  return result;
}

/** The option stands before what is run, and otherwise at the end. */
function withOption({ base, add }: Trial): string[] {
  const words = nameOf(COMMANDS.find((command) => nameOf(command) === base[0])!) === "exec" ? 1 : base.length;
  return [...base.slice(0, words), ...add, ...base.slice(words)];
}

async function check(title: string, trial: Trial): Promise<void> {
  const given = await outcome(trial, withOption(trial));
  if (trial.says) return assert.match(given.said, trial.says, `${title}\n${given.shown}`);
  assert.is.not(given.shown, await withoutOption(title, trial), `${title} is read and ignored`);
}

const KNOWN = new Map<Trial["prepare"], Map<string, string>>();

/** What is shown without the option: run twice for all trials that have this in common. */
async function withoutOption(title: string, trial: Trial): Promise<string> {
  const { base, prepare, env, input, person } = trial;
  const known = KNOWN.get(prepare) ?? new Map<string, string>();
  KNOWN.set(prepare, known);
  const key = inspect({ base, env, input, person });
  let shown = known.get(key);
  if (shown === undefined) {
    shown = (await outcome(trial, base)).shown;
    // a run that differs from itself would show nothing
    assert.is((await outcome(trial, base)).shown, shown, `${title}: what is shown is not steady`);
    known.set(key, shown);
  }
  return shown;
}

function withSubcommands(commands: readonly Command[], before = ""): [string, Command][] {
  return commands.flatMap((command) => {
    const name = `${before}${nameOf(command)}`;
    return [[name, command] as [string, Command], ...withSubcommands(command.subcommands ?? [], `${name} `)];
  });
}

for (const [name, command] of withSubcommands(COMMANDS)) {
  if (Object.keys(command.options).length === 0) continue;
  test(`every option of ${name} acts`, async () => {
    for (const option of Object.keys(command.options)) {
      const title = `${name} --${option}`;
      const trial = TRIALS[name]?.[option];
      assert.is(
        trial !== undefined,
        NOT_TRIED[title] === undefined,
        `${title}: a trial, or why there is none`,
      );
      if (trial) await check(title, trial);
    }
    for (const option of Object.keys(TRIALS[name]!))
      assert.ok(command.options[option], `${name} has no --${option}`);
  });
}

test("every option of every command acts", async () => {
  for (const option of Object.keys(GLOBAL)) {
    const trial = GLOBAL_TRIALS[option];
    assert.is(trial !== undefined, NOT_TRIED_GLOBAL[option] === undefined, option);
    if (trial) await check(`--${option}`, trial);
  }
});

test(`the old style has no option of its own that is not tried: ${OLD_STYLE}`, () => {
  const modes = ["encrypt", "decrypt", "rotate", "set"];
  const known = new Set([...modes, "edit"].flatMap((name) => Object.keys(TRIALS[name]!)));
  for (const option of Object.keys(LEGACY.options))
    assert.ok(known.has(option) || modes.includes(option), option);
});

test.run();
