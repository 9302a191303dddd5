import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/* What people do by hand between two runs: plain values in encrypted files, files decrypted in place and forgotten. */

/** A file of each format, the line that a colleague without a key adds, and what follows it. */
const FORMATS: Readonly<Record<string, { plain: string; added: string; before: RegExp; path?: string }>> = {
  "f.yaml": { plain: "a: one\n", added: "token: hunter2\n", before: /^(?=sops:)/m },
  "f.json": { plain: '{\n\t"a": "one"\n}\n', added: '\t"token": "hunter2",\n', before: /^(?=\t"sops")/m },
  "f.json5": { plain: "{\n  a: 'one',\n}\n", added: "  token: 'hunter2',\n", before: /^(?=\s*"?sops"?:)/m },
  "f.toml": { plain: 'a = "one"\n', added: 'token = "hunter2"\n', before: /^/ },
  "f.ini": {
    plain: "[s]\na = one\n",
    added: "token = hunter2\n",
    before: /(?<=^\[s\]\n)/m,
    path: '["s"]["token"]',
  },
  "f.env": { plain: "A=one\n", added: "token=hunter2\n", before: /^(?=sops_)/m },
};

async function withHandmade(box: Sandbox, name: string): Promise<{ encrypted: string; path: string }> {
  const { plain, added, before, path = '["token"]' } = FORMATS[name]!;
  box.write(name, plain);
  assert.is((await box.run(["encrypt", "-i", name])).code, 0);
  const encrypted = box.read(name);
  box.write(
    name,
    encrypted.replace(before, () => added),
  );
  assert.match(box.read(name), added);
  return { encrypted, path };
}

for (const name of Object.keys(FORMATS)) {
  test(`a plain value in an encrypted file: every command says how to get on, and that works: ${name}`, () =>
    inSandbox(async (box) => {
      const { encrypted, path } = await withHandmade(box, name);
      for (const argv of [
        ["decrypt", name],
        ["decrypt", "-i", name],
        ["set", name, path, '"x"'],
        ["unset", name, path],
        ["edit", name],
        ["rotate", "-i", name],
        ["exec", name, "--", "true"],
        ["exec-file", name, "true"],
      ]) {
        const { code, stderr } = await box.run(argv);
        assert.is(code, 25, `${argv.join(" ")}: ${stderr}`);
        assert.match(stderr, `the value at ${path} is not encrypted, and should be\n`);
        assert.match(stderr, `remove it from the file, then add it with: tsops set FILE '${path}'\n`);
        assert.match(stderr, "if it replaced an encrypted value, first restore that one from git");
        assert.not.match(stderr, "hunter2");
      }
      const again = await box.run(["encrypt", "-i", name]);
      assert.is(again.code, 203);
      assert.match(
        again.stderr,
        `the file is encrypted already, but the value at ${path} is not, and should be`,
      );
      assert.match(again.stderr, `then add it with: tsops set ${name} '${path}'\n`);
      assert.match(again.stderr, new RegExp(`^tsops: ${name}:\\d+:\\d+: `));
      const check = await box.run(["encrypt", "--check", name]);
      assert.is(check.code, 1);
      assert.match(check.stderr, `then add it with: tsops set ${name} '${path}'\n`);
      // as it says
      box.write(name, encrypted);
      assert.is((await box.run(["set", name, path, '"hunter2"'])).code, 0);
      assert.is((await box.run(["encrypt", "--check", name])).code, 0);
      assert.match((await box.run(["decrypt", name])).stdout, "hunter2");
    }));
}

test("several plain values: --check names each, and says once how to get on", () =>
  inSandbox(async (box) => {
    const { encrypted } = await withHandmade(box, "f.yaml");
    box.write("f.yaml", `x: [p, q]\ny: r\n${encrypted}`);
    const { stderr } = await box.run(["encrypt", "--check", "f.yaml"]);
    assert.is(stderr.match(/is not encrypted, and should be/g)?.length, 3);
    assert.is(
      stderr.match(/remove them from the file, then add each with: tsops set f.yaml PATH/g)?.length,
      1,
    );
    const again = await box.run(["encrypt", "-i", "f.yaml"]);
    assert.match(again.stderr, "but 3 of its values are not, and should be");
    assert.match(again.stderr, "tsops encrypt --check names them");
  }));

test("a plain value in another document of a YAML file: the line of set names the document", () =>
  inSandbox(async (box) => {
    box.write("m.yaml", "a: 1\n---\nb: 2\n");
    await box.run(["encrypt", "-i", "m.yaml"]);
    box.write("m.yaml", box.read("m.yaml").replace("\n---\n", "\n---\nc: plain\n"));
    const { stderr } = await box.run(["decrypt", "m.yaml"]);
    assert.match(stderr, `tsops set --document 1 FILE '["c"]'`);
  }));

test("a plain value below an odd key: the line of set has no part that a terminal or a shell would obey", () =>
  inSandbox(async (box) => {
    box.write("f.json", '{"a": "one"}\n');
    await box.run(["encrypt", "-i", "f.json"]);
    const encrypted = box.read("f.json");
    for (const [key, word] of [
      ["x\\u001b[2J", "PATH"],
      ["x\\ny", "PATH"],
      ["it's; rm -rf", `'["it'\\''s; rm -rf"]'`],
    ] as const) {
      box.write("f.json", encrypted.replace("{", `{"${key}": "plain",`));
      for (const argv of [["decrypt"], ["encrypt", "--check"], ["encrypt", "-i"]]) {
        const { stderr } = await box.run([...argv, "f.json"]);
        assert.ok(
          stderr.split("\n").some((line) => line.endsWith(` ${word}`)),
          stderr,
        );
        assert.is(stderr.includes("\u001b"), false);
      }
    }
  }));

test("a file that is encrypted and nothing else is told so as before", () =>
  inSandbox(async (box) => {
    box.write("f.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "f.yaml"]);
    const { code, stderr } = await box.run(["encrypt", "-i", "f.yaml"]);
    assert.is(code, 203);
    assert.match(stderr, "it is either encrypted already (use edit, set or rotate)");
  }));

test("decrypt -i of a folder names the files that no rule is for, once, with the line that encrypts them", () =>
  inSandbox(
    async (box) => {
      box.write(".sops.yaml", `creation_rules:\n  - path_regex: \\.enc\\.yaml$\n    age: ${RECIPIENT}\n`);
      box.write("a.enc.yaml", "a: 1\n");
      box.write("b.yaml", "password: 1\nb: 2\n");
      box.write("d/c d.json", '{"c": 1}\n');
      const both = `${RECIPIENT},${OTHER_RECIPIENT}`;
      await box.run(["encrypt", "-i", "a.enc.yaml"]);
      const no = ["--config", "/dev/null"];
      await box.run(["encrypt", "-i", ...no, "--age", both, "--encrypted-regex", "^pass", "b.yaml"]);
      await box.run(["encrypt", "-i", ...no, "--age", RECIPIENT, "d/c d.json"]);
      const { code, stderr } = await box.run(["decrypt", "-i", "."]);
      assert.is(code, 0);
      assert.match(stderr, "2 of these files match no creation rule");
      assert.is(stderr.match(/no creation rule/g)?.length, 1);
      assert.not.match(stderr, "a.enc.yaml");
      const lines = stderr.split("\n").filter((line) => line.includes("tsops encrypt -i"));
      assert.equal(lines, [
        `  tsops encrypt -i --config /dev/null --key age:${RECIPIENT} --key age:${OTHER_RECIPIENT} --encrypted-regex '^pass' b.yaml`,
        `  tsops encrypt -i --config /dev/null --key age:${RECIPIENT} 'd/c d.json'`,
      ]);
      // as it says
      const regex = ["--encrypted-regex", "^pass", "b.yaml"];
      const keys = ["--key", `age:${RECIPIENT}`, "--key", `age:${OTHER_RECIPIENT}`];
      assert.is((await box.run(["encrypt", "-i", ...no, ...keys, ...regex])).code, 0);
      assert.match(box.read("b.yaml"), /password: ENC\[[\s\S]*\nb: 2\n/);
      assert.match(box.read("b.yaml"), OTHER_RECIPIENT);
      assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
      assert.match(box.read("a.enc.yaml"), "ENC[");
    },
    { SOPS_AGE_RECIPIENTS: undefined },
  ));

test("decrypt -i says nothing of rules where encrypting again needs none, nor to standard output", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    assert.not.match((await box.run(["decrypt", "a.yaml"])).stderr, "creation rule");
    // SOPS_AGE_RECIPIENTS names the keys of a file that is named
    assert.not.match((await box.run(["decrypt", "-i", "a.yaml"])).stderr, "creation rule");
    await box.run(["encrypt", "-i", "a.yaml"]);
    // but a folder's files need a rule
    assert.match((await box.run(["decrypt", "-i", "."])).stderr, "a.yaml matches no creation rule");
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    await box.run(["encrypt", "-i", "a.yaml"]);
    assert.is((await box.run(["decrypt", "-i", "a.yaml"])).stderr.includes("creation rule"), false);
  }));

test("decrypt -i: what options cannot say is left to a rule", () =>
  inSandbox(
    async (box) => {
      box.write(
        "two.sops.yaml",
        `creation_rules:\n  - shamir_threshold: 1\n    key_groups:\n      - age: [${RECIPIENT}]\n      - age: [${OTHER_RECIPIENT}]\n`,
      );
      box.write(
        "two.sops.yaml",
        box
          .read("two.sops.yaml")
          .replace("shamir_threshold: 1", "shamir_threshold: 2")
          .replace(OTHER_RECIPIENT, RECIPIENT),
      );
      box.write("a.yaml", "a: 1\n");
      assert.is((await box.run(["--config", "two.sops.yaml", "encrypt", "-i", "a.yaml"])).code, 0);
      const { stderr } = await box.run(["decrypt", "-i", "a.yaml"]);
      assert.match(stderr, "a.yaml matches no creation rule");
      assert.not.match(stderr, "tsops encrypt -i");
      assert.match(stderr, "make a rule");
    },
    { SOPS_AGE_RECIPIENTS: undefined },
  ));

test("export belongs to a name in dotenv alone", () =>
  inSandbox(async (box) => {
    box.write("f.yaml", "export A: 1\n");
    box.write("f.env", "export A=1\n");
    for (const name of ["f.yaml", "f.env"]) {
      await box.run(["encrypt", "-i", name]);
      const { code, stderr } = await box.run(["set", name, '["A"]', '"2"']);
      assert.is(code, 0);
      const said = stderr.includes("there is no A, but `export A` on line 1");
      assert.is(said, name === "f.env", stderr);
    }
    // what is selected goes by the name that people see, and YAML's has export in it
    box.write("g.yaml", "export password\u00a0: x\nb: 1\n");
    const { code } = await box.run(["encrypt", "--encrypted-regex", "^password$|^b$", "g.yaml"]);
    assert.is(code, 0);
    box.write("g.env", "export password\u00a0=x\nb=1\n");
    assert.is((await box.run(["encrypt", "--encrypted-regex", "^password$|^b$", "g.env"])).code, 23);
  }));

test("a comment that was added by hand is named by --check, in each format", () =>
  inSandbox(async (box) => {
    const files = {
      "a.yaml": ["a: x # old\n", "# hunter2\n"],
      "a.json5": ['// old\n{a: "x"}\n', "// hunter2\n"],
      "a.env": ["# old\nA=x\n", "# hunter2\n"],
      "a.ini": ["; old\n[s]\na = x\n", "; hunter2\n"],
      "a.toml": ['# old\na = "x"\n', "# hunter2\n"],
    } as const;
    for (const [name, [text, comment]] of Object.entries(files)) {
      box.write(name, text);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      const own = await box.run(["encrypt", "--check", name]);
      assert.not.match(own.stderr, "this comment", name);
      box.write(name, comment + box.read(name));
      const { stderr } = await box.run(["encrypt", "--check", name]);
      assert.match(stderr, new RegExp(`warning: ${name}:1:[1-3]: this comment is not encrypted`));
      assert.not.match(stderr, "hunter2");
    }
  }));

test.run();
