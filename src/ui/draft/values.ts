/** Other values, and other texts of comments. */

import { TsopsError } from "../../errors.ts";
import type { Scalar } from "../../formats/scalar.ts";
import type { Edit } from "../../formats/text.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { type Base, entryOf } from "./base.ts";
import {
  type Attempt,
  type Draft,
  draftOfPart,
  firstThatSays,
  flushed,
  isLarge,
  type Pending,
  spellingOf,
  valueIn,
  withPending,
  withText,
} from "./draft.ts";
import { cannot, changedTree, type Done, labelOf, onRow } from "./operation.ts";
import { partAround } from "./part.ts";
import { withValueAt } from "./positions.ts";
import { sameValue, treesOf } from "./same.ts";

/** A value as somebody gave it: numbers keep their spelling. */
export interface GivenValue {
  readonly value: Scalar;
  readonly spelled?: string;
}

/** Gives a value or a comment another text, or another type. */
export function setValue(draft: Draft, node: Node, given: GivenValue): Done {
  const at = pathOfNode(node);
  const { value } = given;
  const before = valueIn(draft, node);
  const same = before !== undefined && typeof before === typeof value && sameValue(before, value);
  if (same && (given.spelled === undefined || given.spelled === spellingOf(draft, node)))
    return { draft, at };
  const label = `change ${labelOf(node)}`;
  const entry = entryOf(draft.base, node)!;
  const simple = node.kind === "value" && !entry.alias && !entry.anchored && !draft.setting.format.wrapper;
  if (simple && isLarge(draft)) {
    const to = pendingFor(draft, node, given);
    if (to) return { draft: withPending(draft, label, node.entry!, to), at };
  }
  return onRow(draft, node, (part, row) => {
    const ready = flushed(part);
    const base =
      row.kind === "comment" ? setComment(ready, row, String(value)) : setScalar(ready, row, given);
    return { draft: withText(part, label, base), at: pathOfNode(row) };
  });
}

/**
 * A value as it is to stand in the place of another. The part around it is read to see that it can stand there; where
 * there is none, that is seen when all of the text is read. Undefined if it cannot.
 */
function pendingFor(draft: Draft, node: Node, { value, spelled }: GivenValue): Pending | undefined {
  const { base, setting } = draft;
  const part = partAround(base, [node, node], setting.format);
  const index = node.entry! - (part ? part.first : 0);
  const { reading } = part?.base ?? flushedBase(draft);
  try {
    const text = spelled ?? setting.format.spell(reading, reading.entries[index]!, value);
    if (part) flushed(withPending(draftOfPart(draft, part), "", index, { value, text }));
    return { value, text };
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

/** The text of a draft without its new values, read as a whole. */
function flushedBase(draft: Draft): Base {
  return draft.base.spliced ? flushed({ ...draft, pending: new Map() }).base : draft.base;
}

function setComment(draft: Draft, node: Node, text: string): Base {
  const { base, setting } = draft;
  const entry = base.reading.entries[node.entry!]!;
  const comments = base.reading.entries.flatMap((other): string[] => {
    if (other.kind !== "comment" || other.alias) return [];
    return [other === entry ? text : String(other.value)];
  });
  const wanted = { trees: treesOf(base.reading), comments };
  const edits = () => [
    { start: entry.start, end: entry.end, text: setting.format.spell(base.reading, entry, text) },
  ];
  return firstThatSays(draft, [{ edits, wanted }], cannot("the comment", draft));
}

function setScalar(draft: Draft, node: Node, { value, spelled }: GivenValue): Base {
  const { base, setting } = draft;
  const { format, indent } = setting;
  const { reading } = base;
  const entry = reading.entries[node.entry!]!;
  const wanted = changedTree(base, node, (tree, positions) => withValueAt(tree, positions, value));
  const inPlace = (text: string): Edit[] => [{ start: entry.start, end: entry.end, text }];
  const attempts: Attempt[] = [
    {
      edits: () => format.set(reading, pathOfNode(node), value, { indent, document: node.document }),
      wanted,
    },
  ];
  // what other places repeat is changed by the format, which gives them copies first
  if (!entry.alias && !entry.anchored) {
    attempts.unshift({ edits: () => inPlace(format.spell(reading, entry, value)), wanted });
    if (spelled !== undefined) attempts.unshift({ edits: () => inPlace(spelled), wanted });
  }
  return firstThatSays(draft, attempts, cannot("this value", draft));
}
