import { TsopsError } from "./errors.ts";
import { buildTrees } from "./formats/build.ts";
import type { Format } from "./formats/format.ts";
import type { TreeMap } from "./formats/tree.ts";
import type { Recipients } from "./keys/difference.ts";
import { type UnwrapOptions, unwrapDataKey } from "./keys/groups.ts";
import type { KeyContext, KeyGroup, KeyService } from "./keys/kind.ts";
import { groupsFromMetadata } from "./keys/metadata.ts";
import { parseDecryptionOrder } from "./keys/table.ts";
import { type Decrypted, decryptText, type EncryptedText, readEncrypted } from "./sops/decrypt.ts";
import { mayBeLineEnds, otherLineEnds } from "./sops/line-ends.ts";
import type { Metadata } from "./sops/metadata.ts";
import { compileSelector, type Selection, type Selector } from "./sops/selection.ts";

/** What opening and saving documents needs besides the documents: how keys are reached, and the clock. */
export interface Session {
  readonly context: KeyContext;
  /** Kinds in the order in which they are tried; see `parseDecryptionOrder`. */
  readonly order?: readonly string[];
  /** Remote key services, tried after the local one. */
  readonly services?: readonly KeyService[];
  /** Whether keys may be used by this process itself. Default true. */
  readonly local?: boolean;
}

export type { Recipients };

/** What a new encrypted file is made with. */
export interface NewFile extends Recipients {
  readonly selector?: Selector;
  readonly macOnlyEncrypted?: boolean;
  /** Write the seal of docs/format.md. Default true. */
  readonly seal?: boolean;
  /** Blanks a level for the metadata block. */
  readonly indent?: number;
  /** A data key that other files have, too; a new one if it is not given. */
  readonly shared?: SharedKey;
}

/** A data key that several files have, and its wrapped forms. Whoever made it clears it. */
export interface SharedKey {
  readonly dataKey: Buffer;
  readonly groups: readonly KeyGroup[];
}

/** An encrypted document that was opened. `close` clears the data key. */
export interface OpenDocument extends Recipients {
  readonly format: Format;
  readonly metadata: Metadata;
  readonly decrypted: Decrypted;
  readonly dataKey: Buffer;
  readonly selection: Selection;
  close(): void;
}

/**
 * Opens an encrypted text with whichever master key works here.
 * @throws TsopsError("no-data-key") with a report for each key, and what `readEncrypted` and `decryptText` throw.
 */
export async function openText(
  text: string,
  format: Format,
  session: Session,
  options: { ignoreMac?: boolean; onOpened?: UnwrapOptions["onOpened"] } = {},
): Promise<OpenDocument> {
  return await openRead(readEncrypted(text, format), session, options);
}

/** The same for a text that was read. */
export async function openRead(
  opened: EncryptedText,
  session: Session,
  options: { ignoreMac?: boolean; onOpened?: UnwrapOptions["onOpened"] } = {},
): Promise<OpenDocument> {
  const { format } = opened;
  const { groups, threshold } = groupsFromMetadata(opened.metadata.tree);
  const [dataKey, selection] = await Promise.all([
    unwrapDataKey(groups, threshold, {
      ...session,
      order: session.order ?? parseDecryptionOrder(""),
      onOpened: options.onOpened,
    }),
    compileSelector(opened.metadata.selector),
  ]);
  const close = () => void dataKey.fill(0);
  try {
    const decrypted = decryptWithEnds(opened, dataKey, selection, options);
    return { format, metadata: opened.metadata, groups, threshold, decrypted, dataKey, selection, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The same with a data key that is known already; undefined where it is not this file's. */
export async function openWithKey(opened: EncryptedText, known: Buffer): Promise<OpenDocument | undefined> {
  const { format, metadata } = opened;
  const { groups, threshold } = groupsFromMetadata(metadata.tree);
  const selection = await compileSelector(metadata.selector);
  const dataKey = Buffer.from(known);
  const close = () => void dataKey.fill(0);
  try {
    const decrypted = decryptWithEnds(opened, dataKey, selection, {});
    return { format, metadata, groups, threshold, decrypted, dataKey, selection, close };
  } catch (error) {
    close();
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

/** The decrypted values as trees, one for each document of a text. */
export function documentTrees({ reading, items }: Pick<Decrypted, "reading" | "items">): TreeMap[] {
  const plain = new Map(items.map(({ entry, value }) => [entry, value]));
  return buildTrees(reading.entries, reading.documents, (entry) => plain.get(entry));
}

type Opening = [dataKey: Buffer, selection: Selection, options: { ignoreMac?: boolean }];

/** Decrypts, if need be with the line ends that the text had before something changed them. */
function decryptWithEnds(encrypted: EncryptedText, ...how: Opening): Decrypted {
  const { format, reading } = encrypted;
  try {
    return decryptText(encrypted, ...how);
  } catch (error) {
    const other = mayBeLineEnds(error) ? otherLineEnds(reading.text, format) : undefined;
    if (other === undefined) throw error;
    try {
      return decryptText(readEncrypted(other, format), ...how);
    } catch {
      throw error;
    }
  }
}

/** The same document after a change, without asking for keys again. `text` is what one of the saves below gave. */
export function reopen(file: OpenDocument, text: string): OpenDocument {
  const opened = readEncrypted(text, file.format);
  const decrypted = decryptText(opened, file.dataKey, file.selection);
  return { ...file, metadata: opened.metadata, decrypted };
}
