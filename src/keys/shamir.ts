import { TsopsError } from "../errors.ts";

/**
 * Shamir's secret sharing as SOPS uses it (docs/internals/sops.md §4): GF(2^8) with the polynomial 0x11B, a share is
 * the 32 y-bytes with its x-byte behind them.
 */

const MAX_SHARES = 255;

/** @throws TsopsError("config") if a secret cannot be split like that. */
export function checkThreshold(count: number, threshold: number): void {
  if (threshold >= 2 && threshold <= count && count <= MAX_SHARES) return;
  throw new TsopsError("config", `a threshold of ${threshold} does not fit ${count} key groups`, {
    hint: "with several key groups the threshold must be at least 2 and at most their number (255 at most)",
  });
}

/**
 * Shares with x = 1 to `count`; any `threshold` of them give the secret. The caller clears them.
 * @throws TsopsError("config") if the numbers do not fit each other.
 */
export async function splitSecret(secret: Uint8Array, count: number, threshold: number): Promise<Buffer[]> {
  checkThreshold(count, threshold);
  const { split } = await import("shamir-secret-sharing");
  // The library gives its shares x values in random order; all 255 of them together have 1 to `count` as well.
  const all = await split(Uint8Array.from(secret), MAX_SHARES, threshold);
  const shares = Array.from({ length: count }, (_, i) =>
    Buffer.from(all.find((share) => share.at(-1) === i + 1)!),
  );
  for (const share of all) share.fill(0);
  return shares;
}

/**
 * The secret that belongs to the shares. With fewer than the threshold, or a wrong one, it is another secret: the
 * file's MAC tells. The caller clears it.
 * @throws TsopsError("no-data-key") if shares cannot belong together.
 */
export async function combineShares(shares: readonly Uint8Array[]): Promise<Buffer> {
  // it would give the secret by itself, whatever the others say; the library does not mind
  if (shares.some((share) => share.at(-1) === 0)) {
    throw new TsopsError("no-data-key", "a part of the data key has the number 0, which none can have", {
      hint: "somebody may have made it up: restore the file from git",
    });
  }
  const { combine } = await import("shamir-secret-sharing");
  const copies = shares.map((share) => Uint8Array.from(share));
  try {
    const secret = await combine(copies);
    const buffer = Buffer.from(secret);
    secret.fill(0);
    return buffer;
  } catch (cause) {
    throw new TsopsError("no-data-key", "the parts of the data key do not belong together", {
      hint: "two key groups hold the same part, or the parts differ in length: restore the file from git",
      cause,
    });
  } finally {
    for (const copy of copies) copy.fill(0);
  }
}
