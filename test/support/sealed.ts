import { randomBytes } from "node:crypto";
import type { Format } from "../../src/formats/format.ts";
import { TreeMap } from "../../src/formats/tree.ts";
import { type Decrypted, decryptText, readEncrypted } from "../../src/sops/decrypt.ts";
import { encryptText } from "../../src/sops/encrypt.ts";
import { SOPS_VERSION, selectorFields, treeWith } from "../../src/sops/metadata.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "../../src/sops/selection.ts";
import type { EncryptOptions } from "../../src/sops/work.ts";

/** Encrypts and decrypts with a data key of its own: for tests of the file format, without any master key. */
export interface Box {
  readonly dataKey: Buffer;
  encrypt(plain: string, more?: Partial<EncryptOptions>): string;
  decrypt(text: string, options?: { ignoreMac?: boolean }): Decrypted;
}

export async function box(format: Format, selector: Selector = DEFAULT_SELECTOR): Promise<Box> {
  const dataKey = randomBytes(32);
  const selection = await compileSelector(selector);
  const metadata = treeWith(new TreeMap(), { ...selectorFields(selector), version: SOPS_VERSION });
  const options: EncryptOptions = {
    dataKey,
    random: randomBytes,
    lastModified: "2026-11-22T10:00:00Z",
    selection,
    metadata,
    seal: true,
  };
  return {
    dataKey,
    encrypt: (plain, more) => encryptText(plain, format, { ...options, ...more }).text,
    decrypt: (text, more) => decryptText(readEncrypted(text, format), dataKey, selection, more),
  };
}

/** An error's code, for comparing. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
