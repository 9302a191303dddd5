import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/**
 * Words of SOPS's messages that other programs look for. Ours may say more around them, and they stay as they are,
 * capitals included.
 */
interface Word {
  readonly word: string;
  /** Who looks for it. */
  readonly by: string;
  run(box: Sandbox): Promise<{ stdout: string; stderr: string }>;
}

async function encrypted(box: Sandbox, recipient = RECIPIENT): Promise<void> {
  box.write("a.yaml", "a: 1\nb: 2\n");
  await box.run(["encrypt", "-i", "--age", recipient, "a.yaml"]);
}

const WORDS: readonly Word[] = [
  {
    word: "Data key recovered successfully",
    by: "helm-secrets: its tests with --backend-args --verbose",
    run: async (box) => {
      await encrypted(box);
      return await box.run(["--verbose", "decrypt", "a.yaml"]);
    },
  },
  {
    word: "Data key recovered successfully",
    by: "helm-secrets, in SOPS's old style",
    run: async (box) => {
      await encrypted(box);
      return await box.run(["--verbose", "-d", "a.yaml"]);
    },
  },
  {
    word: "no matching creation rules found",
    by: "vscode-sops: a file without a rule stays as it is",
    run: async (box) => {
      box.write(".sops.yaml", `creation_rules:\n  - path_regex: prod\n    age: ${RECIPIENT}\n`);
      box.write("a.yaml", "a: 1\n");
      return await box.run(["encrypt", "a.yaml"]);
    },
  },
  {
    word: "Failed to get the data key required to decrypt the SOPS file",
    by: "sops-file-mode of Emacs, plugins of VS Code and JetBrains: no key here opens the file",
    run: async (box) => {
      await encrypted(box, OTHER_RECIPIENT);
      return await box.run(["decrypt", "a.yaml"]);
    },
  },
  {
    word: "sops metadata not found",
    by: "wrappers in Go and shell: the file is not encrypted",
    run: async (box) => {
      box.write("a.yaml", "a: 1\n");
      return await box.run(["decrypt", "a.yaml"]);
    },
  },
  {
    word: "config file not found",
    by: "wrappers in shell: there is no configuration",
    run: async (box) => {
      delete box.env.SOPS_AGE_RECIPIENTS;
      box.write("a.yaml", "a: 1\n");
      return await box.run(["encrypt", "a.yaml"]);
    },
  },
  {
    word: "MAC mismatch",
    by: "wrappers in Go: somebody changed the file",
    run: async (box) => {
      await encrypted(box);
      box.write("a.yaml", box.read("a.yaml").replace(/^b:.*\n/m, ""));
      return await box.run(["decrypt", "a.yaml"]);
    },
  },
  {
    word: "File has not changed",
    by: "wrappers that call `sops edit`",
    run: async (box) => {
      await encrypted(box);
      box.env.EDITOR = "true";
      return await box.run(["edit", "a.yaml"]);
    },
  },
  {
    word: '{"encrypted":true}',
    by: "sops.el, community.sops: filestatus",
    run: async (box) => {
      await encrypted(box);
      return await box.run(["filestatus", "a.yaml"]);
    },
  },
  {
    word: "sops 3.",
    by: "sops.el, community.sops, helm-secrets: the version",
    run: (box) => box.run(["--version"]),
  },
];

for (const { word, by, run } of WORDS)
  test(`"${word}" is there for ${by}`, () =>
    inSandbox(async (box) => {
      const { stdout, stderr } = await run(box);
      assert.ok((stdout + stderr).includes(word), stdout + stderr);
    }));

test("--verbose names the key that opened a file, as the configuration calls it", () =>
  inSandbox(async (box) => {
    delete box.env.SOPS_AGE_RECIPIENTS;
    box.write(".sopsrc", `{ keys: { me: "age:${RECIPIENT}" }, rules: [{ recipients: ["me"] }] }`);
    await encrypted(box);
    const { stderr, stdout } = await box.run(["--verbose", "decrypt", "a.yaml"]);
    assert.is(stdout, "a: 1\nb: 2\n");
    assert.match(stderr, `a.yaml: Data key recovered successfully, with age ${RECIPIENT} (me)\n`);
    assert.not.match((await box.run(["decrypt", "a.yaml"])).stderr, "recovered");
  }));

test("--verbose names the key also where the file turns out to be changed", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    box.write("a.yaml", box.read("a.yaml").replace(/^b:.*\n/m, ""));
    const { code, stderr } = await box.run(["--verbose", "decrypt", "a.yaml"]);
    assert.is(code, 51);
    assert.match(stderr, `Data key recovered successfully, with age ${RECIPIENT}`);
  }));

test.run();
