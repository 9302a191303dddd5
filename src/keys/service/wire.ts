import { TsopsError } from "../../errors.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { parseClusterUri } from "../cluster/uri.ts";
import { sortedFields, textField } from "../fields.ts";
import type { KindName, MasterKey } from "../kind.ts";
import { MEMBERS, type Member, type WireFields, type WireKey } from "./protocol.ts";

/** A key as key services name it; undefined for kinds that they do not know. */
export function toWire(key: MasterKey): WireKey | undefined {
  const member = MEMBERS.find(({ kind }) => kind === key.kind);
  if (!member) return undefined;
  const fields =
    key.kind === "cluster" ? sortedFields([["key_id", parseClusterUri(key.id)?.keyId]]) : key.fields;
  const pairs = member.fields.map(({ wire, own, map }) => [
    wire,
    map ? textsOf(fields.get(own)) : textField(fields, own),
  ]);
  return { [member.name]: Object.fromEntries(pairs) as WireFields };
}

/** What a request names: a kind, and the fields that the metadata would have for the key. */
export interface NamedKey {
  readonly kind: KindName;
  readonly fields: TreeMap;
}

/** @throws TsopsError("usage") if there is no key, or one of a kind that this version does not know. */
export function fromWire(key: WireKey | null): NamedKey {
  const member = MEMBERS.find(({ name }) => key?.[name]);
  if (!key || !member) {
    throw new TsopsError("usage", "the request names no key, or one of a kind that is not known here");
  }
  return { kind: member.kind, fields: sortedFields(pairsOf(member, key[member.name]!)) };
}

function pairsOf(member: Member, fields: WireFields): [string, Tree | undefined][] {
  return member.fields.map(({ wire, own, map }) => {
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
