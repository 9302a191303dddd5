import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Files that SOPS encrypted, and what they were. */
const SOPS_FILES: readonly (readonly [name: string, plain: string])[] = [
  ["x.toml", 'a = "x"\n'],
  ["x.json5", '{a: "x"} // note\n'],
  ["x.jsonc", '{a: "x"} // note\n'],
  [".env.production", "A=x\nB=y\n"],
  ["prod.env.enc", "A=x\nB=y\n"],
  ["x.txt", "a: x\n"],
  // valid YAML, which SOPS reads as that
  ["json.yaml", '{\n\t"a": "x"\n}\n'],
  ["yaml.json", "a: x\n"],
  ["dotenv.ini", "a=x\n"],
];

function bySops(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/detect/${name}`, import.meta.url));
}

const PLAIN: Readonly<Record<string, string>> = {
  yaml: "a: x # c\nb:\n- 1\n",
  json: '{"a": "x", "b": [1]}\n',
  env: "A=x\n# c\nB=1\n",
  ini: "[s]\na = x\n",
  toml: '# c\na = "x"\n[t]\nb = 1\n',
  json5: "{a: 'x', /* c */ b: [1]}\n",
};

async function encrypted(box: Sandbox, name: string, plain: string): Promise<string> {
  box.write(name, plain);
  const { code, stdout, stderr } = await box.run(["encrypt", name]);
  assert.is(code, 0, stderr);
  return stdout;
}

test("a TOML file with a fault is not read as INI, where a piece of a value would be a name", () =>
  inSandbox(async (box) => {
    const secret = await encrypted(box, "a.toml", PLAIN.toml!);
    box.write("a.toml", secret.replace(/^mac = "/m, 'broken = "\nhunter2mark=\n$&'));
    for (const args of [["decrypt"], ["check"], ["check", "--decrypt"], ["edit"], ["rotate", "-i"]]) {
      const { code, stdout, stderr } = await box.run([...args, "a.toml"]);
      assert.not.equal(code, 0);
      assert.match(
        stdout + stderr,
        /a\.toml:\d+:\d+: (?:error: )?this text has no closing quote/,
        args.join(" "),
      );
      assert.not.match(stdout + stderr, "hunter2mark");
    }
  }));

test("what SOPS encrypted as binary, or under a name of another format, is read as what it is", () =>
  inSandbox(async (box) => {
    for (const [name, plain] of SOPS_FILES) {
      box.write(name, bySops(name));
      const { code, stdout, stderr } = await box.run(["decrypt", name]);
      assert.is(code, 0, `${name}: ${stderr}`);
      assert.is(stdout, plain, name);
      assert.is((await box.run(["filestatus", name])).stdout, '{"encrypted":true}\n');
      assert.match((await box.run(["doctor", name])).stdout, `${name}: can be opened here`);
      assert.is((await box.run(["encrypt", "--check", name])).stderr, "", name);
      assert.is((await box.run(["rotate", "-i", name])).code, 0, name);
      assert.is((await box.run(["decrypt", name])).stdout, plain, `${name}, rotated`);
    }
  }));

test("the content decides where the name says nothing or something else: copies, standard input, git's names", () =>
  inSandbox(async (box) => {
    for (const [type, plain] of Object.entries(PLAIN)) {
      const text = await encrypted(box, `q.${type}`, plain);
      const other = type === "json" || type === "yaml" ? "q.ini" : "q.json";
      for (const name of [`q.${type}.enc`, ".merge_file_a1b2c3", "q", other]) {
        box.write(name, text);
        const { code, stdout, stderr } = await box.run(["decrypt", name]);
        assert.is(code, 0, `${type} in ${name}: ${stderr}`);
        assert.is(stdout, plain, `${type} in ${name}`);
      }
      assert.is((await box.run(["decrypt"], { input: text })).stdout, plain, `${type} from standard input`);
      box.write("piped", text);
      assert.is((await box.run(["rotate", "piped"])).code, 0, type);
      assert.is((await box.run(["updatekeys", "-y", "piped"])).code, 1, "there is no rule");
      const path = { ini: '["s"]["a"]', env: '["A"]' }[type] ?? '["a"]';
      assert.is((await box.run(["set", "piped", path, '"new"'])).code, 0, type);
      assert.is((await box.run(["decrypt", "--extract", path, "piped"])).stdout, "new", type);
      assert.is((await box.run(["decrypt", "piped"])).stdout, plain.replace(/x/, "new"), type);
    }
  }));

test("a folder finds encrypted files whatever they are called", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "q.yaml", PLAIN.yaml!);
    box.write("d/q.yaml.enc", text);
    box.write("d/notes.md", "[sops]\nsops: is a program\nsops_mac=1\n");
    assert.match((await box.run(["decrypt", "-i", "d"])).stderr, "tsops: decrypted 1 of 1 files\n");
    assert.is(box.read("d/q.yaml.enc"), PLAIN.yaml);
  }));

test("--input-type goes before all, and says so where the content is of another type", () =>
  inSandbox(async (box) => {
    box.write("q.enc", await encrypted(box, "q.yaml", PLAIN.yaml!));
    const { code, stderr } = await box.run(["decrypt", "--input-type", "json", "q.enc"]);
    assert.is(code, 1);
    assert.match(stderr, "it looks like an encrypted file of type yaml: leave out --input-type json");
    assert.is((await box.run(["decrypt", "--input-type", "yaml", "q.enc"])).code, 0);
  }));

test("decrypting never advises to encrypt otherwise: what is not encrypted is called that", () =>
  inSandbox(async (box) => {
    const files = {
      "plain.txt": "hello\n",
      empty: "",
      "l.json": "[1]\n",
      "l.yaml": "- 1\n",
      "p.env": "no pair\n",
    };
    for (const [name, text] of Object.entries(files)) {
      box.write(name, text);
      for (const type of [[], ["--input-type", "json"]]) {
        const { code, stderr } = await box.run(["decrypt", ...type, name]);
        assert.is(code, 1, name);
        assert.match(stderr, `${name}: sops metadata not found: it is not encrypted`);
        assert.not.match(stderr, /wrap it|--input-type|is written/, name);
      }
    }
    const cut = (await encrypted(box, "q.yaml", PLAIN.yaml!)).replace(/^sops:[\s\S]*/m, "");
    box.write("cut.yaml", cut);
    const { stderr } = await box.run(["decrypt", "cut.yaml"]);
    assert.match(stderr, "sops metadata not found, though there are encrypted values");
    box.write("bad.yaml.enc", (await encrypted(box, "q.yaml", PLAIN.yaml!)).replace(/^b:/m, "b: ["));
    const broken = await box.run(["decrypt", "bad.yaml.enc"]);
    assert.is(broken.code, 1);
    assert.match(broken.stderr, /^tsops: bad\.yaml\.enc:\d+:\d+: /);
  }));

test("names that SOPS takes for binary: .env.production and prod.env.local are dotenv, .jsonc is JSON5", () =>
  inSandbox(async (box) => {
    for (const name of [".env.production", ".env.production.local", "prod.env.local", "x.env"]) {
      assert.match(await encrypted(box, name, PLAIN.env!), /^A=ENC\[/, name);
    }
    const jsonc = '{\n  // c\n  "a": "x",\n  "n": 5\n}\n';
    const text = await encrypted(box, "x.jsonc", jsonc);
    assert.match(text, /^\{\n {2}\/\/ENC\[.*\n {2}"a": "ENC\[.*\n {2}"n": "ENC\[/);
    assert.match(text, /\n {2}"sops": \{\n/);
    box.write("x.jsonc", text);
    assert.is((await box.run(["decrypt", "x.jsonc"])).stdout, jsonc);
    for (const name of ["my.env.yaml", "x.env.json"]) {
      assert.match(await encrypted(box, name, '{"a": "x"}\n'), /"?a"?: "?ENC\[/, name);
    }
    box.write("vite.env.d.ts", "interface X {}\n");
    const { code, stderr } = await box.run(["encrypt", "vite.env.d.ts"]);
    assert.is(code, 2);
    assert.match(stderr, "its name says dotenv; --input-type binary encrypts it as one text, as SOPS does");
    const whole = await box.run(["encrypt", "--input-type", "binary", "vite.env.d.ts"]);
    assert.match(whole.stdout, /^\{\n\t"data": "ENC\[/);
  }));

test("encrypting a file whose name says nothing tells what it looks like; exec tells that all is in one variable", () =>
  inSandbox(async (box) => {
    const looks: Readonly<Record<string, string>> = {
      ...Object.fromEntries(
        Object.entries(PLAIN).map(([type, text]) => [type === "env" ? "dotenv" : type, text]),
      ),
      binary: "-----BEGIN CERTIFICATE-----\nMIIB=\n",
    };
    for (const [type, text] of Object.entries(looks)) {
      box.write("config.production", text);
      const { code, stdout, stderr } = await box.run(["encrypt", "config.production"]);
      assert.is(code, 0);
      assert.match(stdout, '"data": "ENC[');
      if (type === "binary") assert.is(stderr, "");
      else assert.match(stderr, `it looks like ${type}:\n  --input-type ${type}, or format: "${type}"`);
      const said = await box.run(["encrypt", "--input-type", type, "config.production"]);
      assert.is(said.stderr, "", type);
    }
    box.write("config.production", "A=1\n");
    await box.run(["encrypt", "-i", "config.production"]);
    for (const command of [
      ["exec", "config.production", "--", "true"],
      ["exec-env", "config.production", "true"],
    ]) {
      const { code, stderr } = await box.run(command);
      assert.is(code, 0);
      assert.match(stderr, "config.production was encrypted as one text: all of it is in the variable data");
    }
  }));

test("format in a rule decides where the name says nothing to SOPS; SOPS's endings and --input-type go before it", () =>
  inSandbox(async (box) => {
    const rules: readonly (readonly [string, string])[] = [
      [
        ".sopsrc",
        `{ rules: [{ glob: "*.bin*", format: "binary", recipients: "age:${RECIPIENT}" }, { format: "dotenv", recipients: "age:${RECIPIENT}" }] }`,
      ],
      [
        ".sops.yaml",
        `creation_rules:\n- {path_regex: bin, format: binary, age: ${RECIPIENT}}\n- {format: dotenv, age: ${RECIPIENT}}\n`,
      ],
    ];
    for (const [name, text] of rules) {
      box.write(name, text);
      const config = ["--config", name];
      box.write("app.conf", "A=1\n");
      const { stdout, stderr } = await box.run(["encrypt", ...config, "app.conf"]);
      assert.match(stdout, /^A=ENC\[/);
      assert.is(stderr, "");
      box.write("app.yaml", "a: 1\n");
      assert.match((await box.run(["encrypt", ...config, "app.yaml"])).stdout, /^a: ENC\[/);
      const typed = await box.run(["encrypt", ...config, "--input-type", "binary", "app.conf"]);
      assert.match(typed.stdout, /^\{\n\t"data": "ENC\[/);
      box.write("x.bin.toml", "a = 1\n");
      assert.match((await box.run(["encrypt", ...config, "x.bin.toml"])).stdout, /^\{\n\t"data": "ENC\[/);
      assert.is((await box.run(["config", "check", ...config])).code, 0);
    }
    box.write(".sopsrc", `{ rules: [{ format: "dotenf", recipients: "age:${RECIPIENT}" }] }`);
    const { code, stdout } = await box.run(["config", "check", "--config", ".sopsrc"]);
    assert.is(code, 1);
    assert.match(stdout, "did you mean dotenv?");
  }));

/**
 * What SOPS 3.13.3 wrote for each of these (an exit code where it failed): `--input-type` without `--output-type` leaves
 * the output to the name. Where that says nothing to SOPS, its JSON, or failure, is not followed.
 */
const OUTPUTS: readonly (readonly [
  type: string,
  name: string,
  override: string | undefined,
  start: RegExp | number,
])[] = [
  ["yaml", "q.json", undefined, /^\{\n\t"a": /],
  ["yaml", "q.yaml", undefined, /^a: /],
  ["yaml", "q.env", undefined, 4],
  ["yaml", "q.enc", undefined, /^a: /],
  ["json", "q.yaml", undefined, /^a: /],
  ["json", "q.enc", undefined, /^\{"a": /],
  ["dotenv", "q.yaml", undefined, /^A: /],
  ["dotenv", "q.json", undefined, /^\{\n\t"A": /],
  ["dotenv", "q.enc", undefined, /^A=/],
  ["dotenv", "q.enc", "path/x.sops.yaml", /^A: /],
  ["dotenv", "q.yaml", "x.json", /^\{\n\t"A": /],
  ["dotenv", ".env.production", undefined, /^A=/],
  ["binary", "q.yaml", undefined, /^data: /],
  ["binary", "q.json", undefined, /^\{\n\t"data": /],
  ["binary", "q.toml", undefined, /^(?:\{\n\t"data": |a: )/],
];

test("--input-type without --output-type leaves the output to the name, as in SOPS", () =>
  inSandbox(async (box) => {
    const plain: Readonly<Record<string, string>> = {
      yaml: "a: x\nb:\n  c: y\n",
      json: '{"a": "x", "b": {"c": "y"}}',
      dotenv: "A=x\n",
      binary: "a: x\n",
    };
    for (const [type, name, override, start] of OUTPUTS) {
      const more = override === undefined ? [] : ["--filename-override", override];
      const what = `${type} ${name} ${more.join(" ")}`;
      const check = ({ code, stdout }: { code: number; stdout: string }, command: string) => {
        if (typeof start === "number") assert.is(code, start, `${command} ${what}`);
        else assert.match(stdout, start, `${command} ${what}`);
      };
      box.write(name, plain[type]!);
      const source = await box.run(["encrypt", "--input-type", type, "--output-type", type, name]);
      check(await box.run(["encrypt", "--input-type", type, ...more, name]), "encrypt");
      box.write(name, source.stdout);
      check(await box.run(["decrypt", "--input-type", type, ...more, name]), "decrypt");
      if (override !== undefined || typeof start === "number") continue;
      const command = ["exec-file", "--no-fifo", "--input-type", type, name, `cat {} > '${box.path("out")}'`];
      assert.is((await box.run(command)).code, 0, what);
      assert.match(box.read("out"), start, `exec-file ${what}`);
    }
  }));

test.run();
