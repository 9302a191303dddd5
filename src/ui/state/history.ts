import type { Scalar } from "../../formats/scalar.ts";

/** What an entry said in one version of the file. */
export interface Version {
  /** The commit: its short id, its day, who made it, and the first line of its message. */
  readonly commit: string;
  /** Undefined where there was nothing at this path, or no value. */
  readonly value: Scalar | undefined;
  readonly encrypted: boolean;
  /** Why it cannot be told. */
  readonly problem?: string;
}
