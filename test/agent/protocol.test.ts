import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeFrame, FrameReader, VERSION } from "../../src/agent/protocol.ts";

test("frames come out as they went in, however they are cut", () => {
  const frame = fc.record({ op: fc.string(), body: fc.uint8Array({ maxLength: 300 }) });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (all, cuts) => {
        const bytes = Buffer.concat(all.map(({ op, body }) => encodeFrame({ op }, body)));
        const reader = new FrameReader();
        const read = [];
        for (let at = 0; at < bytes.length; ) {
          const end = at + (cuts.next().value as number);
          const chunk = Buffer.from(bytes.subarray(at, end));
          read.push(...reader.push(chunk));
          at = end;
        }
        assert.equal(
          read.map(({ head, body }) => ({ ...head, body: [...body] })),
          all.map(({ op, body }) => ({ v: VERSION, op, body: [...body] })),
        );
      },
    ),
  );
});

test("what came in is overwritten once it is read, or given up", () => {
  const whole = encodeFrame({ op: "keep" }, Buffer.from("secret"));
  const [first, second] = [Buffer.from(whole.subarray(0, 11)), Buffer.from(whole.subarray(11))];
  const reader = new FrameReader();
  reader.push(first);
  const [frame] = reader.push(second);
  assert.is(frame!.body.toString(), "secret");
  assert.ok([first, second].every((chunk) => chunk.every((byte) => byte === 0)));
  const half = Buffer.from(whole.subarray(0, -1));
  const other = new FrameReader();
  other.push(half);
  other.clear();
  assert.ok(half.every((byte) => byte === 0));
});

test("a frame that is too large is refused by its lengths, before it is there", () => {
  const huge = (head: number, body: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(head, 0);
    bytes.writeUInt32BE(body, 4);
    return bytes;
  };
  assert.throws(() => new FrameReader().push(huge(2 ** 17 + 1, 0)), /too large/);
  assert.throws(() => new FrameReader().push(huge(2, 2 ** 16 + 1)), /too large/);
});

test("heads that are no JSON objects are refused", () => {
  for (const text of ["", "null", "[]", "1", "{", '"x"']) {
    const head = Buffer.from(text);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(head.length, 0);
    assert.throws(() => new FrameReader().push(Buffer.concat([lengths, head])), undefined, text);
  }
});

test.run();
