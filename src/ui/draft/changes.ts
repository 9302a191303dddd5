import type { PathElement } from "../../formats/format.ts";
import { formatPath } from "../../formats/path.ts";
import type { Scalar } from "../../formats/scalar.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { type Base, entryOf } from "./base.ts";
import { sameValue } from "./same.ts";

/** What of a document is not as it was: one entry, or the name of one. */
export interface Change {
  readonly kind: "added" | "removed" | "changed" | "renamed";
  readonly document: number;
  readonly path: readonly PathElement[];
  /** For what was renamed: its path before. */
  readonly from?: readonly PathElement[];
  readonly before?: Said;
  readonly after?: Said;
}

/** What an entry says, and whether it is encrypted in the file. */
export interface Said {
  readonly kind: "value" | "comment" | "map" | "list";
  readonly value: Scalar | undefined;
  readonly encrypted: boolean;
}

interface Place {
  readonly document: number;
  readonly path: readonly PathElement[];
  readonly said: Said;
}

/** The changes from one text to another, entry by entry, in the order of the new text. */
export function changesBetween(before: Base, after: Base): Change[] {
  const [old, now] = [placesOf(before), placesOf(after)];
  const gone = [...old].filter(([id]) => !now.has(id)).map(([, place]) => place);
  const changes: Change[] = [];
  for (const [id, { document, path, said }] of now) {
    const known = old.get(id);
    if (known && sameSaid(known.said, said)) continue;
    if (known) changes.push({ kind: "changed", document, path, before: known.said, after: said });
    else changes.push({ kind: "added", document, path, after: said });
  }
  const paired = withRenames(changes, gone);
  const left = gone.filter((place) => !paired.taken.has(place));
  return [
    ...paired.changes,
    ...left.map(({ document, path, said }): Change => ({ kind: "removed", document, path, before: said })),
  ];
}

/** Entries by what tells them apart: their path, and which of several with the same one. */
function placesOf(base: Base): Map<string, Place> {
  const places = new Map<string, Place>();
  const counts = new Map<string, number>();
  for (const node of base.outline.nodes) {
    const entry = entryOf(base, node);
    if (!entry) continue;
    const path = pathOfNode(node);
    const said = saidBy(base, node);
    const text = node.kind === "comment" ? `#${String(said.value)}` : "";
    const name = `${node.document}\0${formatPath(path)}${text}`;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    places.set(`${name}\0${count}`, { document: node.document, path, said });
  }
  return places;
}

function saidBy(base: Base, node: Node): Said {
  const { value } = entryOf(base, node)!;
  const kind = node.kind === "document" ? "map" : node.kind;
  const encrypted =
    base.selected[node.entry!] === true && value !== undefined && value !== null && value !== "";
  return { kind, value, encrypted };
}

function sameSaid(a: Said, b: Said): boolean {
  if (a.kind !== b.kind || a.encrypted !== b.encrypted) return false;
  return (
    a.value === b.value || (a.value !== undefined && b.value !== undefined && sameValue(a.value, b.value))
  );
}

/** What came under one name and went under another in the same map, saying the same, was renamed. */
function withRenames(
  changes: readonly Change[],
  gone: readonly Place[],
): { changes: Change[]; taken: Set<Place> } {
  const taken = new Set<Place>();
  const paired = changes.map((change): Change => {
    if (change.kind !== "added" || change.after!.kind !== "value") return change;
    const parent = formatPath(change.path.slice(0, -1));
    const origin = gone.find(
      (place) =>
        !taken.has(place) &&
        place.document === change.document &&
        typeof place.path.at(-1) === "string" &&
        formatPath(place.path.slice(0, -1)) === parent &&
        sameSaid(place.said, change.after!),
    );
    if (!origin) return change;
    taken.add(origin);
    return { ...change, kind: "renamed", from: origin.path, before: origin.said };
  });
  return { changes: paired, taken };
}
