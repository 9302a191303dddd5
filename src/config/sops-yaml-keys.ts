import type { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { type SopsKind, sopsKinds } from "../keys/table.ts";
import { type Decoder, isNull } from "./decode.ts";
import type { KeyRef, NamedKey, UnknownField } from "./model.ts";
import type { Field, Node } from "./node.ts";
import { configError, describe } from "./problem.ts";

/** An identifier as it stands in the file. */
interface Item {
  readonly text: string;
  readonly at: number;
  readonly anchor?: string;
}

/** What is found beside the keys. */
interface Collected {
  readonly errors: TsopsError[];
  readonly names: NamedKey[];
  readonly unknown: UnknownField[];
}

/** Far beyond what a person writes, and far from the end of the stack. */
const MAX_DEPTH = 100;

const KEY_KINDS = sopsKinds("rule");
const GROUP_FIELDS = ["merge", ...KEY_KINDS.map(({ sops }) => sops.group)];

/** Reads the keys of a creation rule. What is wrong with one stops those files only that the rule is for. */
export class KeyReader {
  private readonly decoder: Decoder;
  private readonly into: Collected;

  constructor(decoder: Decoder, into: Collected) {
    this.decoder = decoder;
    this.into = into;
  }

  /**
   * The keys of one field of a creation rule: a text with commas, or a list of texts, which may have commas too
   * (docs/internals/sops.md §7). A field that SOPS declares as a list, as that of HuaweiCloud, is a list for every
   * file.
   */
  flat(field: Field, kind: SopsKind, what: string): KeyRef[] {
    const name = `${kind.sops.rule} of ${what}`;
    const items = kind.sops.ruleIsList ? this.decoder.texts(field, name) : this.itemsOf(field.node, name);
    return this.refsOf(items, kind, (item) =>
      this.fail(item.at, `a key in ${name} is empty`, "remove it, or the comma next to it"),
    );
  }

  /**
   * The keys of an item of `key_groups`: first those of the groups that it merges, then its own, in SOPS's order
   * (docs/internals/sops.md §7).
   */
  group(node: Node, what: string, depth = 0): KeyRef[] {
    const { decoder } = this;
    if (depth > MAX_DEPTH) {
      const message = `${what} merges groups more than ${MAX_DEPTH} levels deep`;
      decoder.fail(node, message, "merge them side by side");
      return [];
    }
    const fields = decoder.fields(node, what);
    if (!fields) return [];
    this.noteUnknown(fields, GROUP_FIELDS, what);
    const refs: KeyRef[] = [];
    for (const merged of decoder.list(fields.get("merge"), `merge of ${what}`) ?? []) {
      append(refs, this.group(merged, depth > 0 ? what : `a merged group of ${what}`, depth + 1));
    }
    for (const kind of KEY_KINDS) append(refs, this.inGroup(fields.get(kind.sops.group), kind, what));
    return refs;
  }

  private inGroup(field: Field | undefined, kind: SopsKind, what: string): KeyRef[] {
    const name = `${kind.sops.group} of ${what}`;
    if (kind.sops.groupFields) {
      return (this.decoder.list(field, name) ?? []).flatMap(
        (item) => this.structured(item, kind, what) ?? [],
      );
    }
    return this.refsOf(this.decoder.texts(field, name), kind, (item) =>
      this.fail(item.at, `a key in ${name} is empty`, "remove it"),
    );
  }

  /** A map that is a key. */
  private structured(item: Node, { name: kind, sops }: SopsKind, what: string): KeyRef | undefined {
    const { decoder } = this;
    const known = sops.groupFields!;
    const name = `${sops.group} of ${what}`;
    const inside = decoder.fields(item, `each item in ${name}`);
    if (!inside) return undefined;
    this.noteUnknown(inside, known, name);
    const text = (field: string) => decoder.text(inside.get(field), `${field} in ${name}`);
    const optional = (field: string) => (known.includes(field) ? text(field) || undefined : undefined);
    const id = sops.groupId!(text);
    if (id === "") {
      this.fail(item.at, `a key in ${name} has no ${known[0]}`, `write its ${known[0]}`);
      return undefined;
    }
    const role = optional("role");
    const context = known.includes("context") ? this.contextOf(inside.get("context"), what) : undefined;
    return { id, role, context, profile: optional("aws_profile"), kind, place: decoder.places.at(item.at) };
  }

  private contextOf(field: Field | undefined, what: string): KeyRef["context"] {
    const pairs: [string, string][] = [];
    const fields = this.decoder.fields(field?.node, `the context of a key in ${what}`) ?? [];
    for (const [name, value] of fields) {
      if (!isNull(value.node))
        pairs.push([name, this.decoder.text(value, `${name} in a context of ${what}`)]);
      else {
        const message = `${name} in the encryption context of a key in ${what} is null`;
        this.fail(value.at, message, "write its value, or remove the name");
      }
    }
    return pairs.length > 0 ? pairs : undefined;
  }

  private itemsOf(node: Node, name: string): Item[] {
    const hint = "write one text with commas between the keys, or a list of texts";
    if (node.kind === "scalar" && typeof node.value === "string") {
      const parts = node.value.split(",").map((part) => part.trim());
      return parts.filter(Boolean).map((text) => ({ text, at: node.at, anchor: node.anchor }));
    }
    if (node.kind === "list") {
      return node.items.flatMap((item): Item[] => {
        if (item.kind === "scalar" && typeof item.value === "string") {
          return [{ text: item.value, at: item.at, anchor: item.anchor }];
        }
        this.fail(item.at, `${name} must be a list of texts, and this item is ${describe(item)}`, hint);
        return [];
      });
    }
    if (!isNull(node))
      this.fail(node.at, `${name} must be a text or a list, and this is ${describe(node)}`, hint);
    return [];
  }

  /** SOPS joins a list with commas and splits it again, so that a single empty text is no key at all. */
  private refsOf(items: readonly Item[], kind: SopsKind, empty: (item: Item) => void): KeyRef[] {
    if (items.every(({ text }) => text === "")) {
      if (items.length > 1 && !kind.sops.skipsEmpty) empty(items[1]!);
      return [];
    }
    const refs: KeyRef[] = [];
    for (const item of items) {
      const place = this.decoder.places.at(item.at);
      const parts = item.text.split(",").map((part) => part.trim());
      for (const id of parts) {
        if (id !== "") refs.push({ kind: kind.name, id, place });
        else if (!kind.sops.skipsEmpty) empty(item);
      }
      const key = refs.at(-1);
      if (item.anchor !== undefined && parts.length === 1 && key) {
        this.into.names.push({ name: item.anchor, key, place: key.place });
      }
    }
    return refs;
  }

  private noteUnknown(fields: ReadonlyMap<string, Field>, known: readonly string[], where: string): void {
    for (const [name, { at }] of fields) {
      if (known.includes(name) || (known === GROUP_FIELDS && name.startsWith("x-"))) continue;
      this.into.unknown.push({ name, place: this.decoder.places.at(at), where, known });
    }
  }

  private fail(at: number, message: string, hint: string): void {
    this.into.errors.push(configError(message, this.decoder.places.at(at), hint));
  }
}
