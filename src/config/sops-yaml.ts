import { dirname } from "node:path";
import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { FORMAT_NAMES, isFormatName } from "../formats/index.ts";
import { readText } from "../formats/unreadable.ts";
import { ALLOW_NOTHING } from "../keys/allow-lists.ts";
import { sopsKinds } from "../keys/table.ts";
import { SELECTOR_KINDS } from "../sops/selection.ts";
import { Decoder } from "./decode.ts";
import type {
  Config,
  Destination,
  KeyRef,
  NamedKey,
  PlacedSelector,
  Rule,
  Stores,
  UnknownField,
} from "./model.ts";
import { type Field, type MapNode, type Node, Places, treeOf } from "./node.ts";
import { makePattern } from "./pattern.ts";
import { configError } from "./problem.ts";
import { KeyReader } from "./sops-yaml-keys.ts";
import { TARGET_TEXTS, type Targets, targetErrors, targetsOf } from "./targets.ts";

type Fields = ReadonlyMap<string, Field>;

/** The kinds whose keys a creation rule holds, in the order in which SOPS reads them (docs/internals/sops.md §7). */
const KEY_KINDS = sopsKinds("rule");

const RULE_FIELDS = [
  "path_regex",
  // not one of SOPS's, which passes it over
  "format",
  ...KEY_KINDS.map(({ sops }) => sops.rule),
  "aws_profile",
  "key_groups",
  "shamir_threshold",
  ...SELECTOR_KINDS,
  "mac_only_encrypted",
];

const DESTINATION_FIELDS = [
  "path_regex",
  ...TARGET_TEXTS,
  "vault_kv_version",
  "recreation_rule",
  "omit_extensions",
];

const FORMAT_HINT = `write one of ${FORMAT_NAMES.join(", ")}`;

/**
 * Reads a `.sops.yaml` with SOPS's meaning. What is wrong with it is in the result: `errors` of the file and of each
 * rule; so a broken rule does not stop the files that another one is for.
 * @throws TsopsError("config") with the place, if it is not YAML.
 */
export async function readSopsYaml(text: string, path: string): Promise<Config> {
  const places = new Places(text, path);
  return new SopsYaml(places, await parse(text, path)).read(path);
}

async function parse(text: string, file: string): Promise<MapNode> {
  // what holds nothing is no error in a configuration, unlike in a document
  if (isBlank(text)) return { kind: "map", fields: [], at: 0 };
  const { yaml } = await import("../formats/yaml/index.ts");
  try {
    return treeOf(text, readText(text, yaml).entries);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw new TsopsError("config", `the configuration cannot be read: ${error.message}`, {
      place: { ...error.place, file },
      hint: error.hint ?? "correct the YAML there",
      cause: error,
    });
  }
}

function isBlank(text: string): boolean {
  // trim takes a byte order mark for a blank
  const lines = text.split(/[\n\r]/).map((line) => line.trim());
  return lines.every((line) => line === "" || line.startsWith("#") || line === "---" || line === "...");
}

class SopsYaml {
  private readonly decoder: Decoder;
  private readonly places: Places;
  private readonly root: MapNode;
  private readonly unknown: UnknownField[] = [];
  private readonly names: NamedKey[] = [];

  constructor(places: Places, root: MapNode) {
    this.places = places;
    this.root = root;
    this.decoder = new Decoder(places);
  }

  read(path: string): Config {
    const known = ["creation_rules", "destination_rules", "stores"];
    const fields = this.decoder.fields(this.root, "the file") ?? new Map();
    this.noteUnknown(fields, known, "the file");
    const rules = this.decoder
      .list(fields.get("creation_rules"), "creation_rules")
      ?.map((node, i) => this.rule(node, i + 1, `creation rule ${i + 1}`));
    const destinations = (this.decoder.list(fields.get("destination_rules"), "destination_rules") ?? []).map(
      (node, i) => this.destination(node, i + 1, dirname(path)),
    );
    const stores = this.stores(fields.get("stores"));
    return {
      path,
      folder: dirname(path),
      kind: "sops-yaml",
      rules,
      destinations,
      stores,
      seal: true,
      requireSeal: false,
      allow: ALLOW_NOTHING,
      names: this.names,
      groups: new Map(),
      errors: this.decoder.errors,
      secrets: [],
      unknown: this.unknown,
    };
  }

  private rule(node: Node, number: number, what: string): Rule {
    const fields: Fields = this.decoder.fields(node, what) ?? new Map();
    this.noteUnknown(fields, RULE_FIELDS, what);
    const errors: TsopsError[] = [];
    const selectors = this.selectors(fields, what);
    const conflict = selectorConflict(selectors, what);
    if (conflict) errors.push(conflict);
    const format = this.decoder.text(fields.get("format"), `format of ${what}`);
    if (format !== "" && !isFormatName(format)) {
      const place = this.places.at(fields.get("format")!.node.at);
      errors.push(configError(`format of ${what} is not one of the possible values`, place, FORMAT_HINT));
    }
    const keys = this.keys(fields, what);
    const threshold = fields.get("shamir_threshold");
    return {
      number,
      place: this.places.at(node.at),
      pattern: this.pattern(fields, what),
      format: isFormatName(format) ? format : undefined,
      ...keys,
      threshold: this.decoder.integer(threshold, `shamir_threshold of ${what}`) ?? 0,
      thresholdPlace: threshold && this.places.at(threshold.at),
      selectors,
      macOnlyEncrypted: this.decoder.truth(fields.get("mac_only_encrypted"), `mac_only_encrypted of ${what}`),
      errors: [...errors, ...keys.errors],
    };
  }

  private pattern(fields: Fields, what: string): Rule["pattern"] {
    const field = fields.get("path_regex");
    const text = this.decoder.text(field, `path_regex of ${what}`);
    if (field === undefined || text === "") return undefined;
    return makePattern(
      { kind: "path_regex", text, expressions: [text], place: this.places.at(field.node.at) },
      `path_regex of ${what}`,
    );
  }

  private selectors(fields: Fields, what: string): PlacedSelector[] {
    const found: PlacedSelector[] = [];
    for (const kind of SELECTOR_KINDS) {
      const field = fields.get(kind);
      const value = this.decoder.text(field, `${kind} of ${what}`);
      if (field && value !== "") found.push({ kind, value, place: this.places.at(field.node.at) });
    }
    return found;
  }

  /** The keys of a rule: those of its `key_groups`, or all the others in one group (docs/internals/sops.md §4). */
  private keys(fields: Fields, what: string): Pick<Rule, "groups" | "distinct" | "ignored" | "errors"> {
    const profile = this.decoder.text(fields.get("aws_profile"), `aws_profile of ${what}`);
    const flat: { refs: KeyRef[]; errors: TsopsError[] } = { refs: [], errors: [] };
    const given: Rule["ignored"][number][] = [];
    for (const kind of KEY_KINDS) {
      const name = kind.sops.rule;
      const field = fields.get(name);
      if (!field) continue;
      const errors: TsopsError[] = [];
      const refs = this.keyReader(errors).flat(field, kind, what);
      if (refs.length > 0 || errors.length > 0) given.push({ name, place: this.places.at(field.at) });
      append(
        flat.refs,
        refs.map((ref) => (kind.withProfile && profile !== "" ? { ...ref, profile } : ref)),
      );
      append(flat.errors, errors);
    }
    const list = this.decoder.list(fields.get("key_groups"), `key_groups of ${what}`) ?? [];
    const errors: TsopsError[] = [];
    const reader = this.keyReader(errors);
    const groups = list.map((node, i) => reader.group(node, `key group ${i + 1} of ${what}`));
    if (groups.length === 0)
      return { groups: [flat.refs], distinct: false, ignored: [], errors: flat.errors };
    return { groups, distinct: true, ignored: given, errors };
  }

  private keyReader(errors: TsopsError[]): KeyReader {
    return new KeyReader(this.decoder, { errors, names: this.names, unknown: this.unknown });
  }

  private destination(node: Node, number: number, here: string): Destination {
    const what = `destination rule ${number}`;
    const fields: Fields = this.decoder.fields(node, what) ?? new Map();
    this.noteUnknown(fields, DESTINATION_FIELDS, what);
    // all are read, used or not: what does not fit is an error in any case
    const texts = TARGET_TEXTS.map((name) => [
      name,
      this.decoder.text(fields.get(name), `${name} of ${what}`),
    ]);
    const version = this.decoder.integer(fields.get("vault_kv_version"), `vault_kv_version of ${what}`);
    const given: Targets = { ...Object.fromEntries(texts), vault_kv_version: version === 1 ? 1 : 2 };
    const recreation = fields.get("recreation_rule");
    const place = this.places.at(node.at);
    return {
      number,
      place,
      pattern: this.pattern(fields, what),
      ...targetsOf(given, here),
      omitExtensions: this.decoder.truth(fields.get("omit_extensions"), `omit_extensions of ${what}`),
      recreation: this.rule(recreation?.node ?? emptyMap(node), number, `recreation rule of ${what}`),
      errors: targetErrors(given, what, place),
    };
  }

  private stores(field: Field | undefined): Stores {
    const stores = this.decoder.fields(field?.node, "stores") ?? new Map<string, Field>();
    this.noteUnknown(stores, ["dotenv", "ini", "json_binary", "json", "yaml"], "stores");
    const indent = (name: string): number | undefined => {
      const store = this.decoder.fields(stores.get(name)?.node, `stores.${name}`);
      const inside = store?.get("indent");
      const value = this.decoder.integer(inside, `stores.${name}.indent`);
      // yaml's 0 and the others' -1 stand for "not given" in SOPS, which refuses what lies below
      const none = name === "yaml" ? 0 : -1;
      if (value === undefined || !inside || value === none) return undefined;
      if (value >= 0) return value;
      this.decoder.fail(
        inside.node,
        `stores.${name}.indent is negative`,
        "write how many spaces each level is indented by",
      );
      return undefined;
    };
    for (const name of ["dotenv", "ini"]) this.decoder.fields(stores.get(name)?.node, `stores.${name}`);
    return { yaml: indent("yaml"), json: indent("json"), jsonBinary: indent("json_binary") };
  }

  private noteUnknown(fields: Fields, known: readonly string[], where: string): void {
    for (const [name, field] of fields) {
      // a field that anchors live in has its use, and `x-` is what people write before their own
      if (known.includes(name) || name.startsWith("x-") || holdsAnchors(field.node)) continue;
      this.unknown.push({ name, place: this.places.at(field.at), where, known });
    }
  }
}

/** Where a rule that is not there would stand. */
function emptyMap({ at }: Node): MapNode {
  return { kind: "map", fields: [], at };
}

function holdsAnchors(node: Node): boolean {
  const stack: Node[] = [node];
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.kind === "scalar" && next.anchored) return true;
    if (next.kind === "list") for (const item of next.items) stack.push(item);
    if (next.kind === "map") for (const field of next.fields) stack.push(field.node);
  }
  return false;
}

/** A rule may have one selector only; SOPS ends with exit code 1, unlike for flags (docs/internals/sops.md §7). */
function selectorConflict(selectors: readonly PlacedSelector[], what: string): TsopsError | undefined {
  const [first, second] = selectors;
  if (!first || !second) return undefined;
  const names = selectors.map(({ kind }) => kind).join(" and ");
  return configError(
    `${what} has ${names}, and only one of them may be there`,
    second.place,
    "keep one of them",
  );
}
