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
      node = container.kind === "map" ? new TreeMap() : new TreeList();
      put(holder, container.key, node);
    }
    made.set(container, node);
    return node;
  };
  for (const entry of entries) {
    // what SOPS does not read is in no tree: formats may keep more than comments under that name (INI's hidden values)
    if (!entry.in || entry.lost) continue;
    const holder = nodeOf(entry.in);
    if (entry.kind === "empty-map" || entry.kind === "empty-list") {
      const node = entry.kind === "empty-map" ? new TreeMap() : new TreeList();
      put(holder, entry.key, node);
      if (entry.collection) made.set(entry.collection, node);
    } else {
      const value = valueFor(entry);
      if (value === undefined) continue;
      if (entry.kind === "comment") holder.items.push(new TreeComment(String(value), entry.inline) as never);
      else put(holder, entry.key, value);
    }
  }
  return roots;
}

function put(holder: TreeMap | TreeList, key: Entry["key"], value: Tree): void {
  if (holder instanceof TreeMap) holder.items.push({ key: String(key), value });
  else holder.items.push(value);
}
