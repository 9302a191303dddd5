import type { TsopsError } from "../errors.ts";
import { holdsSecretKey, SECRET_KEY_HINT, SECRET_KEY_WORDS } from "../keys/secret.ts";
import { kindNamed } from "../keys/table.ts";
import { parseUri, uriHint } from "../keys/uri.ts";
import { nearest } from "../nearest.ts";
import type { KeyRef, NamedKey } from "./model.ts";
import { type Field, fieldOf, itemsOf, type Node, type Places, textOf } from "./node.ts";
import { configError } from "./problem.ts";

/** Far beyond what a person writes, and far from the end of the stack. */
const MAX_DEPTH = 100;

/** The keys and groups of a `.sopsrc` by their names, and the recipients of rules that use them. */
export class Recipients {
  readonly names: NamedKey[] = [];
  private readonly places: Places;
  private readonly errors: TsopsError[];
  private readonly keysByName = new Map<string, KeyRef>();
  /** Names of keys that are there and wrong: one error is enough for each. */
  private readonly broken = new Set<string>();
  private readonly groupFields: ReadonlyMap<string, Field>;
  private depth = 0;
  /** Groups that were resolved; null while one is, which is how a circle shows. */
  private readonly resolved = new Map<string, readonly KeyRef[] | null>();

  constructor(places: Places, errors: TsopsError[], keys: Node | undefined, groups: Node | undefined) {
    this.places = places;
    this.errors = errors;
    for (const { key: name, at, node } of keys?.kind === "map" ? keys.fields : []) {
      const key = this.namedKey(node, name);
      if (!key) {
        this.broken.add(name);
        continue;
      }
      this.keysByName.set(name, key);
      this.names.push({ name, key, place: places.at(at) });
    }
    this.groupFields = new Map(
      groups?.kind === "map" ? groups.fields.map((field) => [field.key, field]) : [],
    );
    for (const [name, { at }] of this.groupFields) {
      if (!this.keysByName.has(name)) continue;
      this.fail(at, `a key and a group are both called ${name}`, "give one of them another name");
    }
  }

  /** Every group with its keys. */
  groups(): ReadonlyMap<string, readonly KeyRef[]> {
    return new Map([...this.groupFields.keys()].map((name) => [name, this.group(name)]));
  }

  /** The keys of a recipient or a list of them, each once. */
  keys(node: Node, what: string): readonly KeyRef[] {
    const found = new Map<string, KeyRef>();
    for (const item of itemsOf(node) ?? [node]) {
      for (const key of this.recipient(item, what)) {
        const identity = JSON.stringify([key.kind, key.id, key.role, key.context, key.profile]);
        if (!found.has(identity)) found.set(identity, key);
      }
    }
    return [...found.values()];
  }

  private recipient(node: Node, what: string): readonly KeyRef[] {
    const text = textOf(node);
    // of the wrong type, which was said already
    if (text === undefined || text === "" || this.broken.has(text)) return [];
    if (text.includes(":") || holdsSecretKey(text)) return this.uri(node, text, what) ?? [];
    const key = this.keysByName.get(text);
    if (key) return [key];
    if (this.groupFields.has(text)) return this.group(text, node);
    // the text stays out of the message: someone may have put an identity there
    this.fail(node.at, `${what}: no key and no group has that name`, this.nameHint(text));
    return [];
  }

  private group(name: string, from?: Node): readonly KeyRef[] {
    const known = this.resolved.get(name);
    if (known) return known;
    const field = this.groupFields.get(name)!;
    if (known === null) {
      this.fail((from ?? field).at, `group ${name} holds itself`, "take it out of the groups that it holds");
      return [];
    }
    if (this.depth >= MAX_DEPTH) {
      this.fail(
        field.at,
        `groups hold groups more than ${MAX_DEPTH} levels deep`,
        "name keys in the deepest ones",
      );
      return [];
    }
    this.resolved.set(name, null);
    this.depth++;
    const keys = this.keys(field.node, `group ${name}`);
    this.depth--;
    this.resolved.set(name, keys);
    return keys;
  }

  private namedKey(node: Node, name: string): KeyRef | undefined {
    const what = `key ${name}`;
    if (node.kind !== "map") return this.uri(node, textOf(node), what)?.[0];
    const uriNode = fieldOf(node, "uri");
    const [key] = (uriNode && this.uri(uriNode, textOf(uriNode), what)) ?? [];
    if (!key) return undefined;
    if (!kindNamed(key.kind).withProfile && node.fields.length > 1) {
      this.fail(
        node.at,
        `${what} is not one of AWS KMS`,
        "role, profile and context are for AWS KMS keys only",
      );
    }
    const context = fieldOf(node, "context");
    const pairs = context?.kind === "map" ? context.fields : [];
    return {
      ...key,
      role: textOf(fieldOf(node, "role")),
      profile: textOf(fieldOf(node, "profile")),
      context:
        pairs.length > 0 ? pairs.map((pair) => [pair.key, textOf(pair.node) ?? ""] as const) : undefined,
    };
  }

  private uri(node: Node, text: string | undefined, what: string): [KeyRef] | undefined {
    if (text === undefined || text === "") return undefined;
    if (holdsSecretKey(text)) {
      this.fail(node.at, `${what}: ${SECRET_KEY_WORDS}`, SECRET_KEY_HINT);
      return undefined;
    }
    const key = parseUri(text);
    if (key && !key.id.includes(",")) return [{ ...key, place: this.places.at(node.at) }];
    if (key) this.fail(node.at, `${what}: this is more than one key`, "make it a list");
    else this.fail(node.at, `${what}: this is not the URI of a key`, uriHint(text));
    return undefined;
  }

  private nameHint(text: string): string {
    if (/^(?:age1|ssh-)/.test(text)) return "write age: before a recipient of age";
    if (/^[0-9A-F ]{16,}$/i.test(text)) return "write pgp: before a PGP fingerprint";
    const names = [...this.keysByName.keys(), ...this.groupFields.keys()];
    const meant = nearest(text, names);
    return meant === undefined
      ? "add it to keys or groups, or write the URI of a key"
      : `did you mean ${meant}?`;
  }

  private fail(at: number, message: string, hint: string): void {
    this.errors.push(configError(message, this.places.at(at), hint));
  }
}
