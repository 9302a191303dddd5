import { readFileSync } from "node:fs";
import { Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE } from "../../support/cli.ts";
import { decrypted, inPane, opened, PLAIN, TSOPS, terminal, to } from "../../support/ui/editor.ts";

/** What the real program does with passphrases, the clipboard, the focus, and somebody who goes away. */

async function sealedIdentity(): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  // as little work as there can be
  encrypter.setScryptWorkFactor(1);
  encrypter.setPassphrase("correct horse");
  return await encrypter.encrypt(readFileSync(IDENTITY_FILE, "utf8"));
}

terminal("a passphrase is asked for inside, hidden, and again after locking", () =>
  inPane(async (pane, box) => {
    box.write("sealed.age", await sealedIdentity());
    pane.run(`export SOPS_AGE_KEY_FILE=sealed.age; ${TSOPS} edit --tui secrets.yaml; echo "exit code $?"`);
    const asked = await pane.until(/passphrase/i);
    assert.match(asked, /password {2}•+/, "the keys are there before it is opened");
    pane.type("correct horse");
    await pane.until(/•{13}/);
    assert.not.match(pane.screen, /correct/);
    pane.keys("Enter");
    await pane.until(/Enter edit/);
    await to(pane, "password");
    pane.type("v");
    await pane.until(/s3cret-marker/);
    pane.type("L");
    await pane.until(/locked: keys and values/);
    assert.not.match(pane.screen, /s3cret-marker/);
    pane.keys("Enter");
    await pane.until(/passphrase/i);
    pane.keys("Escape");
    await pane.until(/nothing was typed: the file stays locked/);
    pane.keys("Enter");
    await pane.until(/passphrase/i);
    pane.type("wrong").keys("Enter");
    await pane.until(/wrong passphrase|does not open|cannot be opened|no key|Failed/i);
    pane.keys("Enter");
    await pane.until(/passphrase.*: *$/im);
    pane.type("correct horse").keys("Enter");
    await pane.until(/Enter edit/);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.not.match(pane.scrollback, /correct|s3cret/);
  }),
);

terminal("a copied value leaves the clipboard after a while", () =>
  inPane(async (pane) => {
    pane.run("export TSOPS_EDITOR_COPY_FOR=1s");
    await opened(pane);
    await to(pane, "password");
    pane.type("y");
    await pane.until(/copied for 1 seconds|copied for 1 second|taken out of the clipboard/);
    await pane.until(/the copied value was taken out of the clipboard/);
    await pane.untilSo(() => pane.clipboard.trim() === "");
    await pane.untilSo(() => !pane.copied.includes("s3cret"));
    assert.not.match(pane.screen, /s3cret-marker/, "copying does not show");
    pane.type("x");
    await pane.until(/copied: \["db"\]\["password"\]/);
    await pane.untilSo(() => pane.clipboard === '["db"]["password"]');
  }),
);

terminal("what somebody copied meanwhile is theirs, and stays", () =>
  inPane(async (pane) => {
    pane.run("export TSOPS_EDITOR_COPY_FOR=2s");
    await opened(pane);
    await to(pane, "password");
    pane.type("y");
    await pane.untilSo(() => pane.clipboard === "s3cret-marker");
    pane.copies("of somebody else");
    await pane.until(/the clipboard holds something else by now/);
    assert.is(pane.clipboard, "of somebody else");
  }),
);

terminal("a copied value leaves the clipboard when the editor is left", () =>
  inPane(async (pane) => {
    await opened(pane);
    await to(pane, "password");
    pane.type("y");
    await pane.untilSo(() => pane.clipboard === "s3cret-marker");
    pane.type("q");
    await pane.until(/exit code 0/);
    await pane.untilSo(() => pane.clipboard.trim() === "");
    assert.not.match(pane.copied, /s3cret/);
    assert.not.match(pane.scrollback, /still there/);
  }),
);

terminal("a terminal that does not tell what the clipboard holds: that is said behind the editor, too", () =>
  inPane(async (pane) => {
    pane.run("tmux set-option -g set-clipboard off; clear");
    await opened(pane);
    await to(pane, "password");
    pane.type("y");
    await pane.until(/copied for 30 seconds/);
    pane.type("q");
    await pane.until(/so the copied value\s+is still there\nexit code 0/);
  }),
);

terminal("while another editor has the terminal, the clipboard waits", () =>
  inPane(async (pane, box) => {
    box.write("wait.sh", "until [ -e go ]; do sleep 0.1; done\n");
    pane.run(`export TSOPS_EDITOR_COPY_FOR=1s EDITOR="sh ${box.path("wait.sh")}"`);
    await opened(pane);
    await to(pane, "password");
    pane.type("y");
    await pane.untilSo(() => pane.clipboard === "s3cret-marker");
    pane.type("E");
    await pane.untilSo(() => !pane.isAlternate);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.is(pane.clipboard, "s3cret-marker");
    box.write("go", "");
    await pane.until(/the copied value was taken out of the clipboard/);
    await pane.untilSo(() => !pane.copied.includes("s3cret"));
  }),
);

const BLUR = "\x1b[O";

terminal("values are masked again when the window loses the focus, also what is being typed", () =>
  inPane(async (pane) => {
    await opened(pane);
    await to(pane, "password");
    pane.type("v");
    await pane.until(/s3cret-marker/);
    pane.sends(BLUR);
    await pane.until(/password {2}•+/);
    assert.not.match(pane.screen, /s3cret-marker/);
    pane.keys("Enter");
    await pane.until(/password \(text\): s3cret-marker/);
    pane.sends(BLUR);
    await pane.until(/password \(text\): •+/);
    pane.keys("Escape");
    await pane.until(/Enter edit/);
    pane.type("d");
    await pane.until(/changed, not saved/);
    pane.type("s");
    await pane.until(/1 change/);
    pane.type("v");
    await pane.until(/s3cret-marker/);
    pane.sends(BLUR);
    await pane.until(/\["password"\] {2}•+/);
  }),
);

terminal("values are masked again after a while", () =>
  inPane(async (pane) => {
    pane.run("export TSOPS_EDITOR_HIDE_AFTER=2s");
    await opened(pane);
    await to(pane, "password");
    pane.type("v");
    await pane.until(/s3cret-marker/);
    await pane.until(/password {2}•+/);
  }),
);

terminal("who goes away comes back to a locked file, with what they changed", () =>
  inPane(async (pane, box) => {
    pane.run("export TSOPS_EDITOR_LOCK_AFTER=2s");
    await opened(pane);
    await to(pane, "password");
    pane.keys("Enter");
    await pane.until(/password \(text\)/);
    pane.type("2").keys("Enter");
    await pane.until(/changed, not saved|locked/);
    await pane.until(/locked: keys and values are forgotten/);
    assert.not.match(pane.screen, /s3cret/);
    pane.keys("Enter");
    // while it is locked, that is said behind it
    await pane.until(/changed, not saved$/m);
    pane.type("s");
    await pane.until(/1 change/);
    pane.keys("Enter");
    await pane.until(/^ saved/m);
    assert.is(await decrypted(box), PLAIN.replace("s3cret-marker", "s3cret-marker2"));
    // what was saved is what opens after the next time
    await pane.until(/locked: keys and values are forgotten/);
    pane.keys("Enter");
    await pane.until(/Enter edit {2}a add/);
    pane.type("v");
    await pane.until(/s3cret-marker2/);
  }),
);

terminal("lines for screen readers: found, read, changed, saved and left, without a screen being drawn", () =>
  inPane(async (pane, box) => {
    pane.run(`${TSOPS} edit --linear secrets.yaml; echo "exit code $?"`);
    await pane.until(/decrypted: 6 entries|decrypted: \d+ entries/);
    pane.type("/").type("password");
    await pane.until(/1 found: password, hidden, 9 to 16 characters, text, secret, level 2/);
    pane.keys("Enter");
    await pane.until(/find: password\npassword, hidden/);
    pane.keys("Enter");
    await pane.until(/password \(text\): s3cret-marker$/m);
    pane.type("2").keys("BSpace").type("3");
    await pane.until(/password \(text\): s3cret-marker3$/m);
    pane.keys("Enter");
    await pane.until(/done: change password\npassword: s3cret-marker3, text, secret, shown, changed/);
    pane.sends(BLUR);
    await pane.until(/values are hidden again/);
    assert.not.match(pane.screen, /s3cret/);
    assert.not.match(pane.screen, /[│┌─▾▸•]/);
    pane.type("s");
    await pane.until(/save: 1 change\nchanged \["db"\]\["password"\], from hidden/);
    pane.keys("Enter");
    await pane.until(/^saved$/m);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.is(await decrypted(box), PLAIN.replace("s3cret-marker", "s3cret-marker3"));
    assert.not.match(pane.scrollback, /marker|admin/);
  }),
);

terminal("a dumb terminal gets lines without a single escape sequence", () =>
  inPane(async (pane, box) => {
    pane.run(
      `TERM=dumb script -qc "${TSOPS.replaceAll("'", "")} edit --tui secrets.yaml" log; echo "exit code $?"`,
    );
    await pane.until(/decrypted: \d+ entries/);
    pane.type("jjjj");
    await pane.until(/^password, hidden/m);
    pane.type("y");
    await pane.until(/cannot fill a clipboard/);
    pane.type("q");
    await pane.until(/exit code 0/);
    assert.not.match(box.read("log"), /\x1b/);
  }),
);

test.run();
