import type { Decrypted, Warning } from "./decrypt.ts";

/**
 * Warnings of tags that only other programs know (`!env`, `!include`, `!!python/…`) and that no seal vouches for: SOPS
 * would drop them, and we keep them.
 */
export function strangeTags({ format, reading, metadata, sealed }: Decrypted): Warning[] {
  if (sealed && !metadata.macOnlyEncrypted) return [];
  return (format.strangeTags?.(reading) ?? []).map(({ tag, offset }) => ({
    message: `no seal vouches for the tag ${tag}, which other programs may take for an instruction: keep it only if you know it`,
    offset,
  }));
}
