import type { Line } from "./cells.ts";

/** What stands in the place of the rows, or below them, while the editor asks something. */
export interface Dialog {
  readonly body?: readonly Line[];
  readonly bottom?: readonly Line[];
  readonly keys?: readonly (readonly [key: string, what: string])[];
  readonly cursor?: { readonly in: "body" | "bottom"; readonly x: number; readonly y: number };
}
