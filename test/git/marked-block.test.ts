import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hasBlock, linesOfBlock, withBlock, withoutBlock } from "../../src/git/marked-block.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const LINES = ["*.yaml diff=tsops", "ü x"];

test("a block comes, is changed, and goes again, and the file is what it was, whatever it was", () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
    fc
      .array(fc.constantFrom("a", "\n", "\r\n", "*.x text", "\u00ef\u00bb\u00bf", "# comment", " "), {
        maxLength: 8,
      })
      .map((parts) => bytes(parts.join(""))),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(
      content,
      fc.constantFrom("begin" as const, "second line" as const, "end" as const),
      fc.boolean(),
      (before, at, moves) => {
        const one = withBlock(before, LINES, { at });
        assert.equal(linesOfBlock(one), LINES);
        assert.ok(withBlock(one, LINES, { at }).equals(one));
        const two = withBlock(one, ["other"], { at, moves });
        assert.equal(linesOfBlock(two), ["other"]);
        const after = withoutBlock(two);
        assert.equal(after === undefined, before === undefined);
        if (after && before) assert.ok(after.equals(before), JSON.stringify(two.toString("latin1")));
      },
    ),
  );
});

test("a \\r at the end of the file is its own, not half of a line break of the block", () => {
  for (const before of ["\r", "a\r", "a\nb\r", "a\r\nb\r"])
    assert.is(withoutBlock(withBlock(bytes(before), LINES, { at: "end" }))!.toString(), before);
});

test("the line ends of the file are those of the block, and it is behind a mark of the encoding", () => {
  assert.match(withBlock(bytes("a\r\nb\r\n"), LINES, { at: "begin" }).toString(), /diff=tsops\r\n/);
  assert.not.match(withBlock(bytes("a\r\nb\n"), LINES, { at: "begin" }).toString(), /diff=tsops\r\n/);
  assert.match(withBlock(bytes("\u00ef\u00bb\u00bfa\n"), LINES, { at: "begin" }).toString(), /^\ufeff# >>>/);
});

test("a file that was made for the block goes with it, but not with what was added", () => {
  const head = "#!/bin/sh\n";
  const made = withBlock(undefined, LINES, { at: "end", head });
  assert.match(made.toString(), /^#!\/bin\/sh\n# >>>/);
  assert.is(withoutBlock(made, { head }), undefined);
  const more = Buffer.concat([made, bytes("echo more\n")]);
  assert.is(withoutBlock(more, { head })!.toString(), `${head}echo more\n`);
  assert.is(withoutBlock(withBlock(bytes(""), LINES, { at: "end" }))!.length, 0);
});

test("a block stays where it is, unless it is to be moved", () => {
  const text = withBlock(bytes("a\nb\n"), LINES, { at: "end" });
  const moved = (moves: boolean) => withBlock(text, ["x"], { at: "begin", moves }).toString();
  assert.match(moved(false), /^a\nb\n# >>>/);
  assert.match(moved(true), /# <<< tsops git install\na\nb\n$/);
});

test("lines that were added behind a block stay lines, also where the file had no line break at its end", () => {
  const text = withBlock(bytes("a"), LINES, { at: "end" });
  const more = Buffer.concat([text, bytes("b\n")]);
  assert.is(withoutBlock(more)!.toString(), "a\nb\n");
  assert.match(withBlock(more, ["x"], { at: "end" }).toString(), /^a\n[\s\S]*# <<< tsops git install\nb\n$/);
});

test("what only looks like a block is none", () => {
  const text = withBlock(bytes("x\n"), LINES, { at: "end" }).toString();
  assert.not.ok(hasBlock(bytes(text.replace("# <<<", "# <<"))));
  assert.not.ok(hasBlock(bytes(text.replace("# >>>", "x # >>>"))));
  assert.not.ok(hasBlock(undefined));
});

test.run();
