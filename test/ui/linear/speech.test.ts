import { test } from "uvu";
import * as assert from "uvu/assert";
import { recipientsTree } from "../../../src/merge/recipients.ts";
import type { Conflict } from "../../../src/sops/conflicts.ts";
import { filesSpeech, hereInFiles } from "../../../src/ui/linear/files.ts";
import { hereSpeech, speechOf } from "../../../src/ui/linear/speech.ts";
import { type PickerState, pick } from "../../../src/ui/picker/picker.ts";
import { BINDINGS } from "../../../src/ui/state/keys.ts";
import { newMerge } from "../../../src/ui/state/merge.ts";
import type { State } from "../../../src/ui/state/state.ts";
import { Speaker } from "../../../src/ui/terminal/speaker.ts";
import { Desk, type DeskOptions } from "../../support/ui/desk.ts";

/** What a screen reader would get: each line that is written, and what goes on on it. */

const YAML = `# who may do what
db:
  user: admin
  password: correct horse
  port_unencrypted: 5432
list:
  - one
  - two
`;

class Listener {
  readonly desk: Desk;
  written = "";
  readonly #speaker = new Speaker<State>(
    (text) => {
      this.written += text;
    },
    { speechOf, hereSpeech },
    true,
  );

  private constructor(desk: Desk) {
    this.desk = desk;
    this.#speaker.show(desk.state);
  }

  static async open(text = YAML, more: DeskOptions = {}): Promise<Listener> {
    return new Listener(await Desk.open(text, more));
  }

  /** What is said after each of some keys, as lines. */
  hears(keys: string): string[] {
    this.written = "";
    for (const key of keys.split(" ")) {
      this.#speaker.pressed();
      this.desk.press(key);
      this.#speaker.show(this.desk.state);
    }
    return this.written.split("\r\n").filter(Boolean);
  }

  types(text: string): string[] {
    return this.hears([...text].join(" "));
  }

  after(work: (desk: Desk) => void): string[] {
    this.written = "";
    work(this.desk);
    this.#speaker.show(this.desk.state);
    return this.written.split("\r\n").filter(Boolean);
  }
}

test("a row is one line: name, value or that it is hidden, type, state, level, and which of how many", async () => {
  const listener = await Listener.open();
  assert.equal(listener.hears("j"), ["db, map, open, 3 entries, level 1, 2 of 3"]);
  assert.equal(listener.hears("j j"), [
    "user, hidden, 1 to 8 characters, text, secret, level 2, 1 of 3",
    "password, hidden, 9 to 16 characters, text, secret, level 2, 2 of 3",
  ]);
  assert.equal(listener.hears("j"), ["port_unencrypted: 5432, number, plain, level 2, 3 of 3"]);
  assert.equal(listener.hears("Home".toLowerCase()), ["comment: who may do what, level 1, 1 of 3"]);
  assert.equal(listener.hears("j left"), [
    "db, map, open, 3 entries, level 1, 2 of 3",
    "db, map, folded, 3 entries, level 1, 2 of 3",
  ]);
});

test("what is shown is read, and leaves the screen when it is hidden again", async () => {
  const listener = await Listener.open();
  listener.desk.to("password");
  assert.equal(listener.hears("v"), ["password: correct horse, text, secret, shown, level 2, 2 of 3"]);
  const hidden = listener.after((desk) => desk.does({ type: "blur" }));
  assert.ok(hidden[0]!.startsWith("\x1b[2J\x1b[H"), "the screen is emptied");
  assert.match(hidden.join("\n"), /values are hidden again\npassword, hidden/);
  assert.not.match(hidden.join("\n"), /correct/);
});

test("a search that is typed faster than it is said says what it found", async () => {
  const listener = await Listener.open();
  const said = listener.after((desk) => {
    for (const key of "/pass") desk.press(key);
  });
  assert.equal(said.slice(-2), [
    "1 found: password, hidden, 9 to 16 characters, text, secret, level 2, 2 of 3",
    "find: pass",
  ]);
});

test("a paste that is not taken is said", async () => {
  const listener = await Listener.open();
  assert.match(listener.after((desk) => desk.paste("dqs\n")).join("\n"), /^warning: nothing was pasted/m);
  assert.match(
    listener.after((desk) => desk.does({ type: "lost-paste" })).join("\n"),
    /^error: the end of a paste did not come/m,
  );
});

test("a key that changes nothing says where one is and why it is encrypted; the clock says nothing", async () => {
  const listener = await Listener.open();
  listener.desk.to("password");
  listener.hears("v v");
  assert.equal(listener.hears("escape"), [
    "password, hidden, 9 to 16 characters, text, secret, level 2, 2 of 3",
    '["db"]["password"]: text, encrypted (unencrypted_suffix: _unencrypted)',
  ]);
  assert.equal(
    listener.after((desk) => desk.wait(1000)),
    [],
  );
});

test("typing goes on on one line; hidden typing as stars; other edits say the line again", async () => {
  const listener = await Listener.open();
  listener.desk.to("password");
  assert.equal(listener.hears("return"), [
    "keys: Enter, accept; Ctrl-O, several lines; Ctrl-T, hide; Esc, back",
    "password (text): correct horse",
  ]);
  listener.types("é日");
  assert.is(listener.written, "é日");
  listener.hears("backspace");
  assert.is(listener.written, "\b \b\b \b", "a wide character has two columns");
  assert.equal(listener.hears("left"), ["column 14, before é"]);
  assert.equal(listener.hears("ctrl-u"), ["password (text): é"]);
  const hidden = listener.hears("ctrl-t");
  assert.ok(hidden[0]!.startsWith("\x1b[2J"), "what was typed in clear leaves the screen");
  assert.is(hidden.at(-1), "password (text): *");
  listener.hears("end");
  listener.types("x");
  assert.is(listener.written, "*");
  assert.equal(listener.hears("return").slice(0, 1), ["done: change password"]);
});

test("a pasted key is counted, not read out, and its lines are read one by one", async () => {
  const listener = await Listener.open();
  listener.desk.to("password");
  listener.hears("return ctrl-u");
  const pem = `-----BEGIN KEY-----\n${"A".repeat(64)}\n-----END KEY-----`;
  assert.equal(
    listener.after((desk) => desk.paste(pem)),
    ["pasted 3 lines, 102 characters", "line 3 of 3: -----END KEY-----"],
  );
  assert.equal(listener.hears("up"), ["line 2 of 3, column 18, before A"]);
});

test("with --no-reveal no key says a value", async () => {
  const listener = await Listener.open(YAML, { options: { noReveal: true } });
  listener.desk.to("password");
  const said = [
    ...listener.hears("v V return"),
    ...listener.types("x"),
    ...listener.hears("return s v"),
    ...listener.hears("escape E y"),
  ];
  assert.not.match(said.join("\n"), /correct|horse/);
  assert.match(said.join("\n"), /changed \["db"\]\["password"\], from hidden/);
});

test("the changes before saving, one a line, with the keys", async () => {
  const listener = await Listener.open();
  listener.desk.to("user");
  listener.hears("d");
  assert.equal(listener.hears("s"), [
    "save: 1 change",
    'removed ["db"]["user"], hidden (1 to 8 characters)',
    "keys: Enter, save; v, show values; Up and Down, scroll; Esc, back",
  ]);
  assert.ok(listener.hears("v").includes('removed ["db"]["user"], admin'));
});

test("of many changes as many as a screen has are said, and the others on the way down", async () => {
  const many = Array.from({ length: 50 }, (_, i) => `key${i}: x\n`).join("");
  const listener = await Listener.open(many);
  for (let i = 0; i < 40; i++) listener.desk.press("d");
  const said = listener.hears("s");
  assert.is(said.filter((line) => line.startsWith("removed")).length, 19);
  assert.match(said.join("\n"), /21 more: Down or PgDn/);
  assert.equal(listener.hears("down"), ['removed ["key19"], hidden (1 to 8 characters)']);
  assert.is(listener.hears("pagedown").filter((line) => line.startsWith("removed")).length, 19);
});

test("help lists every command, and a search those that match", async () => {
  const listener = await Listener.open();
  const help = listener.hears("?");
  for (const { help: what } of BINDINGS)
    assert.ok(
      help.some((line) => line.includes(what)),
      what,
    );
  assert.not.match(help.join(""), /[↑↓←→]/);
  assert.equal(listener.types("undo").slice(-4, -1), [
    "2 with undo",
    "u: undo the last change",
    "Ctrl-R, U: redo what was undone",
  ]);
});

/** What each command is heard to do, so that none leaves somebody without a word. */
test("no command of the document is silent", async () => {
  for (const { command, keys } of BINDINGS) {
    const listener = await Listener.open();
    listener.desk.to("password");
    const said = listener.hears(keys[0]!);
    const asks = listener.desk.effects.length > 0;
    assert.ok(said.length > 0 || asks, command);
  }
});

test("questions are read with the keys that answer them, and menus item by item", async () => {
  const listener = await Listener.open();
  listener.desk.to("password");
  assert.equal(listener.hears("V"), [
    "Show all values? Whoever sees the screen sees them, too.",
    "keys: Enter, show them; any other key, back",
  ]);
  listener.hears("escape d");
  assert.match(listener.hears("q").join("\n"), /not saved\.\nkeys: s, save them; d, leave/);
  listener.hears("escape");
  assert.equal(listener.hears("a").slice(0, 3), ["add in db", "a: a value", "m: a map: keys with values"]);
  listener.hears("escape");
  assert.match(listener.hears("f p").join("\n"), /1 not encrypted; Esc shows all again\ndb\.port.*1 of 1/s);
  assert.match(listener.hears("escape").join("\n"), /all entries/);
});

test("messages, waiting and locking are said", async () => {
  const listener = await Listener.open();
  listener.hears("j");
  assert.match(listener.hears("L").join("\n"), /locking, please wait/);
  assert.match(listener.after((desk) => desk.does({ type: "locked" })).join("\n"), /locked: keys and values/);
  assert.match(listener.hears("return").join("\n"), /unlocking, please wait/);
  assert.match(
    listener.after((desk) => desk.does({ type: "ask", question: "Passphrase for key.age" })).join("\n"),
    /Passphrase for key\.age: $/,
  );
  listener.types("geheim");
  assert.is(listener.written, "******");
});

test("keys: all lines, and the chosen one with what is said of it", async () => {
  const listener = await Listener.open();
  const lines = [
    { text: "usable    age one", tone: "good", key: "age:one" },
    { text: "    an identity is here", tone: "note" },
    { text: "not here  age two", tone: "bad", key: "age:two" },
  ] as const;
  const said = listener.after((desk) =>
    desk.does({ type: "keys", lines, notes: [], encrypted: desk.state.encrypted }),
  );
  assert.equal(said.slice(0, 5), [
    "who can open the file",
    "usable age one",
    "an identity is here",
    "not here age two",
    "chosen: usable age one, an identity is here",
  ]);
  assert.equal(listener.hears("down"), ["chosen: not here age two"]);
});

test("history, masked until it is asked for", async () => {
  const listener = await Listener.open();
  const versions = [
    { commit: "1234 Ann: second", value: "new-value", encrypted: true },
    { commit: "5678 Ann: first", value: undefined, encrypted: false },
  ];
  const said = listener.after((desk) => desk.does({ type: "history", title: "user", versions }));
  assert.equal(said.slice(0, 3), [
    "history of user, newest first: 2",
    "1234 Ann: second: hidden (9 to 16 characters)",
    "5678 Ann: first: nothing",
  ]);
  assert.ok(listener.hears("v").includes("1234 Ann: second: new-value"));
});

test("nothing that is said steers a terminal", async () => {
  const listener = await Listener.open('"\\e[31mkey": "\\e]52;c;!\\a\\e[2Jvalue"\n# \u202e2J\n');
  const said = [
    ...listener.hears("home v"),
    ...listener.hears("return"),
    ...listener.hears("left escape s down"),
  ].join("\n");
  assert.not.match(said.replaceAll("\x1b[2J\x1b[H", ""), /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test("the files: each with its state and place; what is typed narrows them down", () => {
  const files = [
    { name: "a.yaml", state: "encrypted", remarks: [] },
    { name: "b.yaml", state: "plain", remarks: ["the rule says to encrypt it"] },
  ] as const;
  const size = { width: 80, height: 24 };
  let state: PickerState = { folder: ".", files, query: "", at: 0, top: 0, size, message: undefined };
  assert.equal(filesSpeech(undefined, state).lines.slice(-1), ["a.yaml, encrypted, 1 of 2"]);
  const does = (name: string): readonly string[] => {
    const before = state;
    state = pick(state, { type: "key", key: { name } }).state;
    return filesSpeech(before, state).lines;
  };
  assert.equal(does("down"), ["b.yaml, plain, should be encrypted, 2 of 2, the rule says to encrypt it"]);
  assert.match(does("return").join("\n"), /it is not encrypted/);
  assert.equal(does("a").slice(0, 1), ["2 with a"]);
  assert.equal(does("."), ["1 with a.", "a.yaml, encrypted, 1 of 1"]);
  assert.equal(does("up"), []);
  assert.equal(hereInFiles(state).lines, ["a.yaml, encrypted, 1 of 1"]);
});

test("who can open a file that is in conflict: each key with the sides that have it", async () => {
  const listener = await Listener.open();
  const side = (...keys: string[]) => recipientsTree({ groups: [keys] });
  const conflict: Conflict = {
    document: 0,
    path: [],
    kind: "recipients",
    base: undefined,
    ours: side("age one"),
    theirs: side("age one", "age two"),
  };
  const heard = listener.after((desk) => {
    const { draft, saved, selector } = desk.state;
    const { text } = draft!.base;
    const merge = newMerge([conflict], { ours: text, theirs: text, base: undefined });
    const about = { selector, wanted: undefined, format: "yaml" };
    desk.does({ type: "unlocked", draft: draft!, saved: saved!.base, merge, notes: [], about });
  });
  const said = "recipients, open, age one: in ours and theirs, age two: in theirs, base is not known, 1 of 1";
  assert.ok(heard.includes(said), heard.join("\n"));
  assert.ok(listener.hears("t").some((line) => line.includes("a merge alone lets nobody in")));
  assert.ok(listener.hears("o").some((line) => line.includes("its recipients stay as ours has them")));
});

test.run();
