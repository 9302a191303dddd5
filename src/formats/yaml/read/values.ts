import { TsopsError } from "../../../errors.ts";
import type { Entry } from "../../format.ts";
import type { Scalar } from "../../scalar.ts";
import { placeOf } from "../../text.ts";
import { TreeList, TreeMap } from "../../tree.ts";
import type { Node, ScalarNode } from "../compose/nodes.ts";
import { keyOf } from "./keys.ts";
import { isTypeTag, MISMATCH, mismatch, resolve, TOO_LARGE } from "./resolve.ts";

/** The value of a scalar. @throws TsopsError where its tag says something else, or SOPS has no such integer. */
export function scalarValue(text: string, node: ScalarNode): Scalar {
  const value = resolve(node);
  if (value === MISMATCH) throw mismatch(text, node);
  if (value === TOO_LARGE) {
    throw new TsopsError("tree-encryption", "this integer is too large for SOPS (2^63 or more)", {
      hint: "put it in quotes to make it a string",
      place: placeOf(text, node.start),
    });
  }
  return value;
}

/** The scalar that an entry of a reading was made of; undefined for comments and empty collections. */
export function scalarOf({ kind, style }: Entry): ScalarNode | undefined {
  return kind === "value" ? (style as ScalarNode | undefined) : undefined;
}

/** What encrypting a scalar replaces: with a tag that says its type, without a header that holds a comment. */
export function spanOf(text: string, node: ScalarNode): { start: number; end: number } {
  const { props, block, end } = node;
  if (isTypeTag(props?.tag)) {
    const clean = !block?.comment && /^\s*$/.test(text.slice(props!.tagEnd, node.start));
    return { start: clean ? props!.tagStart : node.start, end };
  }
  return block?.comment ? { start: Math.min(block.body, end), end } : node;
}

/** Whether a block scalar is a ciphertext with a line break behind it, which means nothing. */
export function isCipherLine(node: ScalarNode): boolean {
  return node.block !== undefined && CIPHER_LINE.test(node.text);
}

const CIPHER_LINE = /^ENC\[AES256_GCM,[^\n]*\]\n+$/;

/** A node as a tree, with aliases expanded: for the metadata, which the walk has checked before. */
export function treeOf(text: string, node: Node): Scalar | TreeMap | TreeList {
  if (node.kind === "alias") return treeOf(text, node.target);
  if (node.kind === "scalar") return resolve(node) as Scalar;
  if (node.kind === "list") return new TreeList(node.items.map((item) => treeOf(text, item)));
  return new TreeMap(node.items.map((item) => ({ key: keyOf(text, item), value: treeOf(text, item) })));
}
