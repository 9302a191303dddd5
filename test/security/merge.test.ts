import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { inRepository } from "../support/merge/repository.ts";

/**
 * Somebody who can push a branch, and has no key: a merge gives what they changed neither a MAC nor a seal that it did not
 * have, and nobody a secret.
 */

const BASE =
  "a: SECRETa\nb: SECRETb\nl:\n  - SECRETx\n  - SECRETy\np_unencrypted: plain\nq_unencrypted: plain2\n";
const OURS = BASE.replace("SECRETb", "SECRETb1");

type Change = (text: string, box: Sandbox) => string | Promise<string>;

const stripped = (text: string): string => text.replace(/^ +seal: .*\n/m, "").replace(/^ +tsops:\n/m, "");
const lineOf = (text: string, start: string): string => text.split("\n").find((l) => l.startsWith(start))!;
const swapped = (text: string, x: string, y: string): string =>
  text.replace(x, "@@").replace(y, x).replace("@@", y);

/** What they can do to a file that is not detected as a plaintext: each of them breaks it, and nothing is merged. */
const BROKEN: Readonly<Record<string, Change>> = {
  "the MAC is gone": (text) => stripped(text).replace(/^ +mac: .*\n/m, ""),
  "the MAC is empty": (text) => stripped(text).replace(/^( +mac: ).*\n/m, '$1""\n'),
  "another MAC": (text) => stripped(text).replace(/(mac: ENC\[AES256_GCM,data:)..../, "$1AAAA"),
  "the MAC of another version": (text, box) =>
    stripped(text).replace(lineOf(text, "    mac: "), lineOf(box.read("ours.yaml"), "    mac: ")),
  mac_only_encrypted: (text) =>
    stripped(text).replace(/unencrypted_suffix: .*/, "$&\n    mac_only_encrypted: true"),
  "two entries swapped": (text) =>
    swapped(stripped(text), lineOf(text, "a: ").slice(3), lineOf(text, "b: ").slice(3)),
  "two items swapped": (text) => {
    const [x = "", y = ""] = [...text.matchAll(/^ +- (ENC.*)$/gm)].map(([, cipher]) => cipher!);
    return swapped(stripped(text), x, y);
  },
  "a ciphertext of another version": (text, box) =>
    stripped(text).replace(lineOf(text, "b: "), lineOf(box.read("older.yaml"), "b: ")),
  "plaintext for a ciphertext": (text) => stripped(text).replace(lineOf(text, "a: "), "a: EVIL"),
  "a new value in plaintext": (text) => `EVIL: EVIL\n${stripped(text)}`,
  "a selector for that": (text) =>
    `EVIL: EVIL\n${stripped(text)}`.replace(/unencrypted_suffix: .*/, "encrypted_regex: ^(a|b|l)$"),
  "another plain value": (text) => stripped(text).replace("plain2", "EVIL"),
  "the seal of another version": (text, box) =>
    text.replace(lineOf(text, "        seal: "), lineOf(box.read("ours.yaml"), "        seal: ")),
  "a recipient, under the seal": (text) => text.replace(RECIPIENT, OTHER_RECIPIENT),
  "forged conflicts": (text) => text.replace(/^( +)seal: /m, "$1conflicts: EVIL\n$&"),
  "forged conflicts instead of the seal": (text) => text.replace(/^( +)seal: .*/m, "$1conflicts: EVIL"),
  "ciphertexts without metadata": (text) => text.slice(0, text.indexOf("sops:")),
  "metadata that cannot be read": (text) => text.replace(/^ +lastmodified: .*\n/m, ""),
  "a key twice": (text) => stripped(text).replace("p_unencrypted: plain\n", "$&p_unencrypted: EVIL\n"),
};

/** What no MAC covers: without its seal the file stays readable. */
const UNCOVERED: Readonly<Record<string, Change>> = {
  "the seal is gone": (text) => text,
  "a plain name": (text) => text.replace("p_unencrypted", "r_unencrypted"),
  "the border between plain values": (text) =>
    text.replace(": plain\n", ": plainp\n").replace(": plain2\n", ": lain2\n"),
  "an empty value": (text) => `EVIL: ""\n${text}`,
  "a comment": (text) => `# EVIL\n${text}`,
  "a tag": (text) => text.replace(": plain\n", ": !include plain\n"),
  "fields for other programs": (text) => text.replace("sops:\n", "sops:\n    other:\n        - id: EVIL\n"),
};

/** Three versions with one data key: what was before base, base, and ours. Theirs is what they made of base. */
async function versions(box: Sandbox, change: Change): Promise<void> {
  const older = BASE.replace("SECRETb", "SECRETb0");
  box.write("plain.yaml", older);
  box.write("older.yaml", (await box.run(["encrypt", "plain.yaml"])).stdout);
  for (const [name, from, plain] of [
    ["base.yaml", "older.yaml", BASE],
    ["ours.yaml", "base.yaml", OURS],
  ] as const) {
    box.write("plain.yaml", plain);
    const { code, stdout, stderr } = await box.run(["encrypt", "--update", from, "plain.yaml"]);
    assert.is(code, 0, stderr);
    box.write(name, stdout);
  }
  const base = box.read("base.yaml");
  const theirs = await change(base, box);
  box.write("theirs.yaml", theirs);
}

const merge = (box: Sandbox) => box.run(["git", "merge", "base.yaml", "ours.yaml", "theirs.yaml"]);

/** With a creation rule that has the recipient, and without one. */
const RULES = [undefined, `creation_rules:\n  - age: ${RECIPIENT}\n`] as const;

for (const [what, change] of Object.entries(BROKEN)) {
  test(`theirs is broken: ${what}`, async () => {
    for (const rule of RULES) {
      await inSandbox(async (box) => {
        if (rule) box.write(".sops.yaml", rule);
        await versions(box, change);
        assert.is.not(box.read("theirs.yaml"), box.read("base.yaml"));
        const { code, stderr } = await merge(box);
        assert.is(code, 1, stderr);
        assert.match(stderr, "could not be merged");
        // nothing that anybody could take for a merged file
        assert.match(box.read("ours.yaml"), /^<<<<<<< /m);
        const opened = await box.run(["decrypt", "ours.yaml"]);
        assert.is.not(opened.code, 0);
        assert.not.match(stderr + opened.stderr, /SECRET/);
      });
    }
  });
}

for (const [what, change] of Object.entries(UNCOVERED)) {
  test(`theirs lost the seal that base had: ${what}`, async () => {
    for (const rule of RULES) {
      await inSandbox(async (box) => {
        if (rule) box.write(".sops.yaml", rule);
        await versions(box, (text) => change(stripped(text), box));
        const { code, stderr } = await merge(box);
        assert.is(code, 1, "git does not commit it by itself");
        assert.match(stderr, "theirs has no seal, so the merged file gets none");
        assert.match(stderr, "so the merge stops here");
        const merged = box.read("ours.yaml");
        assert.not.match(merged, /seal:|other:/);
        assert.not.match(merged, /<<<</);
        assert.match((await box.run(["decrypt", "ours.yaml"])).stdout, "b: SECRETb1\n");
      });
    }
  });
}

test("a selector that was weakened in a file without its seal is in conflict, and ours stays", async () => {
  for (const rule of RULES) {
    await inSandbox(async (box) => {
      if (rule) box.write(".sops.yaml", rule);
      await versions(box, (text) =>
        stripped(text).replace(/unencrypted_suffix: .*/, "encrypted_regex: ^(a|b|l)$"),
      );
      const { code, stderr } = await merge(box);
      assert.is(code, 1);
      assert.match(stderr, /^ {2}selector$/m);
      assert.not.match(box.read("ours.yaml"), /encrypted_regex/);
      assert.match(box.read("ours.yaml"), /unencrypted_suffix: _unencrypted/);
      // not even for who ends all conflicts with theirs
      assert.is((await box.run(["git", "resolve", "--theirs", "ours.yaml"])).code, 0);
      assert.not.match(box.read("ours.yaml"), /encrypted_regex/);
    });
  }
});

test("a version without a seal, ours or theirs, makes no sealed file, and that is said", async () => {
  for (const side of ["ours", "theirs"] as const) {
    await inSandbox(async (box) => {
      await versions(box, (text) => text);
      for (const name of ["base.yaml", `${side}.yaml`]) box.write(name, stripped(box.read(name)));
      const { code, stderr } = await merge(box);
      assert.is(code, 0, "base had none, so nobody took it away");
      assert.match(stderr, `${side} has no seal, so the merged file gets none`);
      assert.not.match(box.read("ours.yaml"), /seal:/);
    });
  }
  await inSandbox(async (box) => {
    await versions(box, (text) => text);
    box.write(".sopsrc", "{seal: false}");
    const { code, stderr } = await merge(box);
    assert.is(code, 0, stderr);
    assert.match(stderr, "loses its seal");
    assert.not.match(box.read("ours.yaml"), /seal:/);
  });
});

/** A file with a data key of their own, for the same recipients: that needs public keys only. */
async function strangersFile(box: Sandbox, plain: string, recipients: string): Promise<string> {
  box.write("made.yaml", plain);
  const { code, stdout, stderr } = await box.run(["encrypt", "--age", recipients, "made.yaml"]);
  assert.is(code, 0, stderr);
  return stdout;
}

const wrappedKeys = (text: string): string[] =>
  [...text.matchAll(/BEGIN AGE ENCRYPTED FILE-----\s+([\s\S]*?)\s+-----END/g)].map(([, wrapped]) => wrapped!);

test("a data key that came with theirs does not get what ours added", async () => {
  for (const rule of RULES) {
    await inSandbox(async (box) => {
      if (rule) box.write(".sops.yaml", rule);
      // they know none of the secrets, so theirs has other ones
      await versions(box, (_, made) => strangersFile(made, "e: EVIL\n", RECIPIENT));
      box.write("plain.yaml", `${BASE}new: SECRETnew\n`);
      box.write("ours.yaml", (await box.run(["encrypt", "--update", "base.yaml", "plain.yaml"])).stdout);
      const before = [...wrappedKeys(box.read("theirs.yaml")), ...wrappedKeys(box.read("base.yaml"))];
      const { code, stderr } = await merge(box);
      assert.is(code, 0, stderr);
      assert.match(stderr, "gets a new data key: theirs has one of its own");
      assert.match(stderr, "see what it changed");
      const merged = box.read("ours.yaml");
      assert.is(wrappedKeys(merged).length, 1);
      for (const wrapped of before) assert.not.ok(merged.includes(wrapped));
      assert.match((await box.run(["decrypt", "ours.yaml"])).stdout, "new: SECRETnew");
    });
  }
});

test("nor does it bring a recipient, with a seal that they made", async () => {
  for (const rule of RULES) {
    await inSandbox(async (box) => {
      if (rule) box.write(".sops.yaml", rule);
      await versions(box, (_, made) => strangersFile(made, BASE, `${RECIPIENT},${OTHER_RECIPIENT}`));
      const { code, stderr } = await merge(box);
      assert.is(code, 1, stderr);
      assert.match(stderr, /^ {2}recipients$/m);
      assert.is(box.read("ours.yaml").split(OTHER_RECIPIENT).length, 1);
      assert.is(wrappedKeys(box.read("ours.yaml")).length, 1);
    });
  }
});

test("what they wrapped for a recipient does not take the place of what opens ours", async () => {
  const rule = `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`;
  await inSandbox(async (box) => {
    await versions(box, (text) => text);
    box.write(".sops.yaml", rule);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const [good = ""] = wrappedKeys(box.read("ours.yaml"));
    // the rule has a second recipient, so theirs may have it; what is wrapped is not sealed
    box.write("theirs.yaml", box.read("base.yaml"));
    assert.is((await box.run(["updatekeys", "-y", "theirs.yaml"])).code, 0);
    const sealed = box.read("theirs.yaml");
    const [first = "", second = ""] = wrappedKeys(sealed);
    const junk = (text: string) => text.replace(first, first.replace(/^..../, "EVIL"));
    for (const [theirs, kept] of [
      [junk(sealed), true],
      [stripped(junk(sealed).replace(second, second.replace(/^..../, "EVIL"))), false],
    ] as const) {
      box.write("ours.yaml", box.read("base.yaml"));
      assert.is((await box.run(["set", "-y", "ours.yaml", '["b"]', '"SECRETb1"'])).code, 0);
      box.write("theirs.yaml", theirs);
      const { stderr } = await merge(box);
      const merged = wrappedKeys(box.read("ours.yaml"));
      assert.is(merged.length, 2, stderr);
      assert.is(merged[0], good);
      assert.is(merged[1] === second, kept, "somebody with the key added it, or it is wrapped anew");
      assert.not.match(box.read("ours.yaml"), /EVIL/);
    }
  });
});

test("who is no recipient any more does not come back with a branch of before, nor brings somebody", async () => {
  const THIRD = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";
  for (const rule of RULES) {
    for (const brings of [false, true]) {
      await inSandbox(async (box) => {
        box.env.SOPS_AGE_RECIPIENTS = `${RECIPIENT},${OTHER_RECIPIENT}`;
        await versions(box, (text) => text);
        const removed = await box.run(["rotate", "-i", "--rm-age", OTHER_RECIPIENT, "ours.yaml"]);
        assert.is(removed.code, 0, removed.stderr);
        const before = wrappedKeys(box.read("ours.yaml"));
        // they still have the data key of base, so theirs has a seal that holds
        box.env.SOPS_AGE_RECIPIENTS = undefined;
        box.write("theirs.yaml", box.read("base.yaml"));
        if (brings) {
          box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT},${THIRD}\n`);
          assert.is((await box.run(["updatekeys", "-y", "theirs.yaml"])).code, 0);
          assert.match(box.read("theirs.yaml"), THIRD);
        }
        box.write(".sops.yaml", rule ?? "creation_rules: []\n");
        const { code, stderr } = await merge(box);
        assert.is(code, brings ? 1 : 0, stderr);
        if (brings) assert.match(stderr, /^ {2}recipients$/m);
        const merged = box.read("ours.yaml");
        assert.equal(wrappedKeys(merged), before);
        assert.not.ok(merged.includes(OTHER_RECIPIENT) || merged.includes(THIRD));
        assert.match((await box.run(["decrypt", "ours.yaml"])).stdout, "b: SECRETb1\n");
      });
    }
  }
});

test("with git: a branch whose seal is gone stops a merge, a rebase and a cherry-pick", async () => {
  for (const way of [["merge"], ["rebase"], ["cherry-pick"]]) {
    await inRepository(async (repo) => {
      await repo.save("s.yaml", BASE);
      repo.git("checkout", "-q", "-b", "side");
      repo.box.write("s.yaml", stripped(repo.box.read("s.yaml")).replace("p_unencrypted", "r_unencrypted"));
      repo.git("commit", "-qam", "evil");
      repo.git("checkout", "-q", "main");
      await repo.save("s.yaml", OURS);
      if (way[0] === "rebase") repo.git("checkout", "-q", "side");
      const { code, stderr } = repo.try(...way, way[0] === "rebase" ? "main" : "side");
      assert.is(code, 1, stderr);
      assert.match(stderr, "git diff HEAD -- s.yaml");
      assert.match(repo.git("status", "--short"), "UU s.yaml");
      assert.match(repo.git("diff", "HEAD", "--", "s.yaml"), /^[+-]r_unencrypted/m);
      // nobody takes that for the end of it
      const taken = await repo.box.run(["git", "resolve", "--ours", "s.yaml"]);
      assert.match(taken.stderr, "to take ours as a whole: git checkout --ours s.yaml");
      // and the next write does not give it a seal
      await repo.tsops("set", "s.yaml", '["a"]', '"SECRETn"');
      assert.not.match(repo.box.read("s.yaml"), /seal:/);
      assert.equal(repo.leaks("SECRET"), []);
    });
  }
});

test.run();
