import fc from "fast-check";
import { json } from "../src/formats/json.ts";
import { json5 } from "../src/formats/json5.ts";
import { toml } from "../src/formats/toml.ts";
import { binary } from "../src/formats/binary.ts";
import { applyEdits } from "../src/formats/text.ts";
import { box } from "./support/sealed.ts";
import { documents, JSON_NOTATION } from "./formats/json-texts.ts";
import { tomlTexts } from "./formats/toml-texts.ts";
const n = Number(process.argv[2] ?? 300), seed = Number(process.argv[3] ?? 1);
const j5 = documents({
  keys: fc.oneof(JSON_NOTATION.keys, fc.constantFrom("a", "$b", "_", "été", "\\u0061b", "'q'", "NaN")),
  scalars: fc.oneof(JSON_NOTATION.scalars, fc.constantFrom("+1", "0x1F", "-0xff", ".5", "5.", "Infinity", "NaN"), fc.constantFrom("'it\\'s'", '"a\\\nb"', "'\\x41\\0\\v\\q'", "''")),
  gaps: fc.constantFrom("", " ", "\n", "\r\n", "// c\n", "/* b */", "/**/", "/*\n*/", "\n// d\n"), trailingCommas: true });
for (const [format, texts] of [[json, documents(JSON_NOTATION)], [json5, j5], [toml, tomlTexts], [binary, fc.string()]] as const) {
  const { encrypt, decrypt } = await box(format);
  let ok = 0, bad = 0, layout = 0; 
  for (const text of fc.sample(texts as fc.Arbitrary<string>, { numRuns: n, seed })) {
    try { format.read(text); } catch { continue; }
    if (format !== binary && format.read(text).metadata) continue;
    try {
      const enc = encrypt(text);
      if (/layout/.test(enc)) layout++;
      const dec = decrypt(enc);
      if (dec.text !== text) throw new Error("differs");
      // edit and re-encrypt
      if (format !== binary) {
        const changed = applyEdits(text, format.set(format.read(text), ["zzz"], "new", {}));
        const enc2 = encrypt(changed, { previous: { decrypted: dec, sameKey: true } });
        if (decrypt(enc2).text !== changed) throw new Error("update differs");
      }
      ok++;
    } catch (e: any) { bad++; if (bad < 6) console.log(format.name, JSON.stringify(text), e.message, e.hint, e.place, e.cause?.message); }
  }
  console.log(format.name, { ok, bad, layout });
}
