/** New keys and items. */

import type { Reading } from "../../formats/format.ts";
import { type GivenNumber, spellAsGiven } from "../../formats/given.ts";
import { formatPath } from "../../formats/path.ts";
import { applyEdits, type Edit } from "../../formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import { membersOf, type Node, pathOfNode } from "../outline/node.ts";
import { type Draft, firstThatSays, flushed, withText } from "./draft.ts";
import { refuseMetadata, refuseTaken } from "./names.ts";
import { cannot, type Done, inPart, shownKey, wantedWith } from "./operation.ts";
import { nodeInPart } from "./part.ts";
import { positionsOf, treeAt, withMembers } from "./positions.ts";
import { treesOf } from "./same.ts";

/** What is to be added: its key, where that is in a map. */
export interface Addition {
  readonly holder: Node | undefined;
  readonly document: number;
  readonly key: string | undefined;
  readonly value: Tree;
  readonly numbers?: readonly GivenNumber[];
}

/** Adds a key or an item behind the others. */
export function add(draft: Draft, addition: Addition): Done {
  const { holder, key } = addition;
  const members = membersOf(draft.base.outline, holder);
  if (key !== undefined) refuseTaken(members, key);
  const last = (holder?.children ?? draft.base.outline.roots).at(-1);
  const places = [holder, last].filter((node) => node !== undefined);
  for (const place of places) {
    const done = inPart(draft, [place, place], (own, part) => {
      const inside = holder === part.holder ? undefined : holder && nodeInPart(draft.base, part, holder);
      if (!inside && holder !== part.holder) throw cannot("a new entry", own);
      return addIn(own, { ...addition, holder: inside });
    });
    if (done) return done;
  }
  return addIn(draft, addition);
}

function addIn(draft: Draft, addition: Addition): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const { holder, document, key, value, numbers } = addition;
  const members = membersOf(base.outline, holder);
  const at = [...(holder ? pathOfNode(holder) : []), key ?? members.length];
  refuseMetadata(at, ready);
  const positions = holder ? positionsOf(base.outline, holder) : [];
  const wanted = (after: Reading) =>
    wantedWith(base, document, (tree) =>
      withMembers(tree, positions, (before) => {
        const place = placeOfKey(after, document, positions, key) ?? before.length;
        return before.toSpliced(place, 0, { key, value });
      }),
    );
  const { format, indent } = setting;
  const edits = (): Edit[] => {
    const after = applyEdits(base.text, format.set(base.reading, at, value, { indent, document }));
    const text = spellAsGiven(format, after, { path: at, value, numbers }, document);
    return [{ start: 0, end: base.text.length, text }];
  };
  const made = firstThatSays(ready, [{ edits, wanted }], cannot(`${formatPath(at)}`, ready));
  return { draft: withText(draft, `add ${shownKey(at.at(-1)!)}`, made), at };
}

/** Where a format put a new key: TOML has those of a table before the tables in it. */
function placeOfKey(
  after: Reading,
  document: number,
  positions: readonly number[],
  key: string | undefined,
): number | undefined {
  const root = treesOf(after)[document];
  const holder = root && treeAt(root, positions);
  const place = holder instanceof TreeMap ? holder.entries().findIndex((entry) => entry.key === key) : -1;
  return place < 0 ? undefined : place;
}

/** A list or map as an empty value to be added. */
export function emptyTree(kind: "map" | "list"): Tree {
  return kind === "map" ? new TreeMap() : new TreeList();
}
