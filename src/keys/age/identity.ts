import type { AgeFile } from "./file.ts";

/** What can open an age file. */
export interface AgeIdentity {
  /** What a report calls it: by its recipient where that is known. Never the identity itself. */
  readonly label: string;
  /** Whom it is the identity of, where that is known. */
  readonly recipient?: string;
  /** The plugin that understands it, if it is one's. */
  readonly plugin?: string;
  /** The same, for kinds that have to work it out. */
  recipientOf?(): Promise<string>;
  /** The identity of a recipient that was derived from this key, where it is that one's (ssh-to-age.ts). */
  derived?(recipient: string): Promise<AgeIdentity | undefined>;
  /** What it takes: identities that need a program or a person are tried after the others. */
  readonly needs: "nothing" | "program" | "person";
  /**
   * The file key, or null if the file is not for this identity. The caller clears it.
   * @throws if the file is for it, but broken, or if it cannot be tried.
   */
  unwrap(file: AgeFile): Promise<Buffer | null>;
}
