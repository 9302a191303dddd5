import type { Container, Entry } from "./format.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "./tree.ts";

/**
 * The trees of a reading, one for each document. `valueFor` gives the value that counts for an entry: the decrypted
 * one, where the reading is of an encrypted file; undefined leaves the entry out.
 */
export function buildTrees(
  entries: readonly Entry[],
  documents: number,
  valueFor: (entry: Entry) => Entry["value"] = (entry) => entry.value,
): TreeMap[] {
  const roots = Array.from({ length: documents }, () => new TreeMap());
  const made = new Map<Container, TreeMap | TreeList>();
  const nodeOf = (container: Container): TreeMap | TreeList => {
    let node = made.get(container);
    if (node) return node;
    if (!container.parent) node = roots[container.document]!;
    else {
      const holder = nodeOf(container.parent);
      const commented = !filled.has(container) && empty?.holder === holder && empty.key === container.key;
      if (commented) node = empty!.node;
      else {
        node = container.kind === "map" ? new TreeMap() : new TreeList();
        put(holder, container.key, node);
      }
    }
    made.set(container, node);
    return node;
  };
  const filled = filledContainers(entries);
  // the last empty collection: comments inside it come next
  let empty: { holder: TreeMap | TreeList; key: Entry["key"]; node: TreeMap | TreeList } | undefined;
  for (const entry of entries) {
    // what SOPS does not read is in no tree: formats may keep more than comments under that name (INI's hidden values)
    if (!entry.in || entry.lost) continue;
    const holder = nodeOf(entry.in);
    if (entry.kind === "empty-map" || entry.kind === "empty-list") {
      const node = entry.kind === "empty-map" ? new TreeMap() : new TreeList();
      put(holder, entry.key, node);
      empty = { holder, key: entry.key, node };
    } else {
      const value = valueFor(entry);
      if (value === undefined) continue;
      if (entry.kind === "comment") holder.items.push(new TreeComment(String(value), entry.inline) as never);
      else put(holder, entry.key, value);
    }
  }
  return roots;
}

/** Containers that hold more than comments. */
function filledContainers(entries: readonly Entry[]): Set<Container> {
  const filled = new Set<Container>();
  for (const entry of entries) {
    if (entry.kind === "comment") continue;
    for (let c = entry.in; c && !filled.has(c); c = c.parent) filled.add(c);
  }
  return filled;
}

function put(holder: TreeMap | TreeList, key: Entry["key"], value: Tree): void {
  if (holder instanceof TreeMap) holder.items.push({ key: String(key), value });
  else holder.items.push(value);
}
