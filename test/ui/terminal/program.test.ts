import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../../support/cli.ts";
import { decrypted, inPane, opened, PLAIN, TSOPS, terminal, to } from "../../support/ui/editor.ts";
import { hasTmux, quoted } from "../../support/ui/pane.ts";

/** The real program in a real terminal, driven by keys. */

terminal("edit and save: one value changes, and no other ciphertext; the terminal is as it was", () =>
  inPane(async (pane, box) => {
    const before = box.read("secrets.yaml");
    await opened(pane);
    await to(pane, "password");
    pane.keys("Enter");
    await pane.until(/password \(text\): s3cret-marker/);
    pane.keys("C-u").type("n3w-marker é日本").keys("Enter");
    await pane.until(/changed, not saved/);
    pane.type("s");
    assert.match(await pane.until(/1 change\b/), /\["db"\]\["password"\]/);
    assert.is(box.read("secrets.yaml"), before, "nothing is written by the key that asks");
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.is(pane.isAlternate, false);
    assert.not.match(pane.scrollback, /marker|admin/);
    assert.not.match(pane.title, /marker|admin/);
    assert.is(await decrypted(box), PLAIN.replace("s3cret-marker", "n3w-marker é日本"));
    const ciphers = (text: string): string[] =>
      [...text.matchAll(/ENC\[[^\]]*\]/g)].map(([cipher]) => cipher);
    const kept = new Set(ciphers(box.read("secrets.yaml")));
    const gone = ciphers(before).filter((cipher) => !kept.has(cipher));
    // the password, the MAC, and the layout if there is one
    assert.ok(gone.length <= 3, String(gone.length));
  }),
);

terminal("what is typed before the first frame is not shown by the terminal, and counts", () =>
  inPane(async (pane) => {
    pane.type(`stty -echo; ${TSOPS} edit --tui secrets.yaml`).keys("Enter");
    // the program has the terminal as soon as it has the alternate screen
    while (!pane.isAlternate) await new Promise((resolve) => setTimeout(resolve, 10));
    pane.type("jj").keys("Down");
    const screen = await pane.until(/^>.*who/m);
    assert.not.match(screen, /jj|\^\[\[B/);
    assert.not.match(pane.scrollback, /jj|\^\[\[B/);
  }),
);

const PEM = `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}\n${"B".repeat(64)}\n-----END PRIVATE KEY-----\n`;

terminal("a PEM key is pasted as it is, and undone", () =>
  inPane(async (pane, box) => {
    await opened(pane);
    await to(pane, "password");
    pane.keys("Enter");
    await pane.until(/password \(text\)/);
    pane.keys("C-u").paste(PEM);
    await pane.until(new RegExp(`4 lines, ${PEM.length} characters`));
    pane.keys("C-s");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    const { stdout } = await box.run(["decrypt", "--extract", '["db"]["password"]', "secrets.yaml"]);
    assert.is(stdout, PEM);
    pane.type("u");
    await pane.until(/undone: change password/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.is(await decrypted(box), PLAIN);
  }),
);

terminal("a paste that does not end: Esc ends it, nothing of it is taken, and keys are keys again", () =>
  inPane(async (pane) => {
    await opened(pane);
    await to(pane, "password");
    pane.keys("Enter");
    await pane.until(/password \(text\)/);
    pane.sends("\x1b[200~half of it").keys("Escape");
    await pane.until(/the end of a paste did not come/);
    await pane.until(/password \(text\): s3cret-marker *$/m);
    pane.type("!");
    await pane.until(/s3cret-marker! *$/m);
  }),
);

terminal("resize: the screen is drawn anew", () =>
  inPane(async (pane) => {
    await opened(pane);
    await to(pane, "password");
    pane.resize(50, 12);
    await pane.until(/^>.*password.*secret\n/m);
    pane.resize(120, 40);
    await pane.until(/password {2}•+ {2}9–16 characters {40,}/);
    const screen = await pane.until(/Enter edit {2}a add.*\s*$/);
    assert.is(screen.trimEnd().split("\n").length, 40);
    assert.is(screen.match(/password/g)!.length, 2, "the row, and what is said of it");
  }),
);

terminal("Ctrl-Z goes back to the shell with its terminal in order, and fg comes back with the changes", () =>
  inPane(async (pane) => {
    await opened(pane);
    await to(pane, "password");
    pane.type("d");
    await pane.until(/changed, not saved/);
    pane.keys("C-z");
    await pane.until(/Stopped/);
    assert.not.match(pane.screen, /changed, not saved/);
    pane.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo | tr '\\n' +");
    await pane.until(/icanon\+echo\+/);
    pane.run("fg");
    await pane.until(/changed, not saved/);
    pane.type("u");
    await pane.until(/undone: delete password/);
    pane.type("q");
    await pane.until(/Enter edit|fg/);
    while (pane.isAlternate) await new Promise((resolve) => setTimeout(resolve, 50));
  }),
);

for (const signal of ["TERM", "HUP", "INT", "KILL"] as const) {
  terminal(`SIG${signal}: the file is as it was, and the terminal in order`, () =>
    inPane(async (pane, box) => {
      const before = box.read("secrets.yaml");
      await opened(pane, "edit --tui secrets.yaml & echo $! > pid; fg");
      await to(pane, "password");
      pane.type("d");
      await pane.until(/changed, not saved/);
      process.kill(Number(box.read("pid")), `SIG${signal}`);
      if (signal === "KILL") {
        // nobody can do anything then: the shell's own reset has to
        pane.run("reset");
      }
      await pane.until(/^\$ $|^\$$|exit code|Terminated|Hangup|Killed/m);
      if (signal !== "KILL") {
        assert.is(pane.isAlternate, false);
        pane.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo | tr '\\n' +");
        await pane.until(/icanon\+echo\+/);
      }
      assert.is(box.read("secrets.yaml"), before);
      assert.not.match(pane.scrollback, /marker/);
      assert.equal(readdirSync(box.folder).sort(), ["pid", "plain.yaml", "secrets.yaml"]);
    }),
  );
}

terminal(
  "a file that changed meanwhile is put together with the changes, which are shown before they are saved",
  () =>
    inPane(async (pane, box) => {
      await opened(pane);
      await to(pane, "password");
      pane.keys("Enter");
      await pane.until(/password \(text\)/);
      pane.type("2").keys("Enter");
      await pane.until(/changed, not saved/);
      await box.run(["set", "secrets.yaml", '["list"][0]', '"other"']);
      const theirs = box.read("secrets.yaml");
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/changed by somebody else meanwhile/);
      assert.is(box.read("secrets.yaml"), theirs);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      assert.is(
        await decrypted(box),
        PLAIN.replace("s3cret-marker", "s3cret-marker2").replace("- one", "- other"),
      );
    }),
);

for (const ends of ["LF", "CR LF"])
  terminal(`conflicts of a merge, checked out with ${ends}, are shown, and saved when they are decided`, () =>
    inPane(async (pane, box) => {
      const base = box.read("secrets.yaml");
      const side = async (value: string): Promise<string> => {
        box.write("secrets.yaml", base);
        await box.run(["set", "secrets.yaml", '["db"]["user"]', `"${value}"`]);
        return box.read("secrets.yaml");
      };
      box.write("theirs", await side("theirs"));
      box.write("secrets.yaml", await side("ours"));
      box.write("base", base);
      await box.run(["git", "merge", "base", "secrets.yaml", "theirs", "--path", "secrets.yaml"]);
      const merged = box.read("secrets.yaml");
      box.write("secrets.yaml", ends === "LF" ? merged : merged.replaceAll("\n", "\r\n"));
      pane.run(`${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`);
      await pane.until(/Conflicts/);
      pane.type("v");
      await pane.until(/admin +ours +theirs/);
      pane.type("t");
      await pane.until(/all conflicts are decided/);
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      pane.type("s");
      await pane.until(/Save/);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      // a second save writes the same line ends
      await to(pane, "password");
      pane.keys("Enter");
      await pane.until(/password \(text\)/);
      pane.type("2").keys("Enter");
      await pane.until(/changed, not saved/);
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      pane.type("q");
      await pane.until(/exit code 0/);
      const after = box.read("secrets.yaml");
      assert.not.match(after, /conflicts/);
      assert.is(/^.*(?<!\r)\n/m.test(after), ends === "LF");
      assert.is(/\r\n/.test(after), ends !== "LF");
      // as git stores it
      box.write("secrets.yaml", after.replaceAll("\r\n", "\n"));
      const saved = PLAIN.replace("admin", "theirs").replace("s3cret-marker", "s3cret-marker2");
      assert.is(await decrypted(box), saved);
    }),
  );

terminal(
  "a merge whose sides let in different people: the editor shows who, ours stays, and it is said",
  () =>
    inPane(async (pane, box) => {
      const base = box.read("secrets.yaml");
      box.write("base", base);
      await box.run(["rotate", "-i", "--add-age", OTHER_RECIPIENT, "secrets.yaml"]);
      await box.run(["set", "secrets.yaml", '["db"]["user"]', '"theirs"']);
      box.write("theirs", box.read("secrets.yaml"));
      box.write("secrets.yaml", base);
      await box.run(["set", "secrets.yaml", '["db"]["user"]', '"ours"']);
      const merge = await box.run([
        "git",
        "merge",
        "base",
        "secrets.yaml",
        "theirs",
        "--path",
        "secrets.yaml",
      ]);
      assert.match(merge.stderr, /recipients/);
      const before = box.read("secrets.yaml");
      pane.run(`${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`);
      await pane.until(/Conflicts/);
      pane.type("j");
      await pane.until(/yes +yes +yes +age/);
      const start = OTHER_RECIPIENT.slice(0, 40);
      await pane.until(new RegExp(`- +- +yes +age ${start}`));
      pane.type("t");
      await pane.until(/a merge alone lets nobody in/);
      pane.type("o");
      await pane.until(/its recipients stay as ours has them/);
      pane.type("t");
      await pane.until(/all conflicts are decided/);
      assert.is(box.read("secrets.yaml"), before, "nothing is written before it is saved");
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      pane.type("s");
      await pane.until(/Save/);
      pane.keys("Enter");
      await pane.until(/^ saved[\s\S]*its recipients stay as ours has them/m);
      pane.type("q");
      await pane.until(/exit code 0/);
      assert.is(await decrypted(box), PLAIN.replace("admin", "theirs"));
      assert.not.match(box.read("secrets.yaml"), /conflicts/);
      assert.not.match(box.read("secrets.yaml"), new RegExp(OTHER_RECIPIENT));
    }),
);

terminal(
  "conflicts that are decided are kept when the document is locked, and saved after it is unlocked",
  () =>
    inPane(async (pane, box) => {
      const base = box.read("secrets.yaml");
      box.write("base", base);
      await box.run(["set", "secrets.yaml", '["db"]["user"]', '"theirs"']);
      box.write("theirs", box.read("secrets.yaml"));
      box.write("secrets.yaml", base);
      await box.run(["set", "secrets.yaml", '["db"]["user"]', '"ours"']);
      await box.run(["git", "merge", "base", "secrets.yaml", "theirs", "--path", "secrets.yaml"]);
      pane.run(`${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`);
      await pane.until(/Conflicts/);
      pane.type("t");
      await pane.until(/all conflicts are decided/);
      pane.keys("Escape");
      await pane.until(/Enter edit {2}a add/);
      pane.type("L");
      await pane.until(/locked: keys and values are forgotten/);
      pane.keys("Enter");
      await pane.until(/changed, not saved$/m);
      pane.type("s");
      await pane.until(/1 change/);
      pane.keys("Enter");
      await pane.until(/^ saved/m);
      pane.type("q");
      await pane.until(/exit code 0/);
      assert.is(await decrypted(box), PLAIN.replace("admin", "theirs"));
      assert.not.match(box.read("secrets.yaml"), /conflicts/);
    }),
);

terminal("a file that is not there yet is made from the rule; with no editor set, tsops's own opens", () =>
  inPane(async (pane, box) => {
    const { SOPS_AGE_RECIPIENTS: recipient } = box.env;
    box.write(".sops.yaml", `creation_rules:\n  - age: ${recipient}\n    encrypted_regex: ^token$\n`);
    pane.run(`unset SOPS_AGE_RECIPIENTS; ${TSOPS} new.yaml; echo "exit code $?"`);
    await pane.until(/the document is empty/);
    pane.type("aa");
    await pane.until(/new key/);
    pane.type("token").keys("Enter");
    await pane.until(/token \(text\)/);
    pane.type("abc").keys("Enter");
    await pane.until(/token {2}abc/);
    pane.type("aa");
    await pane.until(/new key/);
    pane.type("host").keys("Enter");
    await pane.until(/host \(text\)/);
    pane.type("example.org").keys("Enter");
    await pane.until(/host {2}example.org/);
    pane.type("s");
    await pane.until(/in plain text/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.match(box.read("new.yaml"), /^token: ENC\[.*\nhost: example\.org\n/);
    assert.is(await decrypted(box, "new.yaml"), "token: abc\nhost: example.org\n");
  }),
);

terminal("one value goes through $EDITOR, in a private folder that is gone afterwards", () =>
  inPane(async (pane, box) => {
    box.write("ed", '#!/bin/sh\nls -l "$(dirname "$1")" > seen; printf "from the editor" > "$1"\n');
    pane.run("chmod +x ed; export EDITOR=./ed");
    await opened(pane);
    await to(pane, "password");
    pane.type("E");
    await pane.until(/there is a new value, 15 characters long/);
    assert.match(box.read("seen"), /-rw------- .* password/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    assert.match(await decrypted(box), /password: from the editor/);
    assert.equal([...readdirSync(box.runtime), ...readdirSync(box.home)], []);
  }),
);

terminal("a value comes from a file, and not from what may never end", () =>
  inPane(async (pane, box) => {
    box.write("value", "from a file");
    await opened(pane);
    await to(pane, "password");
    for (const name of ["/dev/stdin", "/dev/tty"]) {
      pane.type("i");
      await pane.until(/password from the file/);
      pane.type(name).keys("Enter");
      await pane.until(/this is not a regular file/);
    }
    pane.type("i");
    await pane.until(/password from the file/);
    pane.type("value").keys("Enter");
    await pane.until(/there is a new value, 11 characters long/);
    pane.type("v");
    await pane.until(/password {2}from a file/);
  }),
);

terminal("keys: who can open the file and whether this machine can; one is added and taken away again", () =>
  inPane(async (pane, box) => {
    await opened(pane);
    pane.type("w");
    await pane.until(new RegExp(`usable +age ${RECIPIENT.slice(0, 30)}`));
    pane.type("a");
    await pane.until(/key to add/);
    pane.type(`age:${OTHER_RECIPIENT}`).keys("Enter");
    await pane.until(/the file\?\n/);
    const before = box.read("secrets.yaml");
    pane.type("a");
    await pane.until(/Who can open the file/);
    assert.is(box.read("secrets.yaml"), before, "another key than Enter does nothing");
    pane.type("a");
    await pane.until(/key to add/);
    pane.type(`age:${OTHER_RECIPIENT}`).keys("Enter");
    await pane.until(/the file\?\n/);
    pane.keys("Enter");
    await pane.until(new RegExp(OTHER_RECIPIENT.slice(0, 40)));
    await pane.until(/not here +age/);
    assert.match(box.read("secrets.yaml"), new RegExp(OTHER_RECIPIENT));
    pane.keys("Down");
    await pane.until(new RegExp(`^> not here +age ${OTHER_RECIPIENT.slice(0, 20)}`, "m"));
    pane.type("d");
    await pane.until(/Take age:/);
    pane.keys("Enter");
    while (box.read("secrets.yaml").includes(OTHER_RECIPIENT))
      await new Promise((resolve) => setTimeout(resolve, 50));
    await pane.until(/Who can open the file/);
    pane.keys("Escape");
    await pane.until(/Enter edit {2}a add/);
    await to(pane, "password");
    pane.type("d");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    assert.is(await decrypted(box), PLAIN.replace("  password: s3cret-marker\n", ""));
  }),
);

terminal("history: what an entry was in earlier commits, masked until it is asked for", () =>
  inPane(async (pane, box) => {
    const git = (...args: string[]): void => {
      const who = ["-c", "user.name=Ann", "-c", "user.email=a@example.org"];
      assert.is(spawnSync("git", [...who, ...args], { cwd: box.folder }).status, 0, args.join(" "));
    };
    git("init", "-q");
    git("add", "secrets.yaml");
    git("commit", "-q", "-m", "first");
    await box.run(["set", "secrets.yaml", '["db"]["user"]', '"second-user"']);
    git("commit", "-q", "-a", "-m", "another user");
    await box.run(["set", "secrets.yaml", '["list"][0]', '"x"']);
    git("commit", "-q", "-a", "-m", "a list item");
    await opened(pane);
    await to(pane, "user");
    pane.type("H");
    const screen = await pane.until(/History of user/);
    assert.match(screen, /Ann: another.*\n.*Ann: first/);
    assert.not.match(screen, /a list item|second-user/);
    pane.type("v");
    await pane.until(/another u.* second-user\n.*first +admin/);
  }),
);

const hasStrace = hasTmux && spawnSync("strace", ["-V"]).status === 0;
const traced = (name: string, work: () => Promise<void>): void =>
  hasStrace ? test(name, work) : test.skip(name, work);

traced("no system call writes a secret anywhere but to the terminal", () =>
  inPane(async (pane, box) => {
    const log = join(box.root, "trace");
    const calls = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,rename,linkat,symlinkat";
    pane.run(
      `strace -f -y -s 65536 -e ${calls} -o ${quoted(log)} ${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`,
    );
    await pane.until(/Enter edit/);
    await to(pane, "password");
    pane.type("v");
    await pane.until(/s3cret-marker/);
    pane.keys("Enter");
    await pane.until(/password \(text\): s3cret-marker/);
    pane.type("-and-m0re").keys("Enter");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    pane.type("L");
    await pane.until(/locked: keys and values/);
    pane.type("q");
    await pane.until(/exit code 0/);
    const lines = readFileSync(log, "utf8").split("\n");
    const spoken = lines.filter((line) => line.includes("s3cret-marker"));
    assert.ok(spoken.length > 0, "the trace sees what is written");
    for (const line of spoken) assert.match(line, /\bwritev?\(\d+<\/dev\/pts\/\d+>/);
    assert.not.match(pane.scrollback, /marker/);
    assert.ok(existsSync(box.path("secrets.yaml")));
  }),
);

test("without a terminal it says so, and names $EDITOR", async () => {
  await inSandbox(async (box) => {
    const { code, stderr } = await box.run(["edit", "--tui", "secrets.yaml"]);
    assert.is(code, 201);
    assert.match(stderr, /needs a terminal/);
    assert.match(stderr, /EDITOR/);
    box.env = { ...box.env, TSOPS_EDITOR: "tui" };
    assert.is((await box.run(["edit", "secrets.yaml"])).code, 201);
    box.env = { ...box.env, TSOPS_EDITOR: "vim" };
    assert.match((await box.run(["edit", "secrets.yaml"])).stderr, /TSOPS_EDITOR can only be tui/);
  });
});

traced(
  "in lines: what is shown, typed, generated, copied, or given to others is nowhere but where it is meant",
  () =>
    inPane(async (pane, box) => {
      const log = join(box.root, "trace");
      const git = (line: string) => `git -c user.name=me -c user.email=me@example.org ${line}`;
      box.write("value", "inserted-marker");
      box.write("editor.sh", 'printf %s -edited-marker >> "$1"\n');
      box.write("key", readFileSync(IDENTITY_FILE, "utf8"));
      pane.run(
        `${git("init -q")}; ${git("add secrets.yaml")}; ${git("commit -qm first")}; unset TMUX SOPS_AGE_KEY_FILE; ` +
          `export SOPS_AGE_KEY="$(cat key)" EDITOR="sh ${box.path("editor.sh")}"; clear`,
      );
      const calls =
        "trace=execve,write,writev,pwrite64,pwritev,sendto,sendmsg,rename,renameat,renameat2,linkat,symlinkat";
      pane.run(
        `strace -f -v -y -s 65536 -e ${calls} -o ${quoted(log)} ${TSOPS} edit --linear secrets.yaml; echo "exit code $?"`,
      );
      await pane.until(/decrypted: \d+ entries/);
      pane.type("/").type("password").keys("Enter");
      await pane.until(/find: password\npassword, hidden/);
      pane.type("v");
      await pane.until(/password: s3cret-marker, text, secret, shown/);
      pane.type("H");
      await pane.until(/history of password, newest first: 1/);
      pane.type("v");
      await pane.until(/first: s3cret-marker/);
      pane.keys("Escape");
      await pane.until(/values are hidden again/);
      pane.type("y");
      await pane.until(/copied for 30 seconds/);
      pane.type("E");
      await pane.until(/there is a new value, 27 characters long/);
      pane.type("i");
      await pane.until(/from the file: *$/m);
      pane.type("value").keys("Enter");
      await pane.until(/there is a new value, 15 characters long/);
      pane.type("s");
      await pane.until(/save: 1 change/);
      pane.type("v");
      await pane.until(/to inserted-marker/);
      pane.keys("Enter");
      await pane.until(/^saved$/m);
      pane.type("q");
      await pane.until(/exit code 0/);
      const lines = readFileSync(log, "utf8").split("\n");
      const copied = Buffer.from("s3cret-marker").toString("base64");
      const spoken = lines.filter((line) => line.includes("-marker") || line.includes(copied));
      const places = spoken.map((line) => /\bwritev?\(\d+<([^>]+)>/.exec(line)?.[1] ?? line);
      const files = places.filter((place) => !place.startsWith("/dev/pts/"));
      for (const file of files) {
        assert.match(file, /\/tsops-\w+\/password$/);
        assert.not.ok(existsSync(dirname(file)), "the private folder is gone");
      }
      assert.ok(
        spoken.some((line) => line.includes("edited-marker")),
        "the trace sees the editor",
      );
      const [, ...started] = lines.filter((line) => /execve\(.*= 0$/.test(line) || /execve\("/.test(line));
      assert.ok(
        started.some((line) => line.includes("editor.sh")) && started.some((line) => line.includes("/git")),
      );
      for (const line of started.filter((one) => /editor\.sh|\/git"/.test(one)))
        assert.not.match(line, /AGE-SECRET-KEY/);
      assert.equal(filesWith("-marker", box.runtime), [], "nothing stays in the private folder");
      assert.equal(filesWith("-marker", box.home), []);
      assert.equal(filesWith("-marker", box.folder), ["editor.sh", "plain.yaml", "value"]);
      assert.not.match(pane.scrollback, /marker/);
    }),
);

/** The names of the files below a folder that hold a text. */
function filesWith(text: string, folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (file) => file.isFile() && readFileSync(join(file.parentPath, file.name), "latin1").includes(text),
    )
    .map(({ name }) => name)
    .sort();
}

test.run();
