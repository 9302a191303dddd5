import type { Container, Entry, Reading } from "../../format.ts";
import { flowKey, flowScalar } from "../print/flow.ts";
import { columnOf, eolOf } from "../read/spacing.ts";
import type { YamlAlias } from "../read/walk.ts";
import { quoteDouble, quoteIfNeeded, quoteSingle } from "./quotes.ts";

/** See {@link Format.expandAlias}: a scalar, or a map or list in flow style. */
export function expandAlias(
  reading: Reading,
  entries: readonly Entry[],
  ciphers: ReadonlyMap<Entry, string>,
): string {
  const first = entries[0]!;
  const alias = first.alias as YamlAlias;
  const { holder, key } = alias;
  if (first.in === holder && first.kind === "value") {
    const cipher = ciphers.get(first);
    const flow = holder?.start !== undefined;
    if (cipher === undefined) return flowScalar(first.value!, false, flow);
    return flow ? quoteSingle(cipher) : quoteIfNeeded(cipher);
  }
  const writer = new FlowWriter(reading, entries, ciphers, columnOf(reading.text, alias.at) + 2);
  if (first.kind !== "comment" && first.in === holder && (holder === undefined || first.key === key)) {
    return first.kind === "empty-map" ? "{}" : "[]";
  }
  return writer.collection(childOf(holder, first.in!), 0);
}

/** The container directly inside another that something further in belongs to. */
function childOf(outer: Container | undefined, inner: Container): Container {
  let container = inner;
  while (container.parent !== outer) container = container.parent!;
  return container;
}

class FlowWriter {
  private readonly entries: readonly Entry[];
  private readonly ciphers: ReadonlyMap<Entry, string>;
  private readonly eol: string;
  private readonly column: number;
  private i = 0;

  constructor(
    reading: Reading,
    entries: readonly Entry[],
    ciphers: ReadonlyMap<Entry, string>,
    column: number,
  ) {
    this.entries = entries;
    this.ciphers = ciphers;
    this.eol = eolOf(reading);
    this.column = column;
  }

  /** A map or list from the current entry on. Its comments stand on lines of their own, each before its entry. */
  collection(container: Container, depth: number): string {
    const pad = this.eol + " ".repeat(this.column + 2 * depth);
    let text = "";
    let comments = "";
    let nested = false;
    for (
      let entry = this.entries[this.i];
      entry?.in && isWithin(entry.in, container);
      entry = this.entries[this.i]
    ) {
      if (entry.in === container && entry.kind === "comment") {
        comments += `${pad}#${this.ciphers.get(entry) ?? entry.value}`;
        this.i++;
        continue;
      }
      nested = entry.in !== container;
      const child = nested ? childOf(container, entry.in) : undefined;
      const key = child ? child.key : entry.key;
      if (text !== "") text += ",";
      if (comments !== "") text += comments + pad;
      else if (text !== "") text += " ";
      comments = "";
      if (container.kind === "map") text += flowKey(String(key));
      text += child ? this.collection(child, depth + 1) : this.item(entry);
    }
    // Below a nested collection, comments would be that one's: such a copy is left out.
    if (comments !== "" && text !== "" && !nested) text += comments + pad;
    return container.kind === "map" ? `{${text}}` : `[${text}]`;
  }

  private item(entry: Entry): string {
    this.i++;
    if (entry.kind === "value") {
      const cipher = this.ciphers.get(entry);
      return cipher === undefined ? flowScalar(entry.value!) : quoteDouble(cipher);
    }
    // Comments inside an empty collection would be lost.
    for (let next = this.entries[this.i]; next?.kind === "comment"; next = this.entries[this.i]) {
      if (next.in === entry.in || next.in?.parent !== entry.in || next.in?.key !== entry.key) break;
      this.i++;
    }
    return entry.kind === "empty-map" ? "{}" : "[]";
  }
}

function isWithin(inner: Container, outer: Container): boolean {
  for (let at: Container | undefined = inner; at; at = at.parent) if (at === outer) return true;
  return false;
}
