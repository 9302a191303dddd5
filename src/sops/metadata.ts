import { TsopsError } from "../errors.ts";
import { holdsCiphertexts } from "../formats/detect.ts";
import { parseGoBool } from "../formats/numbers.ts";
import { inSeconds, Time } from "../formats/scalar.ts";
import { byKey, type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { DEFAULT_SELECTOR, SELECTOR_KINDS, type Selector } from "./selection.ts";

/**
 * The release of SOPS whose format this writes. SOPS compares it, so it is never tsops's own (docs/internals/sops.md
 * §5).
 */
export const SOPS_VERSION = "3.13.3";

/** What `sops` says, except for the keys, which src/keys reads from the same tree. */
export interface Metadata {
  /** All of it as it stands, unknown fields included; times without quotes are texts. */
  readonly tree: TreeMap;
  /** RFC 3339 in seconds, as Go formats it: the AAD of the MAC. */
  readonly lastModified: string;
  readonly mac: string;
  readonly version: string;
  readonly selector: Selector;
  readonly macOnlyEncrypted: boolean;
  /** What only tsops knows: `sops.tsops`. */
  readonly own: TreeMap;
}

/**
 * Reads the metadata of an encrypted file, weakly typed as SOPS does: numbers and booleans may be strings.
 * @throws TsopsError("no-metadata") where SOPS finds none, TsopsError("bad-metadata") where it cannot read it.
 */
export function readMetadata(raw: TreeMap): Metadata {
  refuseDuplicates(raw);
  const tree = withoutTimes(raw);
  const selectors = SELECTOR_KINDS.flatMap((kind) => {
    const value = fieldText(tree, kind);
    return value === "" ? [] : [{ kind, value }];
  });
  if (selectors.length > 1) {
    throw unreadable(
      `it has ${selectors.map((s) => s.kind).join(" and ")}, and only one of them may be there`,
    );
  }
  const own = tree.get("tsops");
  return {
    tree,
    lastModified: readLastModified(tree),
    mac: fieldText(tree, "mac"),
    version: fieldText(tree, "version"),
    selector: selectors[0] ?? DEFAULT_SELECTOR,
    macOnlyEncrypted: readBoolean(tree, "mac_only_encrypted"),
    own: own instanceof TreeMap ? own : new TreeMap(),
  };
}

/**
 * SOPS puts its times in quotes, and refuses them without. Other programs (rops, yq, prettier) leave the quotes away,
 * so that YAML and TOML take them for times: the texts are the same, and are written in quotes again.
 */
function withoutTimes(tree: TreeMap): TreeMap {
  const texts = (value: Tree): Tree => {
    if (value instanceof TreeMap) return withoutTimes(value);
    if (value instanceof TreeList) return new TreeList(value.values().map(texts));
    return value instanceof Time ? value.text : value;
  };
  return hasTime(tree) ? TreeMap.of(tree.entries().map(({ key, value }) => [key, texts(value)])) : tree;
}

function hasTime(tree: Tree): boolean {
  if (tree instanceof TreeMap) return tree.entries().some(({ value }) => hasTime(value));
  return tree instanceof TreeList ? tree.values().some(hasTime) : tree instanceof Time;
}

/** Readers differ in which of two equal fields they see: one could be sealed and the other used. */
function refuseDuplicates(tree: Tree): void {
  if (tree instanceof TreeMap) {
    const names = tree.entries().map(({ key }) => key);
    if (new Set(names).size < names.length) throw unreadable("one of its fields occurs twice");
    for (const { value } of tree.entries()) refuseDuplicates(value);
  } else if (tree instanceof TreeList) tree.values().forEach(refuseDuplicates);
}

const SEMVER = /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+].*)?$/;

/** The version to write: SOPS reads no file without one, or with one that is not of three numbers. */
export function versionToWrite(tree: TreeMap): string {
  const version = fieldText(tree, "version");
  return SEMVER.test(version) ? version : SOPS_VERSION;
}

function readLastModified(tree: TreeMap): string {
  const value = tree.get("lastmodified");
  const time = typeof value === "string" ? Time.parse(value) : undefined;
  if (!time) throw unreadable("its lastmodified is missing or not a time in RFC 3339");
  return inSeconds(time);
}

/** A field that is true or false; false if it is missing. @throws TsopsError("bad-metadata") */
export function readBoolean(tree: TreeMap, name: string): boolean {
  const value = tree.get(name);
  if (typeof value === "boolean") return value;
  if (value === undefined || value === null || value === "") return false;
  const truth = parseGoBool(scalarText(value));
  if (truth === undefined) throw unreadable(`its ${name} is neither true nor false`);
  return truth;
}

/** A field as text; empty if it is missing. */
export function fieldText(tree: TreeMap, name: string): string {
  const value = tree.get(name);
  if (value instanceof TreeMap || (typeof value === "object" && value !== null && !(value instanceof Time))) {
    throw unreadable(`its ${name} is not a text`);
  }
  return value === undefined || value === null ? "" : scalarText(value);
}

function scalarText(value: Tree): string {
  return value instanceof Time ? value.text : String(value);
}

function unreadable(why: string): TsopsError {
  return new TsopsError("bad-metadata", `the file's sops metadata cannot be read: ${why}`, {
    hint: "compare the metadata with the file's last good version in git",
  });
}

/** Programs look for the words "sops metadata not found". */
export function noMetadata(text = ""): TsopsError {
  if (holdsCiphertexts(text)) {
    return new TsopsError("no-metadata", "sops metadata not found, though there are encrypted values", {
      hint: "the part that says who can open them was cut off: compare the file with its last good version in git",
    });
  }
  return new TsopsError("no-metadata", "sops metadata not found: it is not encrypted", {
    hint: "there is nothing to decrypt in it; if there should be, compare it with its last good version in git",
  });
}

/**
 * The tree with some fields given, changed or (where undefined) taken away, sorted by name as SOPS writes them
 * at every level (docs/internals/sops.md §5).
 */
export function treeWith(tree: TreeMap, fields: Readonly<Record<string, Tree | undefined>>): TreeMap {
  const kept = tree.entries().filter(({ key }) => !Object.hasOwn(fields, key));
  const given = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value }],
  );
  return new TreeMap([...kept, ...given].sort(byKey));
}

/** The fields that say which values are encrypted. SOPS writes the default out as well. */
export function selectorFields(selector: Selector | undefined): Record<string, Tree | undefined> {
  const fields: Record<string, Tree | undefined> = {};
  for (const kind of SELECTOR_KINDS) fields[kind] = kind === selector?.kind ? selector.value : undefined;
  return fields;
}
