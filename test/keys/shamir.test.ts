import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { combineShares, splitSecret } from "../../src/keys/shamir.ts";

test("any set of shares that is large enough gives the secret", async () => {
  const sizes = fc
    .integer({ min: 2, max: 7 })
    .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 2, max: count })));
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      sizes,
      fc.nat(),
      async (secret, [count, threshold], seed) => {
        const shares = await splitSecret(secret, count, threshold);
        assert.equal(
          shares.map((share) => [share.length, share[32]]),
          shares.map((_, i) => [33, i + 1]),
        );
        const turned = shares.map((_, i) => shares[(i + seed) % count]!);
        for (const taken of [turned.slice(0, threshold), shares]) {
          assert.equal(await combineShares(taken), Buffer.from(secret));
        }
        if (threshold > 2)
          assert.not.equal(await combineShares(turned.slice(0, threshold - 1)), Buffer.from(secret));
      },
    ),
    { numRuns: 25 },
  );
});

test("shares that were worked out by hand", async () => {
  // Over GF(2^8) the polynomial 0x2a + 0x05·x: at x = 1 it is 0x2f, at x = 2 it is 0x20.
  assert.equal(await combineShares([Buffer.of(0x2f, 1), Buffer.of(0x20, 2)]), Buffer.of(0x2a));
});

test("a share with x = 0 would be the secret by itself, and is refused wherever it stands", async () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.nat(2), async (secret, chosen, place) => {
      const shares: Uint8Array[] = await splitSecret(secret, 3, 3);
      shares[place] = Uint8Array.of(...chosen, 0);
      const failure = await combineShares(shares).then(String, String);
      assert.match(failure, /a part of the data key has the number 0/);
    }),
    { numRuns: 25 },
  );
});

test("numbers that do not fit", async () => {
  for (const [count, threshold] of [
    [2, 1],
    [2, 0],
    [2, 3],
    [256, 2],
  ] as const) {
    try {
      await splitSecret(Buffer.alloc(32), count, threshold);
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), `a threshold of ${threshold} does not fit ${count} key groups`);
    }
  }
});

test("shares that do not belong together", async () => {
  for (const shares of [
    [Buffer.of(1, 1), Buffer.of(2, 1)],
    [Buffer.of(1, 1), Buffer.of(2, 2, 2)],
    [Buffer.of(1, 1)],
  ]) {
    try {
      await combineShares(shares);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code: string }).code, "no-data-key");
    }
  }
});

test.run();
