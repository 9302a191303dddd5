import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ConfigDisk, Configurations } from "../../src/config/find.ts";
import { ALICE, failure } from "../support/config.ts";

/** A disk with these files; `reads` counts. */
function disk(files: Record<string, string>): ConfigDisk & { reads: string[] } {
  const reads: string[] = [];
  return {
    reads,
    exists: async (path) => Object.hasOwn(files, path),
    read: async (path) => {
      reads.push(path);
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
      return Buffer.from(text);
    },
  };
}

const RULES = `creation_rules:\n  - age: ${ALICE}\n`;
const find = (
  files: Record<string, string>,
  cwd: string,
  file?: string,
  more: { option?: string; env?: object } = {},
) => new Configurations({ cwd, env: { ...more.env }, option: more.option, disk: disk(files) }).find(file);

test("the nearest one from the working folder upwards", async () => {
  const files = { "/a/.sops.yaml": RULES, "/a/b/.sopsrc": "{}", "/.sops.yaml": RULES };
  assert.equal(await find(files, "/a/b/c"), { path: "/a/b/.sopsrc", by: "working folder", warnings: [] });
  assert.is((await find(files, "/a")).path, "/a/.sops.yaml");
  assert.is((await find(files, "/x/y")).path, "/.sops.yaml");
  assert.equal(await find({}, "/x/y"), { warnings: [] });
});

test("the working folder's wins over the file's own, which is next", async () => {
  const files = { "/a/.sops.yaml": RULES, "/b/.sopsrc": "{}" };
  assert.is((await find(files, "/a", "/b/c/f.yaml")).path, "/a/.sops.yaml");
  assert.equal(await find(files, "/x", "/b/c/f.yaml"), {
    path: "/b/.sopsrc",
    by: "folder of the file",
    warnings: [],
  });
});

test("--config and SOPS_CONFIG stop the search, in that order", async () => {
  const files = { "/a/.sops.yaml": RULES };
  const env = { SOPS_CONFIG: "other.yaml" };
  assert.equal(await find(files, "/a", undefined, { env }), {
    path: "/a/other.yaml",
    by: "SOPS_CONFIG",
    warnings: [],
  });
  assert.is((await find(files, "/a", undefined, { env, option: "../x.yaml" })).path, "/x.yaml");
  assert.is((await find(files, "/a", undefined, { env: { SOPS_CONFIG: "" } })).path, "/a/.sops.yaml");
});

test("in one folder only one of the two may stand, unless one of them is named", async () => {
  const files = { "/a/.sops.yaml": RULES, "/a/.sopsrc": "{}" };
  const error = await failure(find(files, "/a/b"));
  assert.is(error.message, "/a holds both .sops.yaml and .sopsrc");
  assert.is(error.exitCode, 1);
  assert.is((await find(files, "/a", undefined, { option: ".sopsrc" })).by, "--config");
});

test(".sops.yml is passed over with a warning", async () => {
  const both = await find({ "/a/.sops.yaml": RULES, "/a/b/.sops.yml": RULES }, "/a/b");
  assert.is(both.path, "/a/.sops.yaml");
  assert.equal(both.warnings, [
    "/a/b/.sops.yml is ignored: the configuration must be called .sops.yaml; using /a/.sops.yaml instead",
  ]);
  const alone = await find({ "/a/.sops.yml": RULES }, "/a/b", "/a/b/f.yaml");
  assert.is(alone.path, undefined);
  assert.equal(alone.warnings, ["/a/.sops.yml is ignored: the configuration must be called .sops.yaml"]);
  // beside the right name it is no matter of the search, as in SOPS
  assert.equal((await find({ "/a/.sops.yml": RULES, "/a/.sops.yaml": RULES }, "/a")).warnings, []);
});

test("a hundred folders are looked into, and no more", async () => {
  const folder = (n: number) => `/${Array.from({ length: n }, (_, i) => `d${i}`).join("/")}`;
  assert.is(
    (await find({ [`${folder(1)}/.sops.yaml`]: RULES }, folder(100))).path,
    `${folder(1)}/.sops.yaml`,
  );
  assert.is((await find({ [`${folder(1)}/.sops.yaml`]: RULES }, folder(101))).path, undefined);
});

test("each folder is searched and each file read once", async () => {
  const files = disk({ "/a/.sops.yaml": RULES });
  const configurations = new Configurations({ cwd: "/a", env: {}, disk: files });
  const [one, two] = await Promise.all([configurations.load("/a/x"), configurations.load("/a/b/y")]);
  assert.is(one!.config, two!.config);
  assert.equal(files.reads, ["/a/.sops.yaml"]);
});

test("the name says which of the two a named file is", async () => {
  const rc = `{ rules: [{ recipients: "age:${ALICE}" }] }`;
  for (const name of [".sopsrc", "x.sopsrc", ".sopsrc.json5", "c.json5"]) {
    const configurations = new Configurations({
      cwd: "/",
      env: {},
      option: name,
      disk: disk({ [`/${name}`]: rc }),
    });
    assert.is((await configurations.load()).config?.kind, "sopsrc", name);
  }
  const json = `{"creation_rules": [{"age": "${ALICE}"}]}`;
  const configurations = new Configurations({
    cwd: "/",
    env: {},
    option: "c.json",
    disk: disk({ "/c.json": json }),
  });
  assert.is((await configurations.load()).config?.kind, "sops-yaml");
});

test("a named file that is not there is an error, with exit code 1", async () => {
  const configurations = new Configurations({ cwd: "/a", env: {}, option: "no.yaml", disk: disk({}) });
  const error = await failure(configurations.load());
  assert.is(error.message, "the configuration cannot be read: there is no such file");
  assert.is(error.place?.file, "/a/no.yaml");
  assert.is(error.exitCode, 1);
});

test("which configurations stand only beside files is known", async () => {
  const files = { "/b/.sopsrc": "{}", "/a/.sopsrc": "{}" };
  const at = async (cwd: string) => {
    const configurations = new Configurations({ cwd, env: {}, disk: disk(files) });
    await configurations.load("/b/f.yaml");
    return [...configurations.besideFiles];
  };
  assert.equal(await at("/a"), []);
  assert.equal(await at("/x"), ["/b/.sopsrc"]);
});

test("a configuration that was found and is a stranger's is refused, one that is named is not", async () => {
  const own = process.getuid?.() ?? 0;
  const at = (owners: readonly number[], more: { option?: string; env?: Record<string, string> } = {}) =>
    new Configurations({
      cwd: "/a/b",
      env: {},
      ...more,
      disk: { ...disk({ "/a/.sopsrc": "{}" }), found: () => ({ owners, bytes: Buffer.from("{}") }) },
    });
  for (const owners of [[own], [0], [0, own]]) {
    assert.is((await at(owners).find()).path, "/a/.sopsrc");
  }
  for (const owners of [[own + 1], [own, own + 1]]) {
    const error = await failure(at(owners).find());
    assert.is(error.code, "config");
    assert.match(error.message, `belongs to user ${own + 1}`);
    assert.match(error.hint ?? "", "--config /a/.sopsrc");
    assert.is((await at(owners, { option: "/a/.sopsrc" }).find()).by, "--config");
    assert.is((await at(owners, { env: { SOPS_CONFIG: "/a/.sopsrc" } }).find()).by, "SOPS_CONFIG");
  }
  const sudo = at([1234567], { env: { SUDO_UID: "1234567" } });
  if (own === 0) assert.is((await sudo.find()).path, "/a/.sopsrc");
  else assert.is((await failure(sudo.find())).code, "config");
});

test("what was found is looked at and read once, and what was read is what was looked at", async () => {
  for (const name of [".sopsrc", ".sops.yaml"]) {
    const text = name === ".sopsrc" ? `{ rules: [{ recipients: "age:${ALICE}" }] }` : RULES;
    const looks: string[] = [];
    const fake = disk({ [`/a/${name}`]: text });
    const configurations = new Configurations({
      cwd: "/a/b",
      env: {},
      disk: {
        ...fake,
        found: (path) => {
          looks.push(path);
          // somebody else's takes its place right after
          return { owners: [], bytes: Buffer.from(looks.length === 1 ? text : "{ rules: 1 }") };
        },
      },
    });
    for (const file of ["/a/b/f.yaml", "/a/c/g.yaml"]) {
      assert.equal((await configurations.load(file)).config?.errors, [], name);
    }
    assert.equal(looks, [`/a/${name}`]);
    assert.equal(fake.reads, []);
  }
});

test.run();
