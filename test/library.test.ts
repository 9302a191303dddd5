import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { partsOutside, sharedOptions, withoutUnused } from "../scripts/bundle.mjs";
import { decrypt, decryptFile, encrypt, encryptFile, open, TsopsError } from "../src/index.ts";
import { IDENTITY_FILE, inSandbox, RECIPIENT } from "./support/cli.ts";
import { LOADER, modulePath } from "./support/program.ts";

const identity = readFileSync(IDENTITY_FILE, "utf8")
  .split("\n")
  .find((line) => line.startsWith("AGE-SECRET-KEY-"))!;
const keys = { age: [RECIPIENT] };
const options = { identities: [identity] };

const PLAIN =
  "# db\ndb:\n  host: localhost\n  port: 5432\n  big: 9223372036854775807\n__proto__: x\nl: [a, 1.5, true, null]\n";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    assert.instance(error, TsopsError);
    return (error as TsopsError).code;
  }
}

test("encrypts and decrypts text with injected keys", async () => {
  const text = await encrypt(PLAIN, { format: "yaml", keys });
  assert.not.match(text, "localhost");
  assert.is(await decrypt(text, { ...options, format: "yaml" }), PLAIN);
});

test("keys can be given by their URIs", async () => {
  const text = await encrypt(PLAIN, { format: "yaml", keys: [`age:${RECIPIENT}`] });
  assert.is(await decrypt(text, { ...options, format: "yaml" }), PLAIN);
  assert.is(await codeOf(encrypt(PLAIN, { format: "yaml", keys: [identity] })), "usage");
});

test("update keeps the ciphertext of what did not change", async () => {
  const text = await encrypt(PLAIN, { format: "yaml", keys });
  const next = await encrypt(PLAIN.replace("5432", "5433"), { ...options, format: "yaml", update: text });
  const kept = [...text.matchAll(/ENC\[[^\]]*\]/g)].filter(([cipher]) => next.includes(cipher));
  assert.is(kept.length, [...text.matchAll(/ENC\[/g)].length - 2); // the port and the MAC
});

test("opens, reads and changes a file", () =>
  inSandbox(async (box) => {
    const path = box.write("a.yaml", PLAIN);
    await encryptFile(path, { keys });
    const before = box.read("a.yaml");
    const file = await open(path, options);
    assert.is(file.sealed, true);
    assert.is(file.get(["db", "port"]), 5432);
    assert.is(file.get(["db", "big"]), 9223372036854775807n);
    assert.is(file.get(["nothing"]), undefined);
    assert.is(file.get(["__proto__"]), "x");
    file.set(["db", "port"], 5433);
    file.set(["db", "new"], ["x", { y: null }]);
    file.unset(["l", 0]);
    assert.is(box.read("a.yaml"), before);
    await file.save();
    file.close();
    const expected = PLAIN.replace("5432", "5433").replace("[a, 1.5", "[1.5");
    const now = (await decryptFile(path, options)).toString();
    assert.is(now.split("\n").filter((line) => expected.includes(line)).length, expected.split("\n").length);
    assert.equal((await open(path, options)).get(["db", "new"]), [
      "x",
      Object.assign(Object.create(null), { y: null }),
    ]);
  }));

test("a file that changed on disk is not overwritten", () =>
  inSandbox(async (box) => {
    const path = box.write("a.json", '{"a": 1}\n');
    await encryptFile(path, { keys });
    const file = await open(path, options);
    file.set(["a"], 2);
    box.write("a.json", `${box.read("a.json")}\n`);
    assert.is(await codeOf(file.save()), "changed-on-disk");
  }));

test("errors have stable codes", () =>
  inSandbox(async (box) => {
    const text = await encrypt('{"a": 1}', { format: "json", keys });
    assert.is(await codeOf(decrypt(text, { format: "json", env: {}, home: box.home })), "no-data-key");
    assert.is(await codeOf(decrypt('{"a": 1}', { ...options, format: "json" })), "no-metadata");
    assert.is(await codeOf(decrypt("{", { ...options, format: "json" })), "parse");
    assert.is(await codeOf(encrypt('{"a": 1}', { format: "json" })), "no-key");
    assert.is(await codeOf(encrypt(text, { format: "json", keys })), "already-encrypted");
    assert.is(await codeOf(decryptFile(box.path("none.yaml"), options)), "no-such-file");
    const left = text.replace(/,\s*"sops": [\s\S]*/, "}");
    assert.is(await codeOf(encrypt(left, { format: "json", keys })), "no-metadata");
    assert.is(await codeOf(encrypt(left, { ...options, format: "json", update: text })), "no-metadata");
    const path = box.write("left.json", left);
    assert.is(await codeOf(encryptFile(path, { keys })), "no-metadata");
    assert.is(box.read("left.json"), left);
    const twice = await encrypt(left, { format: "json", keys, encryptTwice: true });
    assert.is(await decrypt(twice, { ...options, format: "json" }), left);
    const changed = text.replace(/"mac": "ENC\[AES256_GCM,data:../, '"mac": "ENC[AES256_GCM,data:AA');
    assert.is(await codeOf(decrypt(changed, { ...options, format: "json" })), "mac-mismatch");
    assert.is(await decrypt(changed, { ...options, format: "json", ignoreMac: true }), '{"a": 1}');
  }));

test("the content decides where the name says nothing or something else, unless the caller does", () =>
  inSandbox(async (box) => {
    const bySops = readFileSync(new URL("../fixtures/detect/x.toml", import.meta.url));
    for (const name of ["x.toml", "x.json5", "x.yaml.enc", ".env.production"]) {
      const path = box.write(name, bySops);
      const document = await open(path, { identities: [identity], config: false });
      assert.is(document.format, "binary", name);
      assert.is(document.text, 'a = "x"\n');
      document.setText('a = "y"\n');
      await document.save();
      document.close();
      assert.is((await decryptFile(path, { identities: [identity] })).toString(), 'a = "y"\n');
      await encryptFile(path, { update: bySops, identities: [identity], config: false, acceptDrift: true });
      await open(path, { identities: [identity], format: "toml" }).then(
        () => assert.unreachable(),
        (error) => assert.is(error.code, "parse"),
      );
    }
  }));

test("key groups with a threshold", async () => {
  const other = { age: ["age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38"] };
  const text = await encrypt('{"a": 1}', { format: "json", keyGroups: [keys, other], threshold: 2 });
  assert.is(await codeOf(decrypt(text, { ...options, format: "json" })), "no-data-key");
});

/** As the build makes it. */
const { metafile } = await build({
  ...sharedOptions(process.cwd()),
  entryPoints: ["src/index.ts"],
  format: "esm",
  splitting: true,
  outdir: "dist",
  write: false,
  plugins: [partsOutside(process.cwd(), (name) => `../parts/${name}.js`), withoutUnused],
});

test("the README's lines run as they stand", () =>
  inSandbox(async (box) => {
    box.write("secrets.yaml", PLAIN);
    await encryptFile(box.path("secrets.yaml"), { keys });
    const [, lines = ""] = /```js\n(.*?)```/s.exec(readFileSync("README.md", "utf8")) ?? [];
    const library = JSON.stringify(modulePath("src/index.ts"));
    const script = box.write(
      "readme.mjs",
      `${lines.replace('"tsops"', library)}\nconsole.log(text.length > 0);`,
    );
    const argv = [...LOADER, script];
    const { stdout, status, stderr } = spawnSync(process.execPath, argv, {
      cwd: box.folder,
      env: { ...box.env, SOPS_AGE_KEY_FILE: IDENTITY_FILE },
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    assert.is(stdout, "localhost\ntrue\n");
    const changed = await decryptFile(box.path("secrets.yaml"), options);
    assert.match(changed.toString(), "password: ");
  }));

test("a key whose server nothing vouches for is not tried: the code is that of a file that no key opens", async () => {
  const server = "http://127.0.0.1:9";
  const entry = {
    ...{ vault_address: server, engine_path: "transit", key_name: "k", enc: "vault:v1:AAAA" },
    created_at: "2026-01-01T00:00:00Z",
  };
  const { sops, ...rest } = JSON.parse(await encrypt('{"a": 1}', { format: "json", keys }));
  const foreign = JSON.stringify({ ...rest, sops: { ...sops, age: undefined, hc_vault: [entry] } });
  try {
    await decrypt(foreign, { format: "json", env: { VAULT_TOKEN: "t" } });
  } catch (error) {
    assert.is((error as TsopsError).code, "no-data-key");
    assert.match((error as TsopsError).hint!, `the file names the Vault server ${server}`);
    return;
  }
  assert.unreachable();
});

test("importing it loads no SDK: each is a part, which is loaded when it is used", () => {
  const outputs = Object.entries(metafile.outputs);
  const loaded = new Set<string>();
  const visit = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const { path, kind } of metafile.outputs[name]?.imports ?? [])
      if (kind === "import-statement") visit(path);
  };
  visit(outputs.find(([, output]) => output.entryPoint === "src/index.ts")![0]);
  assert.equal(
    [...loaded].filter((path) => !path.startsWith("node:") && !(path in metafile.outputs)),
    [],
  );
  const parts = new Set(outputs.flatMap(([, { imports }]) => imports.map(({ path }) => path)));
  assert.ok(parts.has("../parts/aws.js") && parts.has("../parts/openpgp.js"));
  const inside = Object.keys(metafile.inputs).filter((file) => file.startsWith("node_modules/"));
  assert.equal([...new Set(inside.map((file) => file.split("/").slice(1, 3).join("/")))], ["@scure/base"]);
});

test("nothing in it touches the console or ends the process; only its face reads process.env", () => {
  const root = new URL("..", import.meta.url);
  for (const file of Object.keys(metafile.inputs).filter((each) => each.startsWith("src/"))) {
    const text = readFileSync(new URL(file, root), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    assert.not.match(text, /\bconsole\.|process\.exit\b|process\.env\.\w+\s*=/, file);
    // those that compare with it what SDKs read of it behind the program's back
    const may = file === "src/index.ts" || file.endsWith("/process-only.ts");
    if (!may) assert.not.match(text, /process\.env/, file);
  }
});

test("an option that there is not is refused: a mistyped requireSeal or threshold must not go unnoticed", async () => {
  const refusal = async (work: Promise<unknown>): Promise<TsopsError> => {
    try {
      await work;
    } catch (error) {
      return error as TsopsError;
    }
    throw new Error("it was accepted");
  };
  const mistyped = { format: "yaml", keys, shamirThreshold: 2 } as const;
  const first = await refusal(encrypt("a: 1\n", mistyped));
  assert.is(first.code, "usage");
  assert.match(first.message, "there is no option `shamirThreshold`");
  const text = await encrypt("a: 1\n", { format: "yaml", keys, seal: false });
  const second = await refusal(decrypt(text, { format: "yaml", requireseal: true } as never));
  assert.match(second.hint ?? "", "did you mean `requireSeal`?");
  // what both need may be in one object, and undefined is nothing
  const both = {
    format: "yaml",
    keys,
    identities: [identity],
    threshold: undefined,
    other: undefined,
  } as const;
  assert.is(await decrypt(await encrypt("a: 1\n", both), both), "a: 1\n");
});

test.run();
