import { existsSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nameOf } from "../../../src/cli/command.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import {
  decrypt,
  decryptFile,
  encrypt,
  encryptFile,
  type Options,
  open,
  type TsopsError,
} from "../../../src/index.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";

/** A file in conflict, and the two that it came of. */
async function inConflict(box: Sandbox): Promise<void> {
  box.write("plain.yaml", "a: SECRETa\nb: SECRETb\n");
  box.write("base.yaml", (await box.run(["encrypt", "plain.yaml"])).stdout);
  for (const [name, value] of [
    ["ours.yaml", '"SECRET1"'],
    ["theirs.yaml", '"SECRET2"'],
  ] as const) {
    box.write(name, box.read("base.yaml"));
    await box.run(["set", name, '["a"]', value]);
  }
  const { code } = await box.run(["git", "merge", "base.yaml", "ours.yaml", "theirs.yaml"]);
  assert.is(code, 1);
}

/** What a command does with a file in conflict, on command lines that name `ours.yaml`. */
type Does =
  /** It writes nothing. */
  | { readonly refuses: readonly (readonly string[])[] }
  /** It goes on with our side. */
  | { readonly warns: readonly (readonly string[])[] }
  /** It is part of what it prints. */
  | { readonly tells: readonly (readonly string[])[] }
  /** Why it has nothing to say of that. */
  | { readonly silent: string };

const FILE = "ours.yaml";
const NO_FILE = { silent: "it takes no encrypted files" };

const COMMANDS_WITH_IT: Readonly<Record<string, Does | readonly Does[]>> = {
  encrypt: {
    refuses: [
      ["encrypt", "--update", FILE, "plain.yaml"],
      ["encrypt", "-i", "--update", FILE, "plain.yaml"],
    ],
  },
  decrypt: [
    { refuses: [["decrypt", "-i", FILE]] },
    {
      warns: [
        ["decrypt", FILE],
        ["decrypt", "--extract", '["a"]', FILE],
        ["decrypt", "--output-type", "json", FILE],
        ["decrypt", "--output", "plain.out", FILE],
        ["decrypt", "--output", "folder", FILE, "base.yaml"],
      ],
    },
  ],
  edit: {
    refuses: [
      ["edit", FILE],
      ["edit", "--show-master-keys", FILE],
    ],
  },
  ui: { silent: "it resolves conflicts: test/ui/reduce/conflicts.test.ts" },
  set: { refuses: [["set", FILE, '["b"]', '"x"']] },
  unset: { refuses: [["unset", FILE, '["b"]']] },
  rotate: {
    refuses: [
      ["rotate", FILE],
      ["rotate", "-i", FILE],
      ["rotate", "-i", "--add-age", OTHER_RECIPIENT, FILE],
    ],
  },
  updatekeys: {
    refuses: [
      ["updatekeys", "-y", FILE],
      ["updatekeys", "-y", "--update-selector", FILE],
    ],
  },
  "groups add": { refuses: [["groups", "add", "-i", "-f", FILE, "--age", OTHER_RECIPIENT]] },
  "groups delete": { refuses: [["groups", "delete", "-i", "-f", FILE, "0"]] },
  check: {
    tells: [
      ["check", FILE],
      ["check", "--decrypt", FILE],
    ],
  },
  status: { tells: [["status", FILE]] },
  recipients: { silent: "who can read it is the same" },
  filestatus: { silent: "SOPS's answer has no place for it" },
  publish: {
    refuses: [
      ["publish", "-y", FILE],
      ["publish", "-y", "again/ours.yaml"],
    ],
  },
  doctor: { silent: "it is about keys" },
  diff: { tells: [["diff", "base.yaml", FILE]] },
  log: { silent: "it needs a repository, and is about its history" },
  "git install": NO_FILE,
  "git uninstall": NO_FILE,
  "git status": { silent: "it needs a repository, and its tests are of such files" },
  "git textconv": { tells: [["git", "textconv", FILE]] },
  "git merge": { tells: [["git", "merge", "base.yaml", "theirs.yaml", FILE]] },
  "git resolve": { silent: "it ends them" },
  "exec-env": { warns: [["exec-env", FILE, "true"]] },
  "exec-file": { warns: [["exec-file", FILE, "true {}"]] },
  exec: { warns: [["exec", FILE, "--", "true"]] },
  keygen: NO_FILE,
  init: NO_FILE,
  "config explain": NO_FILE,
  "config check": NO_FILE,
  allow: NO_FILE,
  keyservice: NO_FILE,
  "install-shim": NO_FILE,
  "agent start": NO_FILE,
  "agent status": NO_FILE,
  "agent clear": NO_FILE,
  "agent stop": NO_FILE,
  completion: NO_FILE,
};

test("it is known of every command what it does with a file in conflict", () => {
  const names = COMMANDS.flatMap((command) =>
    command.subcommands.length === 0
      ? [nameOf(command)]
      : command.subcommands.map((sub) => `${nameOf(command)} ${nameOf(sub)}`),
  );
  assert.equal(Object.keys(COMMANDS_WITH_IT).sort(), names.sort());
});

const HOW_TO_END = /tsops git resolve/;

for (const [command, all] of Object.entries(COMMANDS_WITH_IT)) {
  for (const does of [all].flat()) {
    if ("silent" in does) continue;
    const [[what, lines] = []] = Object.entries(does) as [string, readonly (readonly string[])[]][];
    for (const argv of lines!) {
      test(`${command} ${what}: tsops ${argv.join(" ")}`, async () => {
        await inSandbox(async (box) => {
          await inConflict(box);
          const before = box.read(FILE);
          box.write("again/ours.yaml", before);
          box.write(".sops.yaml", rules(command === "publish" ? [RECIPIENT] : [RECIPIENT, OTHER_RECIPIENT]));
          box.env.SOPS_AGE_RECIPIENTS = undefined;
          box.env.EDITOR = `sh -c 'echo "c: 1" >> "$1"' sh`;
          const { code, stdout, stderr } = await box.run(argv);
          assert.is(box.read(FILE), before);
          assert.match(stdout + stderr, HOW_TO_END);
          assert.not.match(stderr, "SECRET");
          if (what === "warns") assert.is(code, 0, stderr);
          if (what !== "refuses") return;
          assert.is(code, 1, stderr);
          assert.not.match(stdout, /ENC\[|SECRET/);
          assert.not.ok(existsSync(box.path("out")), "nothing is published");
        });
      });
    }
  }
}

function rules(recipients: readonly string[]): string {
  return `creation_rules:
  - age: ${recipients.join(",")}
destination_rules:
  - {path_regex: again/, folder: out, recreation_rule: {age: ${OTHER_RECIPIENT}}}
  - {folder: out}
`;
}

test("commands for many files leave the one in conflict, and do the others", async () => {
  for (const argv of [
    ["rotate", "-i", "."],
    ["updatekeys", "-y", "."],
    ["decrypt", "-i", "."],
  ]) {
    await inSandbox(async (box) => {
      await inConflict(box);
      const [before, other] = [box.read(FILE), box.read("theirs.yaml")];
      box.write(".sops.yaml", rules(argv[0] === "updatekeys" ? [RECIPIENT, OTHER_RECIPIENT] : [RECIPIENT]));
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, stderr);
      assert.match(stderr, HOW_TO_END);
      assert.is(box.read(FILE), before);
      assert.is.not(box.read("theirs.yaml"), other);
    });
  }
});

/** What the library can do with a file in conflict. */
const LIBRARY: Readonly<Record<string, (box: Sandbox, options: Options) => Promise<unknown>>> = {
  "encrypt with update": (box, options) =>
    encrypt("a: 1\n", { ...options, format: "yaml", update: box.read(FILE) }),
  "encryptFile with update": (box, options) =>
    encryptFile(box.path("plain.yaml"), { ...options, update: box.read(FILE) }),
  set: async (box, options) => (await open(box.path(FILE), options)).set(["a"], "x"),
  unset: async (box, options) => (await open(box.path(FILE), options)).unset(["a"]),
  setText: async (box, options) => (await open(box.path(FILE), options)).setText("a: x\n"),
};

test("the library changes no file in conflict, and says so where one is read", async () => {
  await inSandbox(async (box) => {
    await inConflict(box);
    const before = [box.read(FILE), box.read("plain.yaml")];
    const warnings: string[] = [];
    const options: Options = { env: box.env, onWarning: (message) => void warnings.push(message) };
    for (const [name, work] of Object.entries(LIBRARY)) {
      const error = await work(box, options).then(
        () => undefined,
        (thrown) => thrown as TsopsError,
      );
      assert.is(error?.code, "merge-conflict", name);
      assert.match(`${error?.message} ${error?.hint}`, HOW_TO_END);
      assert.not.match(`${error?.message} ${error?.hint}`, "SECRET");
      assert.equal([box.read(FILE), box.read("plain.yaml")], before);
    }
    warnings.length = 0;
    assert.is((await decryptFile(box.path(FILE), options)).toString(), "a: SECRET1\nb: SECRETb\n");
    await decrypt(box.read(FILE), { ...options, format: "yaml" });
    assert.is(warnings.length, 2);
    for (const warning of warnings) assert.match(warning, HOW_TO_END);
  });
});

test("the seal covers the conflicts", async () => {
  await inSandbox(async (box) => {
    await inConflict(box);
    const text = box.read("ours.yaml");
    box.write("none.yaml", text.replace(/^ +conflicts: .*\n/m, ""));
    assert.is((await box.run(["decrypt", "none.yaml"])).code, 51);
  });
});

test.run();
