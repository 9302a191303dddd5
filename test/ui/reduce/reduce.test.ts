import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { Desk } from "../../support/ui/desk.ts";

const YAML = `# about this file
db:
  user: admin # who
  password: s3cret-marker
  port_unencrypted: 5432
  # old: hunter2
list:
  - one
  - name: two
    token: t0ken-marker
empty: ""
note: "line one\\nline two\\nline three"
`;

test("before it is decrypted, keys, types and what is encrypted are shown, and no value", async () => {
  const desk = await Desk.open(YAML, { locked: true });
  assert.match(desk.screen, /password\s+••••••••\s+text secret/);
  assert.match(desk.screen, /port_unencrypted\s+5432\s+number plain/);
  assert.match(desk.screen, /locked/);
  assert.not.match(desk.screen, /ENC\[/);
  desk.press("return");
  assert.equal(desk.effects, [{ kind: "unlock" }]);
  assert.is(desk.state.busy, "unlocking");
});

test("a passphrase is asked for inside, is not shown, and Esc goes back", async () => {
  const desk = await Desk.open(YAML, { locked: true });
  desk.does({ type: "ask", question: "Passphrase for key.age" });
  assert.match(desk.screen, /Passphrase for key\.age:/);
  desk.type("open sesame");
  assert.not.match(desk.screen, /sesame/);
  desk.press("return");
  assert.equal(desk.effects, [{ kind: "answer", text: "open sesame" }]);
  assert.not.match(JSON.stringify(desk.state.mode), /sesame/);
  desk.does({ type: "ask", question: "Once more" }).type("x").press("escape");
  assert.equal(desk.effects.at(-1), { kind: "answer", text: undefined });
});

test("values are masked with how long they are, roughly; one is revealed, and hidden again", async () => {
  const desk = await Desk.open(YAML);
  assert.not.match(desk.screen, /marker|admin|hunter2/);
  assert.match(desk.screen, /about this file/);
  assert.match(desk.screen, /password\s+••••••••\s+9–16 characters/);
  assert.match(desk.screen, /note\s+••••••••\s+3 lines/);
  desk.to("password").press("v");
  assert.match(desk.screen, /s3cret-marker/);
  assert.not.match(desk.screen, /t0ken-marker/);
  desk.press("v");
  assert.not.match(desk.screen, /marker/);
});

test("all values are revealed only by another key than the one that asks", async () => {
  const desk = await Desk.open(YAML);
  desk.press("V");
  assert.match(desk.screen, /Whoever sees the screen/);
  desk.press("V");
  assert.not.match(desk.screen, /marker/);
  desk.press("V return");
  assert.match(desk.screen, /s3cret-marker/);
  assert.match(desk.screen, /t0ken-marker/);
  desk.press("v");
  assert.not.match(desk.screen, /marker/);
});

test("what was revealed is hidden after a while, and when the window loses the focus", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("v").wait(29_000);
  assert.match(desk.screen, /s3cret-marker/);
  desk.wait(2000);
  assert.not.match(desk.screen, /marker/);
  desk.press("v").does({ type: "blur" });
  assert.not.match(desk.screen, /marker/);
  desk.press("return");
  assert.match(desk.screen, /s3cret-marker/);
  desk.does({ type: "blur" });
  assert.not.match(desk.screen, /marker/, "also while it is edited");
  desk.press("ctrl-t");
  assert.match(desk.screen, /s3cret-marker/);
});

test("with --no-reveal nothing is shown in clear by any way", async () => {
  const desk = await Desk.open(YAML, { options: { noReveal: true } });
  desk.to("password");
  for (const keys of ["v", "V", "V return", "return", "escape", "escape", "g", "escape"]) {
    desk.press(keys);
    assert.not.match(desk.screen, /marker/, keys);
  }
  desk.press("return").type("new-s3cret").press("ctrl-t");
  assert.not.match(desk.screen, /s3cret/);
  desk.press("return s v");
  assert.not.match(desk.screen, /marker|new-s3cret/);
  assert.match(desk.text, /new-s3cret/);
  desk.press("escape E");
  assert.equal(desk.effects, [], "no other editor, either");
});

test("arrows and hjkl move, fold and unfold; folded rows say how much is in them", async () => {
  const desk = await Desk.open(YAML);
  assert.is(desk.row, "# about this file");
  assert.is(desk.press("down").row, "▾ db");
  assert.is(desk.press("left").row, "▸ db 5 entries");
  assert.is(desk.press("j").row, "▾ list");
  assert.is(desk.press("k l").row, "▾ db");
  assert.match(desk.press("l").row, /^user/);
  assert.is(desk.press("h").row, "▾ db");
  assert.match(desk.press("end").row, /^note/);
  assert.is(desk.press("home").row, "# about this file");
  assert.match(desk.press("pagedown").row, /^note/);
  desk.press("z");
  assert.is(desk.lines.filter((line) => /entries$/.test(line)).length, 2);
  desk.press("z");
  assert.match(desk.screen, /password/);
});

test("a value is edited in a box, with undo and redo; its row says that it changed", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("return ctrl-u").type("new one").press("return");
  assert.is(desk.text, YAML.replace("s3cret-marker", "new one"));
  assert.match(desk.row, /^\* password new one/);
  assert.match(desk.screen, /changed, not saved/);
  desk.press("u");
  assert.is(desk.text, YAML);
  assert.not.match(desk.screen, /not saved/);
  desk.press("ctrl-r");
  assert.match(desk.text, /new one/);
  desk.press("u u");
  assert.match(desk.screen, /there is nothing to undo/);
});

test("Esc leaves a box without a change", async () => {
  const desk = await Desk.open(YAML);
  desk.to("user").press("e").type("xyz").press("escape");
  assert.is(desk.text, YAML);
  assert.is(desk.state.mode.kind, "tree");
});

const PEM = `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}\n${"B".repeat(64)}\n-----END PRIVATE KEY-----\n`;

test("a pasted PEM key has its line breaks, which end nothing", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("return ctrl-u").paste(PEM.replaceAll("\n", "\r"));
  assert.is(desk.state.mode.kind, "box");
  assert.match(desk.screen, new RegExp(`4 lines, ${PEM.length} characters`));
  desk.press("ctrl-s");
  const { draft, cursor } = desk.state;
  assert.is(draft!.base.reading.entries[draft!.base.outline.nodes[cursor]!.entry!]!.value, PEM);
  desk.press("u");
  assert.is(desk.text, YAML);
});

test("a text of several lines is not thrown away by one key", async () => {
  const desk = await Desk.open(YAML);
  desk.to("note").press("return").type("more").press("escape");
  assert.match(desk.screen, /Throw away what you typed\?/);
  desk.press("escape");
  assert.match(desk.screen, /more/);
  desk.press("escape d");
  assert.is(desk.state.mode.kind, "tree");
  assert.is(desk.text, YAML);
});

test("Enter in a text of lines is a line break, and the cursor goes up and down", async () => {
  const desk = await Desk.open(YAML);
  desk.to("note").press("return up end return").type("between").press("ctrl-s");
  assert.match(desk.text, /line two\\nbetween\\nline three|line two\n\s+between\n\s+line three/);
});

test("one pasted line loses the line break that was copied with it; names take no second line", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("return ctrl-u").paste("token\r").press("return");
  assert.is(desk.text, YAML.replace("s3cret-marker", "token"));
  desk.press("r").paste("a\rb");
  assert.match(desk.screen, /several lines, and only one is possible/);
});

test("types are kept, or changed on purpose", async () => {
  const desk = await Desk.open(YAML);
  desk.to("port_unencrypted").press("return ctrl-u").type("80x").press("return");
  assert.match(desk.screen, /this is not a number/);
  assert.is(desk.state.mode.kind, "box", "what was typed is still there");
  desk.press("backspace return");
  assert.is(desk.text, YAML.replace("5432", "80"));
  desk.press("t t");
  assert.is(desk.text, YAML.replace("5432", '"80"'));
  desk.press("t 0");
  assert.is(desk.text, YAML.replace("5432", "null"));
  desk.press("t b").type("true").press("return");
  assert.is(desk.text, YAML.replace("5432", "true"));
  desk.press("u u u u");
  assert.is(desk.text, YAML);
});

test("keys, maps and items are added, renamed, copied, moved and deleted", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("a a").type("host").press("return").type("localhost").press("return");
  assert.match(desk.text, /port_unencrypted: 5432\n( {2}# old: hunter2\n)? {2}host: localhost\n/);
  desk.press("r ctrl-u").type("server").press("return");
  assert.match(desk.text, /server: localhost/);
  desk.press("K");
  desk.press("D");
  assert.match(desk.text, /server_copy: localhost/);
  desk.press("d");
  assert.not.match(desk.text, /server_copy/);
  desk.to("list").press("a a").type("three").press("return");
  assert.match(desk.text, /token: t0ken-marker\n {2}- three\n/);
  desk.press("a m");
  assert.match(desk.text, /- three\n {2}- \{\}\n/);
  while (desk.state.draft!.past) desk.press("u");
  assert.is(desk.text, YAML);
});

test("comments are added, edited and deleted", async () => {
  const desk = await Desk.open(YAML);
  desk.to("empty").press("#").type("on purpose").press("return");
  assert.match(desk.text, /# on purpose\nempty: ""/);
  desk.press("up return ctrl-u").type(" not by accident").press("return");
  assert.match(desk.text, /# not by accident\nempty/);
  desk.press("d");
  assert.is(desk.text, YAML);
});

test("a key that is there already, or belongs to the metadata, is refused, and what was typed stays", async () => {
  const desk = await Desk.open(YAML);
  desk.to("empty").press("r ctrl-u").type("db").press("return");
  assert.match(desk.screen, /there is a key "db" already/);
  desk.press("backspace backspace").type("sops").press("return");
  assert.match(desk.screen, /keeps its own metadata/);
  desk.press("escape");
  assert.is(desk.text, YAML);
});

test("/ finds by some of the letters of a path; n and N go on", async () => {
  const desk = await Desk.open(YAML);
  desk.press("/").type("pswd");
  assert.match(desk.row, /^password/);
  desk.press("escape");
  assert.is(desk.row, "# about this file", "Esc goes back to where it was");
  desk.press("/").type("o").press("return");
  const first = desk.row;
  desk.press("n");
  assert.is.not(desk.row, first);
  desk.press("N");
  assert.is(desk.row, first);
  desk.press("/").type("zzz");
  assert.match(desk.screen, /nothing found/);
});

test("a hit in what is folded unfolds it", async () => {
  const desk = await Desk.open(YAML);
  desk.press("z").to("token");
  assert.match(desk.row, /^token/);
});

test("values are searched only where they are shown", async () => {
  const desk = await Desk.open(YAML);
  desk.press("/").type("t0ken-mark");
  assert.match(desk.screen, /nothing found/);
  desk.press("escape V return /").type("t0ken-mark");
  assert.match(desk.row, /^token/);
});

test("filters: changed, plain, empty, duplicate, plain although the rule wants it encrypted", async () => {
  const text = `a: same\nb: same\nc: other\nd_unencrypted: plain\ne: ""\nf: {}\ntoken_unencrypted: x\n`;
  const rule = { kind: "unencrypted_suffix", value: "d_unencrypted" } as const;
  const desk = await Desk.open(text, { rule });
  const names = (keys: string): string[] => {
    const { list, outline } = desk.press(keys).state;
    return (list?.ids ?? []).map((id) => String(outline.nodes[id]!.key));
  };
  assert.equal(names("f p"), ["d_unencrypted", "token_unencrypted"]);
  assert.equal(names("escape f e"), ["e", "f"]);
  assert.equal(names("escape f d"), ["a", "b"]);
  assert.equal(names("escape f s"), ["token_unencrypted"]);
  assert.match(desk.screen, /PLAIN!/);
  desk.press("escape f c");
  assert.match(desk.screen, /no entry is changed/);
  desk.to("c").press("return").type("!").press("return");
  assert.equal(names("f c"), ["c"]);
  assert.is(desk.press("escape").state.list, undefined);
});

test("saving shows the changes first, masked; nothing is written by the key that asked", async () => {
  const desk = await Desk.open(YAML);
  desk.press("s");
  assert.match(desk.screen, /nothing has changed/);
  desk.to("password").press("return").type("2").press("return");
  desk.to("empty").press("d s");
  assert.match(desk.screen, /\* \["db"\]\["password"\] {2}•+ 9–16 characters {2}→/);
  assert.match(desk.screen, /- \["empty"\]/);
  assert.not.match(desk.screen, /marker/);
  desk.press("v");
  assert.match(desk.screen, /s3cret-marker {2}→ {2}s3cret-marker2/);
  desk.press("s");
  assert.equal(desk.effects, []);
  desk.press("return");
  assert.is(desk.effects[0]!.kind, "save");
  assert.match(desk.screen, /saving…/);
  const { draft, encrypted } = desk.state;
  desk.does({ type: "saved", draft: draft!, encrypted: encrypted!, notes: [], leave: false });
  assert.not.match(desk.screen, /not saved/);
  desk.press("u");
  assert.match(desk.screen, /not saved/, "undoing goes on behind a save");
});

test("a difference from the creation rule is shown, and another key saves all the same", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("d s return");
  const { TsopsError } = await import("../../../src/errors.ts");
  const error = new TsopsError("recipients-changed", "the recipients are others", { hint: "look at them" });
  desk.does({ type: "refused", error, accepts: { drift: true }, notes: ["+++ age1xyz"], leave: false });
  assert.match(desk.screen, /\+\+\+ age1xyz/);
  desk.press("return s");
  assert.is(desk.effects.length, 1);
  desk.press("y");
  assert.equal((desk.effects[1] as { accepted?: unknown }).accepted, { drift: true });
});

test("leaving with changes asks, and q does not confirm; without changes it leaves", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("d q q q");
  assert.equal(desk.effects, []);
  assert.match(desk.screen, /changes that are not saved/);
  desk.press("escape");
  assert.is(desk.state.mode.kind, "tree");
  desk.press("ctrl-c d");
  assert.equal(desk.effects, [{ kind: "quit" }]);
  const other = await Desk.open(YAML);
  assert.equal(other.press("escape q").effects, [{ kind: "quit" }]);
});

test("from the question at the end one can save, and leaves when that is done", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("d q s return");
  const { draft, encrypted } = desk.state;
  assert.is((desk.effects[0] as { leave?: boolean }).leave, true);
  desk.does({ type: "saved", draft: draft!, encrypted: encrypted!, notes: [], leave: true });
  assert.equal(desk.effects.at(-1), { kind: "quit" });
});

test("idle, it locks: nothing readable is left; what is being typed keeps it open", async () => {
  const desk = await Desk.open(YAML, { options: { lockAfter: 60_000 } });
  desk.to("password").press("return").type("new");
  desk.wait(61_000);
  assert.equal(desk.effects, []);
  desk.press("return").wait(61_000);
  const [effect] = desk.effects;
  assert.is(effect?.kind, "lock");
  assert.is((effect as { changed?: boolean }).changed, true);
  desk.does({ type: "locked" });
  assert.not.match(inspect(desk.state, { depth: null, maxArrayLength: null }), /marker|hunter2|admin/);
  assert.match(desk.screen, /locked: keys and values are forgotten/);
  assert.match(desk.row, /^password/, "the cursor stays");
});

test("while it is busy, keys do nothing", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("d s return d d q");
  assert.is(desk.effects.length, 1);
  assert.is(desk.state.mode.kind, "tree");
});

test("help is searched by typing", async () => {
  const desk = await Desk.open(YAML);
  desk.press("?").type("clip");
  const rows = desk.lines.filter((line) => /^ {2}\S/.test(line));
  assert.equal(
    rows.map((line) => line.trim().split(/\s+/)[0]),
    ["y"],
  );
  desk.press("escape");
  assert.is(desk.state.mode.kind, "tree");
});

test("copying: the value with a deadline, the path, and the path as --extract takes it", async () => {
  const desk = await Desk.open(YAML);
  desk.to("token").press("y Y x");
  assert.equal(desk.effects, [
    { kind: "copy", text: "t0ken-marker", secret: true },
    { kind: "copy", text: "list.1.token", secret: false },
    { kind: "copy", text: '["list"][1]["token"]', secret: false },
  ]);
  assert.not.match(desk.screen, /t0ken/);
});

test("generating: what it offers, how long, and the value is not shown by itself", async () => {
  const desk = await Desk.open(YAML);
  desk.to("password").press("g p");
  assert.match(desk.screen, /how many characters: 24/);
  desk.press("ctrl-u").type("40").press("return");
  const node = desk.state.cursor;
  assert.equal(desk.effects, [
    { kind: "generate", node, recipe: { kind: "password", length: 40, alphabet: "all" } },
  ]);
  desk.does({ type: "generated", node, text: "gener4ted" });
  assert.match(desk.text, /password: gener4ted/);
  assert.not.match(desk.screen, /gener4ted/);
  desk.press("g u");
  assert.equal(desk.effects.at(-1), { kind: "generate", node, recipe: { kind: "uuid" } });
});

test("base64: the text in it is edited", async () => {
  const data = Buffer.from("pass word").toString("base64");
  const desk = await Desk.open(`data:\n  x: ${data}\n  y: "no base64"\n`);
  desk.to("x").press("b");
  assert.match(desk.screen, /pass word/);
  desk.type("!").press("return");
  assert.match(desk.text, new RegExp(`x: ${Buffer.from("pass word!").toString("base64")}`));
  desk.to("y").press("b");
  assert.match(desk.screen, /not the base64 of a text/);
});

test("one value for $EDITOR, or from a file", async () => {
  const desk = await Desk.open(YAML);
  desk.to("note").press("E");
  const node = desk.state.cursor;
  assert.equal(desk.effects, [
    { kind: "editor", node, name: "note", text: "line one\nline two\nline three" },
  ]);
  desk.does({ type: "edited", node, text: "other\ntext\n" });
  const { draft } = desk.state;
  assert.is(draft!.base.reading.entries[draft!.base.outline.nodes[node]!.entry!]!.value, "other\ntext\n");
  desk.press("i").type("key.pem").press("return");
  assert.equal(desk.effects.at(-1), { kind: "read-file", node, path: "key.pem" });
});

test("escape sequences in keys and values are shown as text", async () => {
  const desk = await Desk.open('"a\\e[31mb": "x\\e]0;title\\a\\u202Ey"\n');
  desk.press("v");
  assert.match(desk.screen, /a␛\[31mb/);
  assert.match(desk.screen, /x␛\]0;title␇<U\+202E>y/);
  assert.not.match(desk.screen, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});

test("flat formats offer only what they can hold", async () => {
  const desk = await Desk.open("A=1\nB=2\n", { format: "dotenv" });
  desk.press("t");
  assert.match(desk.screen, /dotenv has only texts/);
  desk.press("a");
  assert.not.match(desk.screen, /a list/);
  desk.press("a").type("C").press("return").type("3").press("return");
  assert.is(desk.text, "A=1\nB=2\nC=3\n");
});

test("an empty document takes its first key", async () => {
  for (const [format, text, after] of [
    ["yaml", "", "k: v\n"],
    ["json", "{}\n", '{\n\t"k": "v"\n}\n'],
    ["dotenv", "", "k=v\n"],
    ["toml", "", 'k = "v"\n'],
  ] as const) {
    const desk = await Desk.open("a: 1\n");
    const { newDraft } = await import("../../../src/ui/draft/draft.ts");
    const { loadFormat } = await import("../../../src/formats/index.ts");
    const { compileSelector, DEFAULT_SELECTOR } = await import("../../../src/sops/selection.ts");
    const setting = { format: await loadFormat(format), selection: await compileSelector(DEFAULT_SELECTOR) };
    const draft = newDraft(text, setting);
    const about = { selector: DEFAULT_SELECTOR, format, wanted: undefined };
    desk.does({ type: "unlocked", draft, saved: draft.base, merge: undefined, notes: [], about });
    desk.press("a a").type("k").press("return").type("v").press("return");
    assert.is(desk.text, after, format);
  }
});

const KEY_LINES = [
  { text: "usable    age age1mine", tone: "good", key: "age:age1mine" },
  { text: "    an identity for it is here", tone: "note" },
  { text: "not here  age age1other", tone: "bad", key: "age:age1other" },
  { text: "the file is as its creation rule has it", tone: "head" },
] as const;

test("the view of keys: each with whether it can be used here; changes are confirmed by another key", async () => {
  const desk = await Desk.open(YAML);
  desk.press("w");
  assert.equal(desk.effects, [{ kind: "keys" }]);
  desk.does({ type: "keys", lines: KEY_LINES, notes: [], encrypted: undefined });
  assert.match(desk.screen, /> usable +age age1mine/);
  desk.press("down d d");
  assert.is(desk.effects.length, 1, "d does not confirm d");
  desk.press("d return");
  assert.equal(desk.effects.at(-1), {
    kind: "change-keys",
    change: { kind: "remove", key: "age:age1other" },
    accepted: false,
  });
  desk.does({ type: "keys", lines: KEY_LINES, notes: [], encrypted: undefined });
  desk.press("a").type("age:age1new").press("return return");
  assert.equal(desk.effects.at(-1), {
    kind: "change-keys",
    change: { kind: "add", key: "age:age1new" },
    accepted: false,
  });
});

test("keys are changed in the file itself, so changes have to be saved first", async () => {
  const desk = await Desk.open(YAML);
  desk.to("user").press("d w");
  desk.does({ type: "keys", lines: KEY_LINES, notes: [], encrypted: undefined }).press("r return");
  assert.match(desk.screen, /save or undo the changes first/);
  assert.is(desk.effects.length, 1);
});

test("the history of an entry is asked for, and masked", async () => {
  const desk = await Desk.open(YAML);
  desk.to("token").press("H");
  assert.equal(desk.effects, [{ kind: "history", title: "token", document: 0, path: ["list", 1, "token"] }]);
  const versions = [
    { commit: "abc 2026-01-02 Ann: new", value: "t0ken-marker", encrypted: true },
    { commit: "def 2026-01-01 Bob: old", value: undefined, encrypted: false, problem: "no key" },
  ];
  desk.does({ type: "history", title: "token", versions });
  assert.match(desk.screen, /Ann: new +•+ 9–16 characters\n.*Bob: old +no key/);
  assert.match(desk.press("v").screen, /t0ken-marker/);
  assert.is(desk.press("escape").state.mode.kind, "tree");
});

test("what is shown in a dialog, or typed in clear, is hidden again after a while and without the focus", async () => {
  const versions = [{ commit: "1 Ann: x", value: "earlier-secret", encrypted: true }];
  const history = (await Desk.open("a: one\n")).does({ type: "history", title: "a", versions }).press("v");
  assert.match(history.screen, /earlier-secret/);
  assert.not.match(history.does({ type: "blur" }).screen, /earlier-secret/);
  history.press("v").wait(30_000);
  assert.not.match(history.screen, /earlier-secret/);
  const typing = (await Desk.open("a: one\n")).press("return");
  assert.match(typing.screen, /a \(text\): one/);
  assert.not.match(typing.wait(30_000).screen, /one/);
  const passphrase = (await Desk.open("a: one\n", { locked: true })).does({
    type: "ask",
    question: "passphrase",
  });
  passphrase.type("geheim").press("ctrl-t");
  assert.match(passphrase.screen, /geheim/);
  assert.not.match(passphrase.does({ type: "blur" }).screen, /geheim/);
});

test("somebody who opened a box and went away finds the file locked, but not what they were typing", async () => {
  const lookedAt = (await Desk.open("a: one\n")).press("return").wait(600_000);
  assert.is(lookedAt.effects.at(-1)?.kind, "lock");
  const typed = (await Desk.open("a: one\n")).press("return").type("2").wait(600_000);
  assert.equal(typed.effects, []);
  assert.is(typed.state.mode.kind, "box");
});

test("keys that are not as the rule says: what was refused is done after y, and only then", async () => {
  const change = { kind: "rotate" } as const;
  const error = new TsopsError("recipients-changed", "not as the rule has it");
  const desk = (await Desk.open("a: one\n")).does({
    type: "refused",
    error,
    accepts: { drift: true },
    notes: ["+++ x"],
    leave: false,
    change,
  });
  assert.match(desk.screen, /Not changed[\s\S]*y do it all the same/);
  assert.equal(desk.press("return r").effects, []);
  assert.equal(desk.press("y").effects, [{ kind: "change-keys", change, accepted: true }]);
});

test("a large document: rows are deleted, added and taken back in parts, and all of it is read before it is saved", async () => {
  const services = Array.from(
    { length: 600 },
    (_, i) => `s${i}:\n  a: x${i}\n  b: y\n  c: z # why\n  d: 4\n`,
  );
  const text = services.join("");
  const desk = await Desk.open(text);
  desk.to("s300.b");
  desk.press("d");
  const without = services.with(300, services[300]!.replace("  b: y\n", "")).join("");
  assert.is(desk.state.draft!.base.text, without);
  assert.is(desk.state.draft!.base.spliced, true);
  assert.match(desk.screen, /changed, not saved/);
  desk.press("a a").type("new").press("return").type("one").press("return");
  assert.match(desk.row, /^\+ new/);
  desk.press("s");
  assert.is(desk.state.draft!.base.spliced, undefined);
  assert.match(desk.screen, /2 changes/);
  assert.match(desk.screen, /- \["s300"\]\["b"\]/);
  assert.match(desk.screen, /\+ \["s300"\]\["new"\]/);
  desk.press("escape u u u");
  assert.is(desk.text, text);
  assert.not.match(desk.screen, /changed, not saved/);
});

test.run();
