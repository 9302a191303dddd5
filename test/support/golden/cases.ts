import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A folder of the golden cases: command lines that the real SOPS was given, and what it did. See its README.md. */
export interface Case {
  readonly name: string;
  readonly desc: string;
  readonly env: Readonly<Record<string, string | null>>;
  /** Path below the home folder → name of the key file that is copied there. */
  readonly home?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** Pins down a bug of SOPS: says which. */
  readonly quirk?: string;
  readonly needs_real?: boolean;
}

export interface Step {
  readonly argv: readonly string[];
  /** The expected exit code; `nonzero` where SOPS crashed. Background steps have none. */
  readonly rc?: number | "nonzero";
  /** `real`: run by the real SOPS, if there is one. */
  readonly bin?: "real";
  readonly env?: Readonly<Record<string, string | null>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly stdin_file?: string;
  /** File that standard output is kept in, for later steps. */
  readonly save?: string;
  readonly stdout?: "exact" | "enc" | "ignore";
  readonly files?: readonly FileCheck[];
  /** A second right answer. */
  readonly alt?: { readonly rc: number; readonly stdout: string };
  /** Left running until the case is over; the next step waits until this path is there. */
  readonly bg?: boolean;
  readonly wait?: string;
}

export type FileCheck =
  | { readonly path: string; readonly mode: "exact" | "enc" }
  /** Which ciphertexts of `base`, by number, must still be in the file. */
  | {
      readonly path: string;
      readonly mode: "persist";
      readonly base: string;
      readonly expect: readonly number[];
    }
  | { readonly path: string; readonly mode: "absent"; readonly expect: boolean };

export interface CaseFolder extends Case {
  readonly folder: string;
}

/** All cases below a folder, by name. */
export function readCases(root: string): CaseFolder[] {
  const cases: CaseFolder[] = [];
  for (const name of readdirSync(root).sort()) {
    const folder = join(root, name);
    let text: string;
    try {
      text = readFileSync(join(folder, "case.json"), "utf8");
    } catch {
      continue;
    }
    cases.push({ ...(JSON.parse(text) as Case), folder });
  }
  return cases;
}
