import { existsSync, rmSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decrypted, inPane, opened, PLAIN, TSOPS, terminal, to } from "../../support/ui/editor.ts";

/** What the real program does with several files, and with what others do to a file. */

const OTHER_KEY = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";

terminal("ui: the files with their marks; one is searched, edited and saved, and the list comes back", () =>
  inPane(async (pane, box) => {
    const { SOPS_AGE_RECIPIENTS: recipient } = box.env;
    box.write("config/.keep", "");
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: \\.enc\\.yaml$\n    age: ${recipient}\n`);
    box.write("config/app.enc.yaml", box.read("secrets.yaml"));
    box.write("config/open.enc.yaml", "a: 1\n");
    const before = box.env.SOPS_AGE_RECIPIENTS;
    box.env = { ...box.env, SOPS_AGE_RECIPIENTS: OTHER_KEY };
    box.write("their.txt", PLAIN);
    const theirs = await box.run([
      "encrypt",
      "--input-type",
      "yaml",
      "--output-type",
      "yaml",
      "--config",
      "/dev/null",
      "their.txt",
    ]);
    box.env = { ...box.env, SOPS_AGE_RECIPIENTS: before };
    box.write("config/their.enc.yaml", theirs.stdout);
    pane.run(`unset SOPS_AGE_RECIPIENTS; ${TSOPS} ui; echo "exit code $?"`);
    const list = await pane.until(/open:/);
    assert.match(list, /config\/app\.enc\.yaml .*secret/);
    assert.match(list, /config\/open\.enc\.yaml .*PLAIN!/);
    assert.match(list, /config\/their\.enc\.yaml .*no key/);
    pane.type("their");
    await pane.until(/no key of this machine opens it/);
    pane.keys("Escape");
    await pane.until(/4 of 4/);
    pane.type("open").keys("Enter");
    await pane.until(/it is not encrypted: tsops encrypt -i encrypts it/);
    pane.keys("Escape");
    await pane.until(/4 of 4/);
    pane.type("app").keys("Enter");
    await pane.until(/Enter edit/);
    await to(pane, "password");
    pane.type("d");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    pane.type("q");
    await pane.until(/open:/);
    pane.keys("C-c");
    await pane.until(/exit code 0/);
    assert.is(await decrypted(box, "config/app.enc.yaml"), PLAIN.replace("  password: s3cret-marker\n", ""));
  }),
);

terminal("ui in lines", () =>
  inPane(async (pane) => {
    pane.run(`${TSOPS} ui --linear; echo "exit code $?"`);
    await pane.until(/files in \./);
    await pane.until(/^secrets\.yaml, encrypted, \d of \d/m);
    pane.type("secr");
    await pane.until(/1 with secr\nsecrets\.yaml/);
    pane.keys("Enter");
    await pane.until(/decrypted: \d+ entries/);
    pane.type("q");
    await pane.until(/files in \.[\s\S]*files in \./);
    pane.keys("C-c");
    await pane.until(/exit code 0/);
  }),
);

terminal(
  "somebody else lets less be encrypted meanwhile: it is said and shown before anything is written",
  () =>
    inPane(async (pane, box) => {
      await opened(pane);
      await to(pane, "user");
      pane.keys("Enter");
      await pane.until(/user \(text\)/);
      pane.keys("C-u").type("mine").keys("Enter");
      await pane.until(/changed, not saved/);
      const made = await box.run(["encrypt", "--encrypted-regex", "^password$", "plain.yaml"]);
      box.write("secrets.yaml", made.stdout);
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/what is encrypted is decided otherwise now: encrypted_regex: \^password\$/);
      assert.is(box.read("secrets.yaml"), made.stdout);
      pane.keys("Escape");
      await to(pane, "user");
      await pane.until(/plain \(encrypted_regex: \^password\$\)/);
    }),
);

terminal(
  "both changed the same value: the conflict is shown and decided, and nothing is written before",
  () =>
    inPane(async (pane, box) => {
      await opened(pane);
      await to(pane, "password");
      pane.keys("Enter");
      await pane.until(/password \(text\)/);
      pane.keys("C-u").type("mine").keys("Enter");
      await pane.until(/changed, not saved/);
      await box.run(["set", "secrets.yaml", '["db"]["password"]', '"theirs"']);
      await box.run(["set", "secrets.yaml", '["list"][1]', '"also theirs"']);
      const theirs = box.read("secrets.yaml");
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/in the same places/);
      assert.is(box.read("secrets.yaml"), theirs);
      const screen = await pane.until(/base +ours +theirs/);
      assert.not.match(screen, /mine|s3cret/);
      pane.type("v");
      await pane.until(/s3cret-marker +mine +theirs/);
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      pane.type("s");
      await pane.until(/1 conflict is not decided yet/);
      pane.type("C");
      await pane.until(/base +ours +theirs/);
      pane.type("t");
      await pane.until(/all conflicts are decided/);
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      pane.type("s");
      await pane.until(/Save/);
      pane.keys("Enter");
      await pane.until(/^ saved|nothing has changed/m);
      assert.is(
        await decrypted(box),
        PLAIN.replace("s3cret-marker", "theirs").replace("- two", "- also theirs"),
      );
    }),
);

terminal("keys of a file that is not as its rule says: the difference is shown, and only y goes on", () =>
  inPane(async (pane, box) => {
    const { SOPS_AGE_RECIPIENTS: recipient } = box.env;
    box.write(".sops.yaml", `creation_rules:\n  - age: ${recipient},${OTHER_KEY}\n`);
    const before = box.read("secrets.yaml");
    pane.run("unset SOPS_AGE_RECIPIENTS");
    await opened(pane);
    pane.type("w");
    await pane.until(/Who can open the file[\s\S]*differ|Who can open the file[\s\S]*rule/);
    pane.type("r");
    await pane.until(/Make a new data key/);
    pane.keys("Enter");
    await pane.until(/Not changed/);
    assert.is(box.read("secrets.yaml"), before);
    pane.keys("Escape");
    await pane.until(/Enter edit {2}a add/);
    pane.type("w");
    await pane.until(/Who can open the file/);
    pane.type("r");
    await pane.until(/Make a new data key/);
    pane.keys("Enter");
    await pane.until(/y do it all the same/);
    pane.type("y");
    await pane.until(/Who can open the file/);
    await pane.untilSo(() => box.read("secrets.yaml") !== before);
    assert.is(await decrypted(box), PLAIN);
    pane.type("u");
    await pane.until(/Give the file the keys of its creation rule/);
    pane.keys("Enter");
    await pane.until(/the file is as its creation rule has it/);
    assert.match(box.read("secrets.yaml"), new RegExp(OTHER_KEY));
    assert.is(await decrypted(box), PLAIN);
  }),
);

terminal(
  "keys of a file that somebody else changed meanwhile: what they changed stays when one saves later",
  () =>
    inPane(async (pane, box) => {
      await opened(pane);
      await box.run(["set", "secrets.yaml", '["list"][1]', '"theirs"']);
      pane.type("w");
      await pane.until(/Who can open the file/);
      pane.type("r");
      await pane.until(/Make a new data key/);
      pane.keys("Enter");
      await pane.until(/changed by somebody else meanwhile: it is shown as it is now/);
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      assert.not.match(pane.screen, /changed, not saved/);
      await to(pane, "password");
      pane.keys("Enter");
      await pane.until(/password \(text\)/);
      pane.keys("C-u").type("mine").keys("Enter");
      await pane.until(/changed, not saved/);
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      assert.is(await decrypted(box), PLAIN.replace("s3cret-marker", "mine").replace("- two", "- theirs"));
    }),
);

terminal("the file is gone when it is to be saved: it is written again only if one says so", () =>
  inPane(async (pane, box) => {
    await opened(pane);
    await to(pane, "password");
    pane.type("d");
    await pane.until(/changed, not saved/);
    rmSync(box.path("secrets.yaml"));
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/not there any more: somebody deleted or renamed it[\s\S]*y write it again/);
    assert.is(existsSync(box.path("secrets.yaml")), false);
    pane.keys("Escape");
    await pane.until(/Enter edit {2}a add/);
    // somebody is faster: theirs stays
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/y write it again/);
    box.write("secrets.yaml", "theirs: 1\n");
    pane.type("y");
    await pane.until(/the file exists already/);
    assert.is(box.read("secrets.yaml"), "theirs: 1\n");
    rmSync(box.path("secrets.yaml"));
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/y write it again/);
    pane.type("y");
    await pane.until(/^ saved/m);
    assert.is(await decrypted(box), PLAIN.replace("  password: s3cret-marker\n", ""));
    pane.type("u").type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    assert.is(await decrypted(box), PLAIN);
  }),
);

terminal("a window that is closed ends the editor, and the file is as it was", () =>
  inPane(async (pane, box) => {
    const before = box.read("secrets.yaml");
    await opened(pane, "edit --tui secrets.yaml & echo $! > pid; fg");
    await to(pane, "password");
    pane.type("d");
    await pane.until(/changed, not saved/);
    const pid = Number(box.read("pid"));
    pane.close();
    await pane.untilSo(() => !runs(pid));
    assert.is(box.read("secrets.yaml"), before);
  }),
);

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

terminal("a file that no key here opens: the keys are shown, and why it stays closed", () =>
  inPane(async (pane) => {
    pane.run(`unset SOPS_AGE_KEY_FILE; ${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`);
    const screen = await pane.until(/password[\s\S]*(no identity|identit)/);
    assert.match(screen, /locked/);
    assert.match(screen, /Enter unlock/);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.is(pane.isAlternate, false);
  }),
);

terminal("a file that is not encrypted is refused with what to do, and the terminal is as it was", () =>
  inPane(async (pane) => {
    pane.run(`${TSOPS} edit --tui plain.yaml; echo "exit code $?"`);
    const screen = await pane.until(/exit code [1-9]/);
    assert.match(screen, /not encrypted|metadata/);
    assert.is(pane.isAlternate, false);
  }),
);

terminal("names, keys, values and comments with escape sequences are shown as text", () =>
  inPane(async (pane, box) => {
    const name = "odd\x1b]0;owned\x07.yaml";
    box.write("odd.yaml", '"k\\e[31mey\\u202e": "v\\e]52;c;b3duZWQ=\\avalue"\n# comment \u2066 here\nb: 1\n');
    const made = await box.run(["encrypt", "odd.yaml"]);
    box.write(name, made.stdout);
    pane.run(`${TSOPS} edit --tui odd*owned*; echo "exit code $?"`);
    // a terminal may have drawn a part of the screen
    const screen = await pane.until(/odd␛\]0;owned[\s\S]*comment [\s\S]*Enter edit/);
    assert.match(screen, /k␛\[31mey<U\+202E>/);
    pane.type("v");
    assert.match(await pane.until(/v␛\]52/), /b3duZWQ=␇value/);
    assert.match(screen, /comment <U\+2066> here/);
    assert.not.match(pane.title, /owned/);
    assert.not.match(pane.clipboard, /owned/);
  }),
);

terminal("a very small window says so, and a larger one shows everything again", () =>
  inPane(async (pane) => {
    await opened(pane);
    pane.resize(20, 5);
    await pane.until(/too small/);
    pane.type("j");
    pane.resize(80, 24);
    await pane.until(/Enter edit[\s\S]*$/);
    await pane.until(/^>.*db/m);
  }),
);

terminal("a megabyte is pasted into a value, and saved", () =>
  inPane(async (pane, box) => {
    await opened(pane);
    await to(pane, "password");
    pane.keys("Enter");
    await pane.until(/password \(text\)/);
    const line = "0123456789abcdef".repeat(8);
    const text = `${line}\n`.repeat(8000);
    box.write("large", text);
    pane.keys("C-u").pasteFile(box.path("large"));
    await pane.until(new RegExp(`8000 lines, ${text.length} characters`));
    pane.keys("C-s");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    const { stdout } = await box.run(["decrypt", "--extract", '["db"]["password"]', "secrets.yaml"]);
    assert.is(stdout, text);
  }),
);

terminal("NO_COLOR: no colours, only bold and inverse", () =>
  inPane(async (pane) => {
    pane.run("export NO_COLOR=1");
    await opened(pane);
    await to(pane, "password");
    assert.not.match(pane.colours, /\x1b\[[\d;]*3[1-6]m/);
    assert.match(pane.colours, /\x1b\[[\d;]*7m/);
  }),
);

const FORMATS = {
  "a.json": ['{\r\n  "a": "secret-one",\r\n  "b": [1, 2]\r\n}\r\n', "a"],
  // a carriage return would be a part of the value, as SOPS reads it
  "a.env": ["A=secret-one\nB=2\n", "A"],
  "a.ini": ["[s]\r\na = secret-one\r\nb = 2\r\n", "a"],
  "a.toml": ['a = "secret-one"\r\n[t]\r\nb = 2\r\n', "a"],
  "a.bin": ["secret-one", "data"],
} as const;

for (const [name, [plain, key]] of Object.entries(FORMATS)) {
  terminal(`${name}: one value is changed and saved, and the rest stays to the byte`, () =>
    inPane(async (pane, box) => {
      box.write(name, plain);
      await box.run(["encrypt", "-i", name]);
      await opened(pane, `edit --tui ${name}`);
      if (name !== "a.bin") await to(pane, key);
      pane.keys("Enter");
      await pane.until(/secret-one/);
      pane.type("2").keys(name === "a.bin" ? "C-s" : "Enter");
      await pane.until(/changed, not saved/);
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      pane.type("q");
      await pane.until(/exit code 0/);
      assert.is(await decrypted(box, name), plain.replace("secret-one", "secret-one2"));
    }),
  );
}

terminal(
  "with --no-reveal no key shows a value: not in the document, history, conflicts, or before saving",
  () =>
    inPane(async (pane, box) => {
      await opened(pane, "edit --tui --no-reveal secrets.yaml");
      await to(pane, "password");
      pane.type("v");
      await pane.until(/values stay hidden/);
      pane.type("V");
      await pane.until(/values stay hidden/);
      pane.keys("Enter");
      await pane.until(/password \(text\): •+/);
      pane.keys("C-t").type("x").keys("Enter");
      await pane.until(/changed, not saved/);
      await box.run(["set", "secrets.yaml", '["db"]["password"]', '"theirs"']);
      pane.type("s");
      await pane.until(/1 change/);
      pane.type("v").keys("Enter");
      await pane.until(/in the same places/);
      pane.type("v").type("m");
      await pane.until(/all conflicts are decided/);
      assert.not.match(pane.screen, /marker|theirs"/);
      assert.not.match(pane.scrollback, /s3cret-marker/);
    }),
);

test.run();
