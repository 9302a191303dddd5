import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Input, KeyReader } from "../../../src/ui/terminal/keys.ts";

function read(...chunks: (string | Buffer)[]): Input[] {
  const reader = new KeyReader();
  const found = chunks.flatMap((chunk) => reader.read(Buffer.from(chunk as string)));
  return [...found, ...reader.flush()];
}

const names = (...chunks: (string | Buffer)[]): string[] =>
  read(...chunks).map((input) => {
    if (input.type !== "key") return input.type;
    const { name, ctrl, alt } = input.key;
    return `${ctrl ? "ctrl-" : ""}${alt ? "alt-" : ""}${name}`;
  });

test("characters, control characters and keys with names", () => {
  assert.equal(names("aé日😀"), ["a", "é", "日", "😀"]);
  assert.equal(names("\r\n\t\x7f\x03\x1a"), ["return", "return", "tab", "backspace", "ctrl-c", "ctrl-z"]);
  assert.equal(names("\x1b[A\x1bOB\x1b[5~\x1b[3~\x1b[H\x1b[1;5C\x1b[1;3D"), [
    ...["up", "down", "pageup", "delete", "home", "ctrl-right", "alt-left"],
  ]);
  assert.equal(names("\x1bb"), ["alt-b"]);
  assert.equal(names("\x1b"), ["escape"]);
  assert.equal(names("\x1b\x1b[A"), ["escape", "up"]);
});

test("in whatever pieces it comes, it is the same", () => {
  const bytes = Buffer.from("x\x1b[A日\x1b[200~one\rtwo\x1b[201~\x1b[I\x1b[O\x1b]52;c;YQ==\x07y");
  const whole = read(bytes);
  const pieces = read(...[...bytes].map((byte) => Buffer.from([byte])));
  assert.equal(pieces, whole);
  assert.equal(
    whole.map(({ type }) => type),
    ["key", "key", "key", "paste", "focus", "blur", "clipboard", "key"],
  );
});

test("a paste is a paste until its end, whatever is in it", () => {
  assert.equal(read("\x1b[200~a\x1b[Ab\x03", "c\r\x1b[201~"), [{ type: "paste", text: "a\x1b[Ab\x03c\r" }]);
});

test("sequences that mean nothing here are passed over", () => {
  assert.equal(names("\x1b[?62;4ca\x1b[27;5;9~b\x1b]11;rgb:00/00/00\x1b\\c"), ["a", "b", "c"]);
});

test("an escape that has begun waits for the rest, and a lone one says so", () => {
  const reader = new KeyReader();
  assert.equal(reader.read(Buffer.from("\x1b")), []);
  assert.ok(reader.waits);
  assert.equal(reader.read(Buffer.from("[")), []);
  assert.is(reader.read(Buffer.from("B")).length, 1);
  assert.not.ok(reader.waits);
});

test("Esc or Ctrl-C ends a paste whose end does not come, and the keys behind it count", () => {
  for (const pressed of ["\x1b", "\x03", "qq\x1b\x1b"]) {
    const reader = new KeyReader();
    assert.equal(reader.read(Buffer.from("\x1b[200~secret")), []);
    assert.equal(reader.flush(), [], "a pause is no end");
    assert.is(reader.waits, undefined);
    assert.equal(reader.read(Buffer.from(pressed)), []);
    assert.is(reader.waits, "late");
    assert.equal(reader.flush(), [{ type: "lost-paste" }]);
    assert.equal(reader.read(Buffer.from("q")), [{ type: "key", key: { name: "q" } }]);
  }
});

test("an Esc in a paste is none as long as the paste goes on, however slowly", () => {
  const reader = new KeyReader();
  for (const part of ["\x1b[200~a\x1b", "b\x03", "c\x1b", "[201", "~"]) {
    if (part !== "~") assert.equal(reader.read(Buffer.from(part)), []);
    else assert.equal(reader.read(Buffer.from(part)), [{ type: "paste", text: "a\x1bb\x03c" }]);
  }
});

test("what only a terminal sends is never taken for keys, when its end is late or does not come", () => {
  for (const begun of ["\x1b]52;c;ZHFz", "\x1b]52;c;ZHFz\x1b", "\x1b[200", "\x1b[?62;"]) {
    const reader = new KeyReader();
    assert.equal(reader.read(Buffer.from(begun)), []);
    assert.is(reader.waits, "late");
    assert.equal(reader.flush(), []);
    assert.equal(reader.read(Buffer.from("x")), [{ type: "key", key: { name: "x" } }]);
  }
  const reader = new KeyReader();
  reader.read(Buffer.from("\x1b]"));
  assert.is(reader.waits, "soon");
  assert.equal(reader.flush(), [{ type: "key", key: { name: "]", alt: true } }]);
});

test.run();
