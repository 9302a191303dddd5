import type { Reading } from "../formats/format.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "./selection.ts";

/** A file none of whose values is selected. */
export interface Nothing {
  readonly selector: Selector;
  readonly values: number;
  /** Whether comments are selected. */
  readonly comments: boolean;
}

/** A selector that matches nothing is hardly meant. That all names end in the default's suffix is. */
export async function nothingSelected(
  { entries }: Pick<Reading, "entries">,
  selector: Selector,
): Promise<Nothing | undefined> {
  const { kind, value } = selector;
  if (kind === DEFAULT_SELECTOR.kind && value === DEFAULT_SELECTOR.value) return;
  const selected = (await compileSelector(selector))(entries);
  const full = entries.filter(
    (entry) => entry.value !== undefined && entry.value !== null && entry.value !== "",
  );
  const values = full.filter((entry) => entry.kind === "value");
  const secret = new Set(entries.filter((_, i) => selected[i]));
  if (values.length === 0 || values.some((entry) => secret.has(entry))) return;
  return { selector, values: values.length, comments: full.some((entry) => secret.has(entry)) };
}
