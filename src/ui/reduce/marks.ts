import { looksEncrypted } from "../../sops/cipher.ts";
import { type Base, entryOf } from "../draft/base.ts";
import { valueIn } from "../draft/draft.ts";
import { sameValue } from "../draft/same.ts";
import type { Node } from "../outline/node.ts";
import type { Filter, List, State } from "../state/state.ts";

/** What is said of rows: whether they are encrypted, changed, empty. */

export type Secrecy = "encrypted" | "plain" | "none";

export function secrecyOf({ draft, encrypted }: State, node: Node): Secrecy {
  if (node.entry === undefined || node.kind === "map" || node.kind === "list") return "none";
  if (!draft)
    return looksEncrypted(String(encrypted?.reading.entries[node.entry]?.value)) ? "encrypted" : "plain";
  const value = valueIn(draft, node);
  if (value === null || value === "") return "none";
  return draft.base.selected[node.entry] ? "encrypted" : "plain";
}

/** What is in a map, a list or a document, by name. Keys can occur twice. */
type Names = ReadonlyMap<string, readonly Node[]>;

const namesIn = new WeakMap<Base, Map<Node | undefined, Names>>();

function namesOf(base: Base, parent: Node | undefined): Names {
  let known = namesIn.get(base);
  if (!known) namesIn.set(base, (known = new Map()));
  const before = known.get(parent);
  if (before) return before;
  const names = new Map<string, Node[]>();
  for (const child of parent?.children ?? base.outline.roots) {
    const name = nameOf(base, child);
    const same = names.get(name);
    if (same) same.push(child);
    else names.set(name, [child]);
  }
  known.set(parent, names);
  return names;
}

/** Comments have no names but what they say. */
function nameOf(base: Base, node: Node): string {
  if (node.kind === "comment") return `#${String(entryOf(base, node)?.value)}`;
  return typeof node.key === "string" ? `"${node.key}` : String(node.key);
}

/** The document of another text that has the number of a node's; a single one has no node of its own. */
function documentsIn({ outline: { roots } }: Base, { document }: Node): readonly (Node | undefined)[] {
  if (roots[0]?.kind === "document") return roots.filter((root) => root.document === document);
  return document === 0 ? [undefined] : [];
}

/** The nodes of another text that stand where a node stands. */
function placesIn(other: Base, base: Base, node: Node): readonly Node[] {
  const { parent } = node;
  if (node.kind === "document") return documentsIn(other, node).filter((one) => one !== undefined);
  const inDocument = !parent || parent.kind === "document";
  const parents = inDocument ? documentsIn(other, node) : placesIn(other, base, parent);
  const name = nameOf(base, node);
  return parents.flatMap((parent) => namesOf(other, parent).get(name) ?? []);
}

/** Whether a row is not as it was saved. */
export function changeOf({ draft, saved }: State, node: Node): "changed" | "added" | undefined {
  if (!draft || !saved) return undefined;
  if (draft.base === saved.base) {
    return node.entry !== undefined && draft.pending.has(node.entry) ? "changed" : undefined;
  }
  const before = placesIn(saved.base, draft.base, node)
    .filter(({ kind }) => kind === node.kind)
    .at(-1);
  if (!before) return "added";
  const [old, now] = [entryOf(saved.base, before)?.value, valueIn(draft, node)];
  if (old === now || (old !== undefined && now !== undefined && sameValue(old, now))) return undefined;
  return "changed";
}

/** Whether the rule wants a value encrypted that the file leaves plain. */
export function shouldBeEncrypted(state: State, node: Node): boolean {
  const { draft, wanted } = state;
  if (!draft || !wanted || node.kind !== "value" || secrecyOf(state, node) !== "plain") return false;
  return wantedIn(draft.base, wanted)[node.entry!] === true;
}

const wantedOf = new WeakMap<Base, readonly boolean[]>();

function wantedIn(base: Base, wanted: NonNullable<State["wanted"]>): readonly boolean[] {
  let known = wantedOf.get(base);
  if (!known) wantedOf.set(base, (known = wanted(base)));
  return known;
}

const TITLES: Record<Filter, string> = {
  changed: "changed since it was saved",
  plain: "not encrypted",
  empty: "empty",
  duplicate: "the same value in several places",
  "should-be-encrypted": "plain, and the rule says to encrypt it",
};

/** The rows that a filter leaves. */
export function filtered(state: State, filter: Filter): List {
  const { nodes } = state.outline;
  const test = testFor(state, filter);
  return { title: TITLES[filter], ids: nodes.filter(test).map(({ id }) => id), at: 0, top: 0 };
}

function testFor(state: State, filter: Filter): (node: Node) => boolean {
  switch (filter) {
    case "changed":
      return (node) => node.children.length === 0 && changeOf(state, node) !== undefined;
    case "plain":
      return (node) => node.kind === "value" && secrecyOf(state, node) === "plain";
    case "empty":
      return (node) => isEmpty(state, node);
    case "should-be-encrypted":
      return (node) => shouldBeEncrypted(state, node);
    case "duplicate": {
      const counts = new Map<string, number>();
      const text = (node: Node): string | undefined => {
        const value = node.kind === "value" && state.draft ? valueIn(state.draft, node) : undefined;
        return typeof value === "string" && value !== "" && secrecyOf(state, node) === "encrypted"
          ? value
          : undefined;
      };
      for (const node of state.outline.nodes) {
        const value = text(node);
        if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      return (node) => (counts.get(text(node) ?? "") ?? 0) > 1;
    }
  }
}

function isEmpty({ draft, encrypted }: State, node: Node): boolean {
  if (node.kind === "map" || node.kind === "list") return node.children.length === 0;
  if (node.kind !== "value") return false;
  const value = draft ? valueIn(draft, node) : encrypted?.reading.entries[node.entry!]?.value;
  return value === null || value === "";
}
