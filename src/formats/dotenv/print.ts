import { TreeComment, TreeList, TreeMap } from "../tree.ts";
import { checkedKey, complex, valueText } from "./spell.ts";

/** A tree as lines. @throws TsopsError("print") for nested values and keys that a line cannot hold. */
export function printDotenv(tree: TreeMap): string {
  const lines = tree.items.map((item) => {
    // A comment of several lines comes from other formats; SOPS lets all but the first become something else.
    if (item instanceof TreeComment) return `#${item.text.replace(/\n(?!#)/g, "\n#")}\n`;
    if (item.value instanceof TreeMap || item.value instanceof TreeList) throw complex(item.key);
    return `${checkedKey(item.key)}=${valueText(item.value)}\n`;
  });
  return lines.join("");
}
