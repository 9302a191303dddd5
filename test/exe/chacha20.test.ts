import { execFileSync } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installBun } from "../../scripts/exe.mjs";
import { encryptBytes, openBytes } from "../../src/keys/age/chacha20.ts";
import { scratchFolder, script } from "../support/scripts.ts";

/** What node:crypto makes, and what bun, which has to take Web Crypto for it, makes of the same. */

const SIZES = [0, 1, 16, 63, 64, 65, 1000, 65_536];
const bytes = (size: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + seed * 17) & 0xff));

test("ChaCha20-Poly1305 is the same by node:crypto and by Web Crypto, in both directions", async () => {
  const cases = await Promise.all(
    SIZES.map(async (size, seed) => {
      const [key, nonce, plain] = [bytes(32, seed), bytes(12, seed + 1), bytes(size, seed + 2)];
      const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      assert.equal(await encryptBytes(key, nonce, plain), sealed);
      assert.equal(await openBytes(key, nonce, sealed), plain);
      return [key, nonce, plain, sealed].map((each) => each.toString("base64"));
    }),
  );
  const inBun = script(
    scratchFolder(),
    `import { createCipheriv } from "node:crypto";
     import { encryptBytes, openBytes } from "./src/keys/age/chacha20.ts";
     let byNode = true;
     try { createCipheriv("chacha20-poly1305", new Uint8Array(32), new Uint8Array(12), { authTagLength: 16 }); } catch { byNode = false; }
     const out = [];
     for (const texts of ${JSON.stringify(cases)}) {
       const [key, nonce, plain, sealed] = texts.map((text) => Buffer.from(text, "base64"));
       const changed = Buffer.from(sealed); changed[changed.length - 1] ^= 1;
       const other = Buffer.from(key); other[0] ^= 1;
       out.push([
         (await encryptBytes(key, nonce, plain)).equals(sealed),
         (await openBytes(key, nonce, sealed))?.equals(plain),
         await openBytes(key, nonce, changed),
         await openBytes(other, nonce, sealed),
         await openBytes(key, nonce, sealed.subarray(0, 15)),
       ]);
     }
     process.stdout.write(JSON.stringify({ byNode, out }));`,
  );
  const said = execFileSync(installBun(), [inBun], { encoding: "utf8", cwd: join(inBun, "..") });
  const { byNode, out } = JSON.parse(said) as { byNode: boolean; out: unknown[] };
  assert.is(byNode, false, "if bun has it now, Web Crypto is no longer needed");
  for (const each of out) assert.equal(each, [true, true, null, null, null]);
});

test.run();
