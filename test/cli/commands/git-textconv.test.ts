import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OTHER_RECIPIENT } from "../../support/cli.ts";
import { type GitBox, inGit } from "../../support/with-git.ts";

const SECRET = "marker-5ecret";

/** The same document in every format, and in it the secret. */
const FORMATS: readonly (readonly [string, (value: string) => string])[] = [
  ["a.yaml", (value) => `# note\nuser: u\npassword: ${value}\n`],
  ["a.json", (value) => `{\n  "user": "u",\n  "password": "${value}"\n}\n`],
  ["a.env", (value) => `USER=u\nPASSWORD=${value}\n`],
  ["a.ini", (value) => `[db]\nuser = u\npassword = ${value}\n`],
  ["a.toml", (value) => `user = "u"\npassword = "${value}"\n`],
  ["a.json5", (value) => `{user: 'u', // note\n password: '${value}'}\n`],
  ["a.txt", (value) => `u\n${value}\n`],
];

function useTextconv(repository: GitBox): void {
  repository.git("config", "diff.tsops.textconv", "tsops git textconv");
}

test(
  "git diff, show and log -p show plaintext in every format, and nothing of it stays anywhere",
  inGit(async (repository) => {
    const { box } = repository;
    const names = FORMATS.map(([name]) => name);
    box.write(".gitattributes", names.map((name) => `${name} diff=tsops\n`).join(""));
    for (const value of [SECRET, `${SECRET}-2`]) {
      for (const [name, text] of FORMATS) box.write(name, text(value));
      await repository.tsops("encrypt", "-i", ...names);
      repository.commit(value.length > SECRET.length ? "second" : "first");
    }
    useTextconv(repository);
    const shown = repository.git("diff", "HEAD~1", "HEAD");
    for (const [name, text] of FORMATS) {
      const line = (value: string) =>
        text(value)
          .split("\n")
          .find((candidate) => candidate.includes(value))!;
      assert.ok(shown.includes(`\n-${line(SECRET)}\n+${line(`${SECRET}-2`)}`), name);
    }
    assert.not.match(shown, "ENC[");
    assert.match(repository.git("log", "-p", "-1", "--", "a.env"), `+PASSWORD=${SECRET}-2`);
    assert.match(
      repository.git("show", "--format=", "HEAD", "--", "a.yaml"),
      ` user: u\n-password: ${SECRET}\n`,
    );
    assert.equal(repository.filesWith(SECRET), []);
    // so that the search finds what is there
    repository.git("config", "diff.tsops.cachetextconv", "true");
    repository.git("show", "HEAD", "--", "a.yaml");
    assert.ok(repository.filesWith(SECRET).length > 0);
  }),
);

test(
  "TSOPS_DIFF=keys: names and types, and what changed, but no value; no key is needed",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", `user: u\npassword: ${SECRET}\nport: 1\n`);
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write(".gitattributes", "*.yaml diff=tsops\n");
    repository.commit("one");
    await repository.tsops("set", "a.yaml", '["password"]', `"${SECRET}-2"`);
    useTextconv(repository);
    box.env = { ...box.env, TSOPS_DIFF: "keys", SOPS_AGE_KEY_FILE: undefined };
    const shown = repository.git("diff");
    assert.match(
      shown,
      / user: hidden str \w{8}\n-password: hidden str \w{8}\n\+password: hidden str \w{8}\n port: hidden int/,
    );
    assert.not.match(shown, SECRET);
    box.env.TSOPS_DIFF = "nonsense";
    const { stdout, stderr } = await box.run(["git", "textconv", "a.yaml"]);
    assert.match(stdout, "user: hidden str");
    assert.match(stderr, /TSOPS_DIFF is neither keys nor values/);
    box.env = { ...box.env, TSOPS_DIFF: "values" };
    assert.match((await box.run(["git", "textconv", "a.yaml"])).stdout, "ENC[");
  }),
);

/** Exit code 0, the bytes as they are, and one line. */
async function asItIs({ box }: GitBox, name: string, why: RegExp): Promise<void> {
  const { code, stdout, stderr } = await box.run(["git", "textconv", name]);
  assert.is(code, 0);
  assert.is(stdout, box.read(name));
  assert.match(stderr, why);
  assert.is(stderr.trimEnd().split("\n").length, 1, stderr);
}

test(
  "what cannot be decrypted is printed as it is, with one line that says why",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("plain.yaml", "a: 1\n");
    await asItIs(repository, "plain.yaml", /it is not encrypted/);
    box.write("a.yaml", "a: 1\nb: 2\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    const text = box.read("a.yaml");
    box.write("conflict.yaml", `<<<<<<< ours\n${text}=======\n${text}>>>>>>> theirs\n`);
    await asItIs(repository, "conflict.yaml", /merge conflict/);
    box.write("cut.yaml", text.slice(0, text.indexOf("sops:")));
    await asItIs(repository, "cut.yaml", /not encrypted|metadata/);
    box.write("broken.yaml", text.replace("a: ENC[AES256_GCM,data:", "a: ENC[AES256_GCM,data:AAAA"));
    await asItIs(repository, "broken.yaml", /\["a"\] does not decrypt/);
    box.write("tabs.yaml", text.replace("b: ", "b: \t]"));
    await asItIs(repository, "tabs.yaml", /shown as it is/);
    box.write("other.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "--age", OTHER_RECIPIENT, "other.yaml");
    await asItIs(repository, "other.yaml", /no key here opens it: see tsops doctor/);
    box.write("empty.yaml", "");
    assert.equal(await box.run(["git", "textconv", "empty.yaml"]), { code: 0, stdout: "", stderr: "" });
    assert.is.not((await box.run(["git", "textconv", "nowhere.yaml"])).code, 0);
  }),
);

test(
  "a changed file is decrypted as far as it goes, and a line says that somebody changed it",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\nz_unencrypted: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write("a.yaml", box.read("a.yaml").replace("z_unencrypted: 1", "z_unencrypted: 2"));
    const { code, stdout, stderr } = await box.run(["git", "textconv", "a.yaml"]);
    assert.equal([code, stdout], [0, "a: 1\nz_unencrypted: 2\n"]);
    assert.match(stderr, /changed it without its key: MAC mismatch/);
  }),
);

test(
  "the format comes from the content where git's name for the file says nothing",
  inGit(async (repository) => {
    const { box } = repository;
    for (const [name, text] of FORMATS) {
      box.write(name, text("x"));
      await repository.tsops("encrypt", "-i", name);
      box.write("blob", box.read(name));
      assert.is(await repository.tsops("git", "textconv", "blob"), text("x"), name);
    }
  }),
);

test(
  "a file without the seal that is required is shown, with a line",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write("a.yaml", box.read("a.yaml").replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
    const plain = await box.run(["git", "textconv", "a.yaml"]);
    assert.equal(plain, { code: 0, stdout: "a: 1\n", stderr: "" });
    const { stdout, stderr } = await box.run(["git", "textconv", "--require-seal", "a.yaml"]);
    assert.is(stdout, "a: 1\n");
    assert.match(stderr, /no seal, and one is required/);
    box.env.TSOPS_REQUIRE_SEAL = "1";
    assert.match((await box.run(["git", "textconv", "a.yaml"])).stderr, /no seal/);
  }),
);

test(
  "a file with conflicts of a merge shows our side, with a line; the same for tsops diff",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    const unsealed = box.read("a.yaml").replace(/ {4}tsops:\n( {8}.*\n)+/, "");
    box.write("a.yaml", unsealed);
    repository.commit("one");
    box.write("a.yaml", unsealed.replace("sops:\n", "sops:\n    tsops:\n        conflicts: x\n"));
    const { code, stdout, stderr } = await box.run(["git", "textconv", "a.yaml"]);
    assert.equal([code, stdout], [0, "a: 1\n"]);
    assert.match(stderr, /conflicts of a merge, and this is our side: tsops git resolve/);
    assert.match(
      await repository.tsops("diff"),
      "! after: it has conflicts of a merge: see tsops git resolve\n",
    );
  }),
);

test(
  "nobody is asked for a passphrase, at a terminal either, and what hangs is given up",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    // never answers, and ends when it is told to
    box.env = { ...box.env, SOPS_AGE_KEY_FILE: undefined, SOPS_AGE_KEY_CMD: "sleep 1000" };
    const late = await box.run(["git", "textconv", "--timeout", "1", "a.yaml"], { person: true });
    assert.is(late.code, 0);
    assert.match(late.stdout, "ENC[");
    assert.match(late.stderr, /not decrypted within 1 second,/);
  }),
);

test(
  "a configuration of the repository can make it do nothing else, not even a broken one",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    for (const config of [
      "creation_rules: [\n",
      "creation_rules:\n- hc_vault: http://127.0.0.1:1/v1/x/keys/y\n",
    ]) {
      box.write(".sops.yaml", config);
      assert.equal(await box.run(["git", "textconv", "a.yaml"]), { code: 0, stdout: "a: 1\n", stderr: "" });
    }
    mkdirSync(join(box.folder, "sub"));
    writeFileSync(box.path("sub/.sopsrc"), "{ broken");
    const inside = await box.run(["git", "textconv", "../a.yaml"], { cwd: box.path("sub") });
    assert.equal(inside, { code: 0, stdout: "a: 1\n", stderr: "" });
  }),
);

test.run();
