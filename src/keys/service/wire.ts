import { TsopsError } from "../../errors.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { sortedFields, textField } from "../fields.ts";
import type { KeyKind, Kinds, MasterKey, WireForm } from "../kind.ts";
import type { WireFields, WireKey } from "./protocol.ts";

/** How the kinds are named that key services may be asked for, in the order of their numbers. */
export function wireForms({ all }: Kinds): WireForm[] {
  return all.flatMap(({ wire }) => wire ?? []).sort((a, b) => a.number - b.number);
}

/** A key as key services name it; undefined for kinds that they do not know. */
export function toWire(key: MasterKey, kinds: Kinds): WireKey | undefined {
  const form = kinds.kindOf(key).wire;
  if (!form) return undefined;
  const fields = form.fieldsOf?.(key) ?? key.fields;
  const pairs = form.fields.map(({ wire, own, map }) => [
    wire,
    map ? textsOf(fields.get(own)) : textField(fields, own),
  ]);
  return { [form.name]: Object.fromEntries(pairs) as WireFields };
}

/** What a request names: a kind, and the fields that the metadata would have for the key. */
export interface NamedKey {
  readonly kind: KeyKind;
  readonly fields: TreeMap;
}

/** @throws TsopsError("usage") if there is no key, or one of a kind that this version does not know. */
export function fromWire(key: WireKey | null, { all }: Kinds): NamedKey {
  for (const kind of all) {
    const fields = kind.wire && key?.[kind.wire.name];
    if (fields) return { kind, fields: sortedFields(pairsOf(kind.wire, fields)) };
  }
  throw new TsopsError("usage", "the request names no key, or one of a kind that is not known here");
}

function pairsOf(form: WireForm, fields: WireFields): [string, Tree | undefined][] {
  return form.fields.map(({ wire, own, map }) => {
    const value = fields[wire] ?? "";
    if (typeof value === "string") return [own, value === "" ? undefined : value];
    const pairs = Object.entries(value);
    return [own, map && pairs.length > 0 ? sortedFields(pairs) : undefined];
  });
}

function textsOf(value: Tree | undefined): Record<string, string> {
  if (!(value instanceof TreeMap)) return {};
  return Object.fromEntries(value.entries().map((entry) => [entry.key, textField(value, entry.key)]));
}
