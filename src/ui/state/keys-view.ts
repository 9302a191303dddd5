/** A line of the view of keys. */
export interface KeyLine {
  readonly text: string;
  readonly tone: "head" | "good" | "bad" | "note";
  /** The key's URI, on the line that names it. */
  readonly key?: string;
}

/** What can be changed about who opens a file. */
export type KeyChange =
  | { readonly kind: "add"; readonly key: string }
  | { readonly kind: "remove"; readonly key: string }
  /** A new data key for the same people. */
  | { readonly kind: "rotate" }
  /** The keys of the creation rule. */
  | { readonly kind: "rule" };

export function describeChange(change: KeyChange): string {
  switch (change.kind) {
    case "add":
      return `Let ${change.key} open the file?`;
    case "remove":
      return `Take ${change.key} away, and make a new data key?`;
    case "rotate":
      return "Make a new data key, and encrypt everything anew?";
    case "rule":
      return "Give the file the keys of its creation rule?";
  }
}
