import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encrypt, encryptFile, open, TsopsError } from "../../src/index.ts";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/**
 * A seal is evidence in addition to the creation rule, never instead of it: everybody who knows public recipients can
 * choose a data key and make a valid seal.
 */

const PLAIN: Readonly<Record<string, string>> = {
  "a.yaml": "password: s3cret\nport: 80\n",
  "a.json": '{\n\t"password": "s3cret",\n\t"port": 80\n}\n',
  "a.env": "password=s3cret\nport=80\n",
  "a.ini": "[db]\npassword = s3cret\nport     = 80\n",
  "a.toml": 'password = "s3cret"\nport = 80\n',
  "a.json5": "{password: 's3cret', port: 80}\n",
};
const KEY = (name: string) => (name === "a.ini" ? '["db"]["token"]' : '["token"]');

function rule(box: Sandbox, more = "", age = RECIPIENT): void {
  box.write(".sops.yaml", `creation_rules:\n  - age: ${age}\n${more}`);
}

/** A file as a stranger would make it, who knows the public recipients only. */
async function strangersFile(box: Sandbox, name: string, options: readonly string[]): Promise<void> {
  box.write(`made/${name}`, PLAIN[name] ?? PLAIN["a.yaml"]!);
  const { cwd, env } = { cwd: box.path("made"), env: box.env };
  box.env = { PATH: env.PATH, HOME: env.HOME };
  box.write("made/.sopsrc", "{}");
  const { code, stdout, stderr } = await box.run([
    "encrypt",
    "--config",
    "made/.sopsrc",
    ...options,
    `made/${name}`,
  ]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /seal/, cwd);
  box.env = env;
  box.write(name, stdout);
}

/** What every command that writes does with such a file. */
const WRITES: readonly (readonly string[])[] = [
  ["set", "F", "K", '"n3w"'],
  ["unset", "F", "K"],
  ["rotate", "-i", "F"],
  ["encrypt", "-i", "--update", "F", "new"],
  ["groups", "add", "-i", "-f", "F", "--age", RECIPIENT],
  ["edit", "F"],
];

function fill(argv: readonly string[], name: string, box: Sandbox): string[] {
  const key = name === "a.ini" ? '["db"]["port"]' : '["port"]';
  box.write("new", PLAIN[name]!);
  const places = new Map([
    ["F", name],
    ["K", key],
  ]);
  return argv.map((word) => places.get(word) ?? word);
}

test("finding 1: a forged seal does not give the attacker the next data key, in any format and command", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.env.EDITOR = "sed -i s/80/81/";
    rule(box);
    for (const name of Object.keys(PLAIN)) {
      await strangersFile(box, name, ["--age", `${RECIPIENT},${OTHER_RECIPIENT}`]);
      const before = box.read(name);
      for (const argv of WRITES) {
        const { code, stderr } = await box.run(fill(argv, name, box));
        assert.is(code, 1, `${name} ${argv[0]}: ${stderr}`);
        assert.match(stderr, `--- ${OTHER_RECIPIENT}`);
        assert.match(stderr, /recipients are not those of its creation rule/);
        assert.is(box.read(name), before);
      }
      // the way out: the file gets the rule's recipients, and a data key that the stranger does not know
      const mended = await box.run(["updatekeys", "-y", name]);
      assert.is(mended.code, 0, mended.stderr);
      assert.not.match(box.read(name), OTHER_RECIPIENT);
      assert.is((await box.run(["set", name, KEY(name), '"t0ken"'])).code, 0);
    }
  }));

test("finding 1: --yes goes on, and a person at a terminal is asked", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    await strangersFile(box, "a.yaml", ["--age", `${RECIPIENT},${OTHER_RECIPIENT}`]);
    const { code, stderr } = await box.run(["rotate", "-i", "--yes", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(stderr, `--- ${OTHER_RECIPIENT}`);
  }));

test("finding 1: a rule's recipients, threshold and groups are compared for sealed files too", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const groups = (threshold: string) =>
      `creation_rules:\n  - ${threshold}key_groups:\n${[RECIPIENT, RECIPIENT, OTHER_RECIPIENT].map((age) => `      - age: [${age}]\n`).join("")}`;
    box.write(".sops.yaml", groups("shamir_threshold: 2\n    "));
    box.write("a.yaml", PLAIN["a.yaml"]!);
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    assert.is((await box.run(["set", "a.yaml", '["x"]', '"1"'])).code, 0);
    box.write(".sops.yaml", groups(""));
    const lower = await box.run(["set", "a.yaml", '["x"]', '"2"']);
    assert.is(lower.code, 1);
    assert.match(lower.stderr, /\+\+\+ shamir_threshold: 3\n--- shamir_threshold: 2/);
    // fewer recipients than the rule has are a difference, too
    rule(box, "", `${RECIPIENT},${OTHER_RECIPIENT}`);
    box.write("b.yaml", PLAIN["a.yaml"]!);
    assert.is((await box.run(["encrypt", "-i", "--age", RECIPIENT, "b.yaml"])).code, 0);
    const fewer = await box.run(["set", "b.yaml", '["x"]', '"2"']);
    assert.is(fewer.code, 1);
    assert.match(fewer.stderr, `+++ ${OTHER_RECIPIENT}`);
  }));

test("finding 1: keys that the person names are no difference", () =>
  inSandbox(async (box) => {
    rule(box, "", OTHER_RECIPIENT);
    box.write("a.yaml", PLAIN["a.yaml"]!);
    // SOPS_AGE_RECIPIENTS goes before the rule where files are made
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    assert.is((await box.run(["set", "a.yaml", '["x"]', '"1"'])).code, 0);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    assert.is((await box.run(["set", "a.yaml", '["x"]', '"1"'])).code, 1);
    // the rule was extended first, then the file
    rule(box, "", `${RECIPIENT},${OTHER_RECIPIENT}`);
    const added = await box.run(["rotate", "-i", "--add-age", OTHER_RECIPIENT, "a.yaml"]);
    assert.is(added.code, 0, added.stderr);
    assert.is((await box.run(["set", "a.yaml", '["x"]', '"2"'])).code, 0);
  }));

test("finding 2: a forged seal does not make new secrets land in plaintext, in any format", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.env.EDITOR = "sed -i s/80/81/";
    rule(box);
    for (const name of Object.keys(PLAIN)) {
      await strangersFile(box, name, ["--age", RECIPIENT, "--encrypted-suffix", "_enc"]);
      const before = box.read(name);
      for (const argv of [...WRITES, ["set", "F", KEY(name), '"t0ken"']]) {
        const { code, stderr } = await box.run(fill(argv, name, box));
        assert.is(code, 1, `${name} ${argv[0]}: ${stderr}`);
        assert.match(stderr, /\+\+\+ unencrypted_suffix: _unencrypted\n--- encrypted_suffix: _enc/);
        assert.is(box.read(name), before);
      }
    }
  }));

for (const command of [
  ["updatekeys", "--update-selector", "-y"],
  ["rotate", "-i", "--update-selector"],
])
  test(`finding 2: a rule that was widened later: ${command[0]} brings the selector in line, and says so`, () =>
    inSandbox(async (box) => {
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      for (const name of Object.keys(PLAIN)) {
        rule(box, "    encrypted_regex: ^password$\n");
        box.write(name, PLAIN[name]!);
        assert.is((await box.run(["encrypt", "-i", name])).code, 0);
        rule(box, "    encrypted_regex: ^(password|token|port)$\n");
        const refused = await box.run(["set", name, KEY(name), '"t0ken"']);
        assert.is(refused.code, 1, name);
        assert.not.match(box.read(name), /t0ken/);
        assert.is((await box.run(["encrypt", "--check", name])).code, 1);
        const doctor = await box.run(["doctor", name]);
        assert.match(doctor.stdout, /is not as its creation rule has it/);
        const mended = await box.run([...command, name]);
        assert.is(mended.code, 0, mended.stderr);
        assert.match(mended.stderr, /gets the selector of its creation rule/);
        assert.match(mended.stderr, /were in plaintext until now.*\n.*\["port"\]/);
        assert.is((await box.run(["encrypt", "--check", name])).code, 0);
        assert.is((await box.run(["set", name, KEY(name), '"t0ken"'])).code, 0);
        assert.not.match(box.read(name), /t0ken/);
        const { stdout } = await box.run(["decrypt", name]);
        assert.match(stdout, /t0ken/);
        assert.match(stdout, /80/);
      }
    }));

test("finding 2: --update-selector never makes a secret plain", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    box.write("a.yaml", "# note\npassword: s3cret\nport: 80\n");
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const before = box.read("a.yaml");
    rule(box, "    encrypted_regex: ^port$\n");
    for (const command of [
      ["updatekeys", "--update-selector", "-y"],
      ["rotate", "-i", "--update-selector", "-y"],
    ]) {
      const { code, stderr } = await box.run([...command, "a.yaml"]);
      assert.is(code, 1, stderr);
      assert.match(stderr, /would become plain/);
      assert.not.match(stderr, /s3cret/);
      assert.is(box.read("a.yaml"), before);
    }
  }));

test("finding 2: mac_only_encrypted that the rule does not have is a difference", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    await strangersFile(box, "a.yaml", ["--age", RECIPIENT, "--mac-only-encrypted"]);
    const { code, stderr } = await box.run(["set", "a.yaml", '["x"]', '"1"']);
    assert.is(code, 1, stderr);
    assert.match(stderr, /--- mac_only_encrypted: true/);
    assert.is((await box.run(["updatekeys", "-y", "--update-selector", "a.yaml"])).code, 0);
    assert.not.match(box.read("a.yaml"), /mac_only_encrypted/);
    assert.is((await box.run(["set", "a.yaml", '["x"]', '"1"'])).code, 0);
  }));

/** The file as SOPS could have written it. */
function withoutSeal(text: string): string {
  return text.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
}

test("finding 4: a seal is required by option, variable and configuration, by everything that reads", () =>
  inSandbox(async (box) => {
    box.write("plain.yaml", PLAIN["a.yaml"]!);
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    box.write("a.yaml", withoutSeal(sealed));
    box.write("sealed.yaml", sealed);
    box.env.EDITOR = "true";
    const reads = [
      ["decrypt", "F"],
      ["edit", "F"],
      ["set", "F", '["x"]', '"1"'],
      ["unset", "F", '["port"]'],
      ["rotate", "-i", "F"],
      ["updatekeys", "-y", "F"],
      ["groups", "add", "-i", "-f", "F", "--age", RECIPIENT],
      ["encrypt", "--update", "F", "plain.yaml"],
      ["exec", "F", "--", "true"],
      ["exec-env", "F", "true"],
      ["exec-file", "F", "true {}"],
      ["publish", "-y", "F"],
    ];
    const config = (more: string) =>
      box.write(
        ".sopsrc",
        `{rules: [{recipients: ["age:${RECIPIENT}"]}], destinations: [{folder: "out"}]${more}}`,
      );
    const tries: readonly [() => void, readonly string[]][] = [
      [() => config(""), ["--require-seal"]],
      [() => void (box.env.TSOPS_REQUIRE_SEAL = "1"), []],
      [() => config(", require_seal: true"), []],
      [
        () => {
          config("");
          box.write("../h/.config/tsops/config.json5", "{require_seal: true}");
        },
        [],
      ],
    ];
    for (const [prepare, options] of tries) {
      prepare();
      for (const argv of reads) {
        const [command, ...rest] = argv.map((word) => (word === "F" ? "a.yaml" : word));
        const { code, stderr } = await box.run([command!, ...options, ...rest]);
        assert.is(code, 51, `${argv.join(" ")}: ${stderr}`);
        assert.match(stderr, /the file has no seal/);
      }
      assert.is((await box.run(["decrypt", ...options, "sealed.yaml"])).code, 0);
      box.env.TSOPS_REQUIRE_SEAL = undefined;
    }
    assert.is((await box.run(["encrypt", "--check", "a.yaml"])).code, 1);
    // the way back
    const again = await box.run(["rotate", "-i", "--require-seal=false", "a.yaml"]);
    assert.is(again.code, 0, again.stderr);
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 0);
  }));

test("finding 4: a first seal and one that is lost are said", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    box.write("plain.yaml", PLAIN["a.yaml"]!);
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    box.write("a.yaml", withoutSeal(sealed));
    const first = await box.run(["set", "a.yaml", '["x"]', '"1"']);
    assert.is(first.code, 0, first.stderr);
    assert.match(first.stderr, /a\.yaml gets a first seal/);
    const second = await box.run(["set", "a.yaml", '["x"]', '"2"']);
    assert.is(second.stderr, "");
    box.write(".sopsrc", `{rules: [{recipients: ["age:${RECIPIENT}"]}], seal: false}`);
    const lost = await box.run(["set", "--config", ".sopsrc", "a.yaml", '["x"]', '"3"']);
    assert.is(lost.code, 0, lost.stderr);
    assert.match(lost.stderr, /a\.yaml loses its seal: .*\.sopsrc says seal: false/);
    assert.not.match(box.read("a.yaml"), /seal:/);
  }));

test("finding 4: a file whose version in git was sealed is not sealed anew in silence", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
        cwd: box.folder,
        env: { PATH: box.env.PATH, HOME: box.home },
        stdio: "pipe",
      });
    git("init", "-q");
    for (const name of ["a.yaml", "a.json", "a.env", "a.ini"]) {
      box.write(name, PLAIN[name]!);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    }
    git("add", ".");
    git("commit", "-qm", "secrets");
    for (const name of ["a.yaml", "a.json", "a.env", "a.ini"]) {
      const plain = (await box.run(["decrypt", name])).stdout;
      box.write(name, plain);
      // what SOPS would write
      box.write("no.sopsrc", `{rules: [{recipients: ["age:${RECIPIENT}"]}], seal: false}`);
      assert.is((await box.run(["encrypt", "-i", "--config", "no.sopsrc", name])).code, 0);
      for (const staged of [false, true]) {
        if (staged) {
          git("add", ".");
          git("commit", "-qm", "stripped");
        }
        const { code, stderr } = await box.run(["set", name, KEY(name), '"n3w"']);
        assert.is(code, 0, stderr);
        assert.match(stderr, /a version of it in git had a seal.*gets no seal without --yes/);
        assert.not.match(box.read(name), /seal["= :]+v/);
      }
      const yes = await box.run(["set", "--yes", name, KEY(name), '"n3w"']);
      assert.match(yes.stderr, /gets a first seal/);
    }
  }));

test("finding 4: what a checkout brings along does not hide that a version in git had a seal", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
        cwd: box.folder,
        env: { PATH: box.env.PATH, HOME: box.home },
        stdio: "pipe",
      });
    const commit = (what: string) => {
      git("add", ".");
      git("commit", "-q", "--allow-empty", "-m", what);
    };
    const notSealed = async (name: string, how: string) => {
      const { code, stderr } = await box.run(["set", name, '["token"]', '"n3w"']);
      assert.is(code, 0, stderr);
      assert.match(stderr, /a version of it in git had a seal.*gets no seal without --yes/, how);
    };
    git("init", "-q", "-b", "main");
    box.write("s/a.yaml", PLAIN["a.yaml"]!);
    assert.is((await box.run(["encrypt", "-i", "s/a.yaml"])).code, 0);
    const sealed = box.read("s/a.yaml");
    const stripped = sealed.replace(/ +tsops:\n +seal: .*\n/, "");
    assert.not.match(stripped, /seal/);

    // a seal that only a merge brought, and only a merge took away
    for (const [branch, before, after] of [
      ["first", stripped, sealed],
      ["second", sealed, stripped],
    ] as const) {
      box.write("s/a.yaml", before);
      commit(`${branch} begins`);
      git("checkout", "-qb", branch);
      box.write(`on-${branch}`, "");
      commit(branch);
      git("checkout", "-q", "main");
      box.write(`beside-${branch}`, "");
      commit("main goes on");
      git("merge", "-q", "--no-commit", branch);
      box.write("s/a.yaml", after);
      commit("merge");
    }
    await notSealed("s/a.yaml", "merges");

    box.write(".gitattributes", "*.yaml binary\n");
    box.write("s/a.yaml", stripped);
    commit("stripped");
    await notSealed("s/a.yaml", "attributes");

    // links: the file's own place counts, and that of the link
    symlinkSync("s", box.path("link"));
    await notSealed("link/a.yaml", "a link to the folder");
    symlinkSync("a.yaml", box.path("s/other.yaml"));
    await notSealed("s/other.yaml", "a link to the file");
    box.write("s/moved.yaml", stripped);
    rmSync(box.path("s/a.yaml"));
    symlinkSync("moved.yaml", box.path("s/a.yaml"));
    commit("a link in its place");
    await notSealed("s/a.yaml", "a link in the place of the file");

    rmSync(box.path("s/a.yaml"));
    box.write("s/a.yaml", stripped);
    // what git calls a bare repository needs no more than this
    box.write("s/HEAD", "ref: refs/heads/main\n");
    box.write("s/config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n");
    box.write("s/objects/.keep", "");
    box.write("s/refs/.keep", "");
    await notSealed("s/a.yaml", "a repository among the files");

    box.write("s/a.yaml", stripped);
    box.env.GIT_DIR = ".git";
    await notSealed("s/a.yaml", "in a hook");
  }));

test("finding 4: --ignore-mac does not bless a file whose seal is broken", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box);
    box.write("plain.yaml", "admins_unencrypted: [alice, bob]\nblocked_unencrypted: [mallory]\npw: x\n");
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    box.write(
      "a.yaml",
      sealed.replace("bob]\nblocked_unencrypted: [mallory]", "bob, mallory]\nblocked_unencrypted: []"),
    );
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 51);
    const set = await box.run(["set", "--ignore-mac", "a.yaml", '["pw"]', '"y"']);
    assert.is(set.code, 0, set.stderr);
    assert.match(set.stderr, /its seal was not checked: it gets no seal without --yes/);
    assert.not.match(box.read("a.yaml"), /seal:/);
  }));

test("finding 18: a configuration beside the file does not vouch for its recipients", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    rule(box, "", `${RECIPIENT},${OTHER_RECIPIENT}`);
    box.write("plain.yaml", PLAIN["a.yaml"]!);
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    const handed = box.write("../handed/a.yaml", withoutSeal(sealed));
    box.write("../handed/.sops.yaml", box.read(".sops.yaml"));
    execFileSync("rm", [box.path(".sops.yaml")]);
    const { code, stderr } = await box.run(["rotate", "-i", handed]);
    assert.is(code, 0, stderr);
    assert.match(stderr, /neither a seal nor a creation rule vouches/);
    assert.not.match(box.read("../handed/a.yaml"), /seal:/);
  }));

const identities = async () => {
  const { readFileSync } = await import("node:fs");
  return [readFileSync(IDENTITY_FILE, "utf8").match(/AGE-SECRET-KEY-1\w+/)![0]];
};

async function failureOf(work: () => unknown): Promise<TsopsError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  return assert.unreachable("it must fail") as never;
}

const codeOf = async (work: () => unknown): Promise<string> => (await failureOf(work)).code;

test("findings 1, 2, 4: the library compares with the rule, and can require a seal", () =>
  inSandbox(async (box) => {
    const options = { identities: await identities() };
    const keys = { age: [RECIPIENT] };
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const make = async (more: object) =>
      box.write("a.yaml", await encrypt(PLAIN["a.yaml"]!, { format: "yaml", keys, ...more }));
    const path = await make({});
    const good = await open(path, options);
    good.set(["x"], "1");
    await good.save();
    good.close();
    const cases: readonly [object, string][] = [
      [{ keys: { age: [RECIPIENT, OTHER_RECIPIENT] } }, "recipients-changed"],
      [{ selector: { kind: "encrypted_suffix", value: "_enc" } }, "selectors-changed"],
    ];
    for (const [more, code] of cases) {
      await make(more);
      const document = await open(path, options);
      assert.is(document.get(["port"]), 80);
      assert.is(await codeOf(() => document.set(["x"], "1")), code);
      const next = code === "selectors-changed" ? "updatekeys --update-selector," : "updatekeys,";
      assert.match((await failureOf(() => document.set(["x"], "1"))).hint!, next);
      assert.is(await codeOf(() => document.unset(["port"])), code);
      assert.is(await codeOf(() => document.setText("a: b\n")), code);
      document.close();
      const accepting = await open(path, { ...options, acceptDrift: true });
      accepting.set(["x"], "1");
      accepting.close();
      const plain = box.write("plain.yaml", "a: b\n");
      const update = box.read("a.yaml");
      assert.is(await codeOf(() => encryptFile(plain, { ...options, update })), code);
      // without a rule, what the caller says has to be so
      const given = { ...options, format: "yaml" as const, update, keys, selector: DEFAULT };
      assert.is(await codeOf(() => encrypt("a: b\n", given)), code);
    }
    await make({ seal: false });
    const missing = await failureOf(() => open(path, { ...options, requireSeal: true }));
    assert.is(missing.code, "seal-missing");
    assert.match(missing.hint!, "git's history");
  }));

const DEFAULT = { kind: "unencrypted_suffix", value: "_unencrypted" } as const;

test.run();
