import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { type Format, pathOf } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { formatPath } from "../../src/formats/path.ts";
import { decodeText, encodeText } from "../../src/formats/text.ts";
import { generateBinary, generateDotenv, generateIni, generateJson } from "../support/generate/others.ts";
import { generateYaml } from "../support/generate/yaml.ts";
import { box } from "../support/sealed.ts";

const TEXTS: Readonly<Record<string, (seed: number) => string>> = {
  yaml: generateYaml,
  json: generateJson,
  dotenv: generateDotenv,
  ini: generateIni,
  binary: (seed) => decodeText(generateBinary(seed)),
  toml: (seed) => `# note ${seed}\nplain_unencrypted = "p"\n[t]\na = ${seed} # one\nb = ['x', 'y', 'x']\n`,
  json5: (seed) => `// note ${seed}\n{plain_unencrypted: 'p', a: ${seed}, b: ["x", null, 'x', {}],}\n`,
};

/**
 * What a text says, without how it is written. Without the layout a float may come back as the integer of that value, and
 * an empty comment as the blank that stands for it (docs/internals/yaml-comments.md §7): that tsops's own metadata is gone
 * is what a seal cannot show (docs/security.md). For the same reason the line of the seal may have become a comment, which
 * stays in the text.
 */
function content(text: string, format: Format): string {
  const said = format.read(text).entries.flatMap((entry) => {
    const { kind, value } = entry;
    if (kind === "comment" && /eal *[=:].*v2:/.test(String(value))) return [];
    const type = typeof value === "bigint" ? "number" : typeof value;
    const written = kind === "comment" && value === "" ? " " : String(value);
    return [[formatPath(pathOf(entry)), kind, type, written]];
  });
  return JSON.stringify(said);
}

for (const [name, generate] of Object.entries(TEXTS)) {
  test(`${name}: flipping any byte of an encrypted file is refused or changes nothing`, async () => {
    const format = await loadFormat(name as Format["name"]);
    const { encrypt, decrypt } = await box(format);
    let refused = 0;
    const flip = (seed: number, places: readonly [place: number, bits: number][]): void => {
      const plain = generate(seed);
      let encrypted: Buffer;
      try {
        encrypted = Buffer.from(encodeText(encrypt(plain)));
      } catch (error) {
        assert.instance(error, TsopsError); // not every generated text can be encrypted
        return;
      }
      for (const [place, bits] of places) {
        const flipped = Buffer.from(encrypted);
        const at = place % flipped.length;
        flipped[at] = flipped[at]! ^ bits;
        let text: string;
        try {
          text = decrypt(decodeText(flipped)).text;
        } catch (error) {
          assert.instance(error, TsopsError);
          refused++;
          continue;
        }
        assert.is(content(text, format), content(plain, format), `byte ${at}, bits ${bits}`);
      }
    };
    const place = fc.tuple(fc.nat(1_000_000), fc.integer({ min: 1, max: 255 }));
    const places = fc.array(place, { minLength: 20, maxLength: 40 });
    fc.assert(fc.property(fc.nat(1_000_000), places, flip), { numRuns: 20 });
    // the first character of each line of the metadata, where that makes it a comment or something unknown
    const whole = Buffer.from(encodeText(encrypt(generate(1000))));
    const firsts = [...whole.toString("latin1").matchAll(/^[ \t]*(?=\S)/gm)].map(
      ({ index, 0: pad }) => index + pad.length,
    );
    const all = firsts.flatMap((at): [number, number][] => [
      [at, whole[at]! ^ 0x23],
      [at, whole[at]! ^ 0x3b],
    ]);
    flip(
      1000,
      all.filter(([, bits]) => bits > 0),
    );
    assert.ok(refused > 50, `${refused} were refused`);
  });
}

test.run();
