import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { decodeText, encodeText, MAX_TEXT_BYTES } from "../../src/formats/text.ts";

test("bytes become a text and the same bytes again, whatever they are", () => {
  const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => (i < 256 ? i : (i * 7) % 256)));
  assert.ok(encodeText(decodeText(bytes)).equals(bytes));
});

test("more bytes than a text can have are refused with words for people", () => {
  try {
    // the system gives no memory for what nobody writes to
    decodeText(Buffer.alloc(MAX_TEXT_BYTES + 1));
    assert.unreachable();
  } catch (error) {
    assert.is((error as TsopsError).code, "read");
    assert.match((error as TsopsError).message, /larger than 512 MiB/);
  }
});

test.run();
