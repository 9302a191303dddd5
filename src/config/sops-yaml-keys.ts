import type { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { type SopsKind, sopsKinds } from "../keys/table.ts";
import { type Decoder, isNull } from "./decode.ts";
import type { KeyRef, NamedKey, UnknownField } from "./model.ts";
import type { Field, Node } from "./node.ts";
import { configError, describe } from "./problem.ts";

export interface FlatKeys {
  refs: KeyRef[];
  errors: TsopsError[];
}

/** An identifier as it stands in the file. */
interface Item {
  readonly text: string;
  readonly at: number;
  readonly anchor?: string;
}

/**
 * The keys of one field of a creation rule: a text with commas, or a list of texts, which may have commas too
 * (SPEC section 7). What is wrong stops those files only that the rule is for, except in `hckms`, which SOPS declares
 * as a list.
 */
export function flatKeys(
  decoder: Decoder,
  field: Field,
  name: string,
  kind: SopsKind,
  what: string,
  names: NamedKey[],
): FlatKeys {
  const errors: TsopsError[] = [];
  const fail = (node: Node | Item, message: string, hint: string) =>
    void errors.push(configError(message, decoder.places.at(node.at), hint));
  const items: Item[] = [];
  const { node } = field;
  const hint = "write one text with commas between the keys, or a list of texts";
  if (kind.sops.ruleIsList) append(items, decoder.texts(field, `${name} of ${what}`));
  else if (node.kind === "scalar" && typeof node.value === "string") {
    const parts = node.value.split(",").map((part) => part.trim());
    for (const text of parts.filter((part) => part !== ""))
      items.push({ text, at: node.at, anchor: node.anchor });
  } else if (node.kind === "list") {
    for (const item of node.items) {
      if (item.kind === "scalar" && typeof item.value === "string") {
        items.push({ text: item.value, at: item.at, anchor: item.anchor });
      } else
        fail(item, `${name} of ${what} must be a list of texts, and this item is ${describe(item)}`, hint);
    }
  } else if (!isNull(node))
    fail(node, `${name} of ${what} must be a text or a list, and this is ${describe(node)}`, hint);
  const refs = refsOf(items, kind, decoder, names, (item) =>
    fail(item, `a key in ${name} of ${what} is empty`, "remove it, or the comma next to it"),
  );
  return { refs, errors };
}

/** SOPS joins a list with commas and splits it again, so that a single empty text is no key at all. */
function refsOf(
  items: readonly Item[],
  kind: SopsKind,
  decoder: Decoder,
  names: NamedKey[],
  empty: (item: Item) => void,
): KeyRef[] {
  if (items.every(({ text }) => text === "")) {
    if (items.length > 1 && !kind.sops.skipsEmpty) empty(items[1]!);
    return [];
  }
  const refs: KeyRef[] = [];
  for (const item of items) {
    const parts = item.text.split(",");
    for (const part of parts) {
      if (part.trim() !== "")
        refs.push({ kind: kind.name, id: part.trim(), place: decoder.places.at(item.at) });
      else if (!kind.sops.skipsEmpty) empty(item);
    }
    const key = refs.at(-1);
    if (item.anchor !== undefined && parts.length === 1 && key) {
      names.push({ name: item.anchor, key, place: key.place });
    }
  }
  return refs;
}

interface Collected {
  readonly errors: TsopsError[];
  readonly names: NamedKey[];
  readonly unknown: UnknownField[];
}

/** Far beyond what a person writes, and far from the end of the stack. */
const MAX_DEPTH = 100;

const KEY_KINDS = sopsKinds("rule");
const GROUP_FIELDS = ["merge", ...KEY_KINDS.map(({ sops }) => sops.group)];

/**
 * The keys of an item of `key_groups`: first those of the groups that it merges, then its own, in SOPS's order
 * (SPEC section 7).
 */
export function groupKeys(decoder: Decoder, node: Node, what: string, into: Collected, depth = 0): KeyRef[] {
  if (depth > MAX_DEPTH) {
    decoder.fail(node, `${what} merges groups more than ${MAX_DEPTH} levels deep`, "merge them side by side");
    return [];
  }
  const fields = decoder.fields(node, what);
  if (!fields) return [];
  for (const [name, field] of fields) {
    if (GROUP_FIELDS.includes(name) || name.startsWith("x-")) continue;
    into.unknown.push({ name, place: decoder.places.at(field.at), where: what, known: GROUP_FIELDS });
  }
  const refs: KeyRef[] = [];
  for (const merged of decoder.list(fields.get("merge"), `merge of ${what}`) ?? []) {
    append(refs, groupKeys(decoder, merged, depth > 0 ? what : `a merged group of ${what}`, into, depth + 1));
  }
  const fail = (at: number, message: string, hint: string) =>
    void into.errors.push(configError(message, decoder.places.at(at), hint));
  const plain = (kind: SopsKind) => {
    const name = kind.sops.group;
    const items = decoder.texts(fields.get(name), `${name} of ${what}`);
    append(
      refs,
      refsOf(items, kind, decoder, into.names, (item) =>
        fail(item.at, `a key in ${name} of ${what} is empty`, "remove it"),
      ),
    );
  };
  /** A list of maps, each of which is a key. */
  const structured = ({ name: kind, sops }: SopsKind, known: readonly string[]) => {
    const name = sops.group;
    for (const item of decoder.list(fields.get(name), `${name} of ${what}`) ?? []) {
      const inside = decoder.fields(item, `each item in ${name} of ${what}`);
      if (!inside) continue;
      for (const [field, { at }] of inside) {
        if (!known.includes(field)) {
          into.unknown.push({
            name: field,
            place: decoder.places.at(at),
            where: `${name} of ${what}`,
            known,
          });
        }
      }
      const text = (field: string) => decoder.text(inside.get(field), `${field} in ${name} of ${what}`);
      const optional = (field: string) => (known.includes(field) ? text(field) || undefined : undefined);
      const key = {
        id: sops.groupId!(text),
        role: optional("role"),
        context: known.includes("context")
          ? contextOf(decoder, inside.get("context"), what, into.errors)
          : undefined,
        profile: optional("aws_profile"),
      };
      if (key.id === "")
        fail(item.at, `a key in ${name} of ${what} has no ${known[0]}`, `write its ${known[0]}`);
      else refs.push({ ...key, kind, place: decoder.places.at(item.at) });
    }
  };
  for (const kind of KEY_KINDS) {
    if (kind.sops.groupFields) structured(kind, kind.sops.groupFields);
    else plain(kind);
  }
  return refs;
}

function contextOf(
  decoder: Decoder,
  field: Field | undefined,
  what: string,
  errors: TsopsError[],
): KeyRef["context"] {
  const pairs: [string, string][] = [];
  for (const [name, value] of decoder.fields(field?.node, `the context of a key in ${what}`) ?? []) {
    if (!isNull(value.node)) pairs.push([name, decoder.text(value, `${name} in a context of ${what}`)]);
    else {
      const message = `${name} in the encryption context of a key in ${what} is null`;
      errors.push(configError(message, decoder.places.at(value.at), "write its value, or remove the name"));
    }
  }
  return pairs.length > 0 ? pairs : undefined;
}
