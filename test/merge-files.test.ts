import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openText, type Session } from "../src/document.ts";
import { TsopsError } from "../src/errors.ts";
import { loadFormat } from "../src/formats/index.ts";
import { kindNamed } from "../src/keys/table.ts";
import { mergePlain } from "../src/merge/merge.ts";
import { mergeVersions, openVersions } from "../src/merge-files.ts";
import { encryptNew, saveText } from "../src/save.ts";
import { IDENTITY_FILE, RECIPIENT } from "./support/cli.ts";
import { generateDotenv, generateIni, generateJson } from "./support/generate/others.ts";
import { generateYaml } from "./support/generate/yaml.ts";
import { contextWith } from "./support/keys/contexts.ts";
import { edited } from "./support/merge/edits.ts";

const session: Session = { context: contextWith({ SOPS_AGE_KEY_FILE: IDENTITY_FILE }) };
const KINDS = [
  ["yaml", generateYaml],
  ["json", generateJson],
  ["dotenv", generateDotenv],
  ["ini", generateIni],
] as const;

fc.configureGlobal({ includeErrorInReport: true });

const CIPHER = /ENC\[AES256_GCM,data:[^\]]*\]/g;

for (const [name, generate] of KINDS) {
  test(`${name}: merged encrypted files say what merged plaintexts say, with ciphertexts of the sides`, async () => {
    const format = await loadFormat(name);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.gen(), async (seed, g) => {
        const pick = (limit: number) => g(fc.nat, { max: limit - 1 });
        const base = generate(seed);
        let first: string;
        try {
          const groups = [kindNamed("age").parse(RECIPIENT, {})];
          first = (await encryptNew(base, format, { groups, threshold: 0 }, session)).text;
        } catch (error) {
          // a text that cannot be encrypted
          if (error instanceof TsopsError) return;
          throw error;
        }
        const open = await openText(first, format, session);
        const [x, y] = [0, 1].map(() => edited(format, base, pick, () => true).text) as [string, string];
        let ours: string;
        let theirs: string;
        try {
          ours = saveText(open, x, session).text;
          theirs = saveText(open, y, session).text;
        } catch (error) {
          if (error instanceof TsopsError) return;
          throw error;
        }
        const wanted = mergePlain({ format, base, ours: x, theirs: y });
        const versions = await openVersions({ base: first, ours, theirs }, name, session);
        const merged = await mergeVersions(versions, session, { labels: {}, accept: () => false });
        assert.is(merged.dataKey, "ours");
        assert.is(merged.conflicts.length, wanted.conflicts.length);
        const again = await openText(merged.text, format, session);
        assert.is(again.decrypted.text, wanted.text);
        assert.ok(again.decrypted.sealed);
        const ciphers = again.decrypted.reading.entries.flatMap(
          ({ value }) => String(value).match(CIPHER) ?? [],
        );
        assert.is(new Set(ciphers).size, ciphers.length, "each ciphertext once");
        const known = new Set(
          [...ours.matchAll(CIPHER), ...theirs.matchAll(CIPHER)].map(([cipher]) => cipher),
        );
        const fresh = ciphers.filter((cipher) => !known.has(cipher));
        // list items and comments can move to other paths; most keep what they had
        assert.ok(fresh.length <= ciphers.length / 2 + 4, `${fresh.length} of ${ciphers.length} are new`);
        for (const document of [open, again]) document.close();
        versions.close();
      }),
      { numRuns: 25 },
    );
  });
}

test.run();
