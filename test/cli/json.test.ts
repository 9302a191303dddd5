import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Result, type Sandbox } from "../support/cli.ts";

/** The shapes of docs/json.md: a script may rely on them. */

const ME = { kind: "age", id: RECIPIENT, name: "me" };
const BOB = { kind: "age", id: OTHER_RECIPIENT, name: "bob" };
const KEYS = `keys: { me: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}" }`;

// biome-ignore lint/suspicious/noExplicitAny: what came out is what is tested
function json({ stdout }: Result): Record<string, any> {
  assert.match(stdout, /^\{[^\n]*\}\n$/, "one line");
  return JSON.parse(stdout);
}

/** A file for me, under a rule that says me and Bob. */
async function drifted(box: Sandbox): Promise<void> {
  delete box.env.SOPS_AGE_RECIPIENTS;
  box.write(".sopsrc", `{ ${KEYS}, rules: [{ name: "all", recipients: ["me"] }] }`);
  box.write("a.yaml", "token: s3cret\n");
  await box.run(["encrypt", "-i", "a.yaml"]);
  box.write(".sopsrc", `{ ${KEYS}, rules: [{ name: "all", recipients: ["me", "bob"] }] }`);
}

const DRIFT = {
  groups: [{ both: [ME], onlyInFile: [], onlyInRule: [BOB] }],
  threshold: null,
  selector: null,
  macOnlyEncrypted: false,
};

test("doctor --json FILE", () =>
  inSandbox(async (box) => {
    await drifted(box);
    box.write("plain.yaml", "a: 1\n");
    const result = await box.run(["doctor", "--json", "a.yaml", "plain.yaml"]);
    assert.is(result.code, 1);
    assert.match(result.stderr, /^tsops: plain\.yaml: sops metadata not found/);
    assert.equal(json(result), {
      files: [
        {
          file: "a.yaml",
          opens: true,
          groupsNeeded: 1,
          groups: [[{ ...ME, usable: true, why: ["an identity for it is here"] }]],
          drift: DRIFT,
          keyServices: [],
          advice: [],
        },
        { file: "plain.yaml", error: "no-metadata" },
      ],
    });
    assert.not.match(result.stdout + result.stderr, /s3cret|AGE-SECRET/);
  }));

test("doctor --json without a file", () =>
  inSandbox(async (box) => {
    await drifted(box);
    const { configuration, keys, ...more } = json(await box.run(["doctor", "--json"]));
    assert.is(configuration, box.path(".sopsrc"));
    assert.equal(more, {});
    assert.equal(
      keys.map(({ why, ...key }: { why: string[] }) => ({ ...key, why: Array.isArray(why) })),
      [
        { ...ME, usable: true, why: true },
        { ...BOB, usable: false, why: true },
      ],
    );
  }));

test("config check --json", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: '('\n    age: ${RECIPIENT}\n    nonsense: 1\n`);
    const result = await box.run(["config", "check", "--json"]);
    assert.is(result.code, 1);
    const { findings, ...counts } = json(result);
    assert.equal(counts, { configuration: box.path(".sops.yaml"), errors: 1, warnings: 1 });
    assert.equal(
      findings.map(({ severity, line }: Record<string, unknown>) => [severity, line]),
      [
        ["error", 2],
        ["warning", 4],
      ],
    );
    for (const finding of findings)
      assert.equal(Object.keys(finding), ["severity", "message", "hint", "line", "column"]);
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    assert.is((await box.run(["config", "check", "--json"])).code, 0);
  }));

test("config explain --json", () =>
  inSandbox(async (box) => {
    box.write(
      ".sopsrc",
      `{ ${KEYS}, rules: [{ glob: "x/*", recipients: ["me"] }, { name: "all", recipients: ["bob"] }] }`,
    );
    const { files } = json(await box.run(["config", "explain", "--json", "a.yaml"]));
    assert.equal(files, [
      {
        file: "a.yaml",
        configuration: box.path(".sopsrc"),
        foundBy: "working folder",
        rules: [
          {
            number: 1,
            name: null,
            line: 1,
            pattern: { kind: "glob", text: "x/*" },
            matches: false,
            why: "it does not match",
          },
          {
            number: 2,
            name: "all",
            line: 1,
            pattern: null,
            matches: true,
            why: "it has no pattern, so it is for every file",
          },
        ],
        chosen: 2,
        protection: {
          groups: [[BOB]],
          threshold: 1,
          selector: { kind: "unencrypted_suffix", value: "_unencrypted" },
          macOnlyEncrypted: false,
          seal: true,
        },
        problem: null,
      },
    ]);
    box.write(".sopsrc", `{ ${KEYS}, rules: [{ glob: "x/*", recipients: ["me"] }] }`);
    const [none] = json(await box.run(["config", "explain", "--json", "a.yaml"])).files;
    assert.is(none.chosen, null);
    assert.is(none.protection, null);
    assert.equal(Object.keys(none.problem), ["message", "hint", "line", "column"]);
  }));

test("encrypt --check --json", () =>
  inSandbox(async (box) => {
    await drifted(box);
    box.write("b.yaml", "a: 1\n");
    box.write("c.yaml", "a: {b: [x]}\n");
    await box.run(["encrypt", "-i", "c.yaml"]);
    box.write("c.yaml", box.read("c.yaml").replace(/ENC\[.*?\]/, "plain"));
    const result = await box.run(["encrypt", "--check", "--json", "a.yaml", "b.yaml", "c.yaml"]);
    assert.is(result.code, 1);
    assert.is(result.stderr, "");
    assert.equal(json(result), {
      files: [
        { file: "a.yaml", problems: [{ problem: "differs-from-rule", ...DRIFT }] },
        { file: "b.yaml", problems: [{ problem: "not-encrypted" }] },
        { file: "c.yaml", problems: [{ problem: "plain-value", path: ["a", "b", 0], line: 1, column: 9 }] },
      ],
      notes: [],
    });
    box.write("d.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "d.yaml"]);
    const good = await box.run(["encrypt", "--check", "--json", "d.yaml"]);
    assert.is(good.code, 0);
    assert.equal(json(good), { files: [], notes: [] });
    assert.is((await box.run(["encrypt", "--json", "d.yaml"])).code, 1);
  }));

test("encrypt --check --json: a seal that is missing", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", `{ ${KEYS}, seal: false, rules: [{ recipients: ["me"] }] }`);
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    const result = await box.run(["encrypt", "--check", "--json", "--require-seal", "a.yaml"]);
    assert.equal(json(result), {
      files: [{ file: "a.yaml", problems: [{ problem: "seal-missing" }] }],
      notes: [],
    });
  }));

test("encrypt --check --json: a selector that selects nothing is a note, and no problem", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\nb: 2 # c\n");
    const selector = { kind: "encrypted_regex", value: "^data$" };
    await box.run(["encrypt", "-i", "--encrypted-regex", selector.value, "a.yaml"]);
    const result = await box.run(["encrypt", "--check", "--json", "a.yaml"]);
    assert.is(result.code, 0);
    assert.equal(json(result), {
      files: [],
      notes: [{ file: "a.yaml", note: "nothing-selected", selector, values: 2, comments: false }],
    });
    assert.match(result.stderr, "warning: a.yaml: no value of this file matches encrypted_regex");
  }));

test("updatekeys --json", () =>
  inSandbox(async (box) => {
    await drifted(box);
    const changes = {
      groups: [{ kept: [ME], added: [BOB], removed: [] }],
      threshold: { before: 0, after: 0 },
      selectorChanges: false,
    };
    const declined = await box.run(["updatekeys", "--json", "a.yaml"], { input: "n\n" });
    assert.equal(json(declined), { files: [{ file: "a.yaml", status: "declined", ...changes }] });
    assert.match(declined.stderr, "Is this okay?");
    const synced = await box.run(["updatekeys", "--json", "-y", "a.yaml"]);
    assert.is(synced.code, 0);
    assert.equal(json(synced), {
      files: [{ file: "a.yaml", status: "synced", ...changes, newDataKey: false }],
    });
    assert.equal(json(await box.run(["updatekeys", "--json", "-y", "a.yaml"])), {
      files: [{ file: "a.yaml", status: "up-to-date" }],
    });
    box.write(".sopsrc", `{ ${KEYS}, rules: [{ recipients: ["me"] }] }`);
    const removed = json(await box.run(["updatekeys", "--json", "-y", "a.yaml"]));
    assert.equal(removed.files[0].groups, [{ kept: [ME], added: [], removed: [BOB] }]);
    assert.is(removed.files[0].newDataKey, true);
    const missing = await box.run(["updatekeys", "--json", "-y", "none.yaml"]);
    assert.is(missing.code, 1);
    assert.match(missing.stderr, /^tsops: /);
    assert.equal(json(missing), { files: [{ file: "none.yaml", error: "no-such-file" }] });
  }));

test("filestatus takes --json", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    assert.equal(json(await box.run(["filestatus", "--json", "a.yaml"])), { encrypted: false });
  }));

test("nothing in the JSON is invisible, or a command for a program that reads the log", () =>
  inSandbox(async (box) => {
    const name = "a\x9b\u202e\u2028::error::##[x].yaml";
    box.write(name, "a: 1\n");
    const { stdout } = await box.run(["encrypt", "--check", "--json", name]);
    assert.match(stdout, /^[\x20-\x7e]+\n$/);
    assert.not.match(stdout, /::|##/);
    assert.is(JSON.parse(stdout).files[0].file, name);
  }));

test.run();
