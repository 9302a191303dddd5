/** New comments. */

import { TsopsError } from "../../errors.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { type Attempt, type Draft, firstThatSays, flushed, withText } from "./draft.ts";
import { commentsAbove } from "./lines.ts";
import { cannot, type Done, onRow } from "./operation.ts";
import { commentsOf, treesOf } from "./same.ts";

/** Writes a comment on a line above a key, an item or another comment. */
export function addComment(draft: Draft, node: Node, comment: string): Done {
  if (/[\r\n]/.test(comment))
    throw new TsopsError("print", "a comment is one line", { hint: "add one for each line" });
  return onRow(draft, node, (part, row) => addCommentIn(part, row, comment));
}

function addCommentIn(draft: Draft, node: Node, comment: string): Done {
  const ready = flushed(draft);
  const { base } = ready;
  const before = commentsOf(base.reading);
  const trees = treesOf(base.reading);
  const { document } = node;
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const ways = commentsAbove(base, node, ` ${comment}`);
  // INI keeps the mark as a part of the comment
  const texts = [` ${comment}`, comment, `; ${comment}`, `# ${comment}`];
  const attempts = [true, false].flatMap((strict) =>
    ways.map(
      (edits): Attempt => ({
        edits: () => edits,
        wanted: (after) => {
          const text = texts.find((one) => countOf(one, commentsOf(after)) > countOf(one, before)) ?? comment;
          const placed = strict ? { text, in: parent, document } : undefined;
          return { trees, comments: [...before, text], placed };
        },
      }),
    ),
  );
  const made = firstThatSays(ready, attempts, cannot("a comment", ready));
  return { draft: withText(draft, "add a comment", made), at: pathOfNode(node) };
}

function countOf(text: string, texts: readonly string[]): number {
  return texts.filter((other) => other === text).length;
}
