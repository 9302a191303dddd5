import type { Container, Entry, Format } from "../formats/format.ts";

/**
 * The six ways to say which values are encrypted (docs/internals/sops.md §3), in the order in which SOPS applies them.
 */
export const SELECTOR_KINDS = [
  "unencrypted_suffix",
  "encrypted_suffix",
  "unencrypted_regex",
  "encrypted_regex",
  "unencrypted_comment_regex",
  "encrypted_comment_regex",
] as const;

export type SelectorKind = (typeof SELECTOR_KINDS)[number];

/** A file has exactly one. */
export interface Selector {
  readonly kind: SelectorKind;
  readonly value: string;
}

/** Applies where neither flags nor configuration nor file name one. */
export const DEFAULT_SELECTOR: Selector = { kind: "unencrypted_suffix", value: "_unencrypted" };

/**
 * The selector that counts in a file of this format: none where the file is one value without names
 * (docs/internals/sops.md §5).
 */
export function selectorIn<S extends Selector | undefined>(format: Format, selector: S): S | undefined {
  return format.wrapper ? undefined : selector;
}

/**
 * Says for each entry, in walking order, whether it is encrypted. On a plaintext the comments are the texts that
 * people wrote; on an encrypted file they are what stands there, so that an encrypted comment matches no more.
 */
export type Selection = (entries: readonly Entry[]) => boolean[];

/**
 * Makes the selection of a selector. Regular expressions are RE2's, so no pattern can hang; the engine is loaded
 * when one is used. An expression that does not compile never matches, as in SOPS.
 */
export async function compileSelector(selector: Selector): Promise<Selection> {
  const { kind, value } = selector;
  switch (kind) {
    case "unencrypted_suffix":
      return byKeys((key) => key.endsWith(value), false);
    case "encrypted_suffix":
      return byKeys((key) => key.endsWith(value), true);
    case "unencrypted_regex":
      return byKeys(await matcher(value), false);
    case "encrypted_regex":
      return byKeys(await matcher(value), true);
    case "unencrypted_comment_regex":
      return byComments(await matcher(value), false);
    case "encrypted_comment_regex":
      return byComments(await matcher(value), true);
  }
}

/** A function that says whether an RE2 expression matches anywhere in a text; always false if it is invalid. */
export async function matcher(expression: string): Promise<(text: string) => boolean> {
  const { RE2JS } = await import("re2js");
  let compiled: ReturnType<typeof RE2JS.compile>;
  try {
    compiled = RE2JS.compile(expression);
  } catch {
    return () => false;
  }
  return (text) => compiled.matcher(text).find();
}

/** A match on any key of the path decides, so each container is asked once. Comments have their parent's path. */
function byKeys(matches: (key: string) => boolean, whenMatched: boolean): Selection {
  return (entries) => {
    const known = new Map<Container, boolean>();
    const inside = (container: Container | undefined): boolean => {
      if (!container) return false;
      const before = known.get(container);
      if (before !== undefined) return before;
      const { key, parent } = container;
      const result = (typeof key === "string" && matches(key)) || inside(parent);
      known.set(container, result);
      return result;
    };
    let [last, lastInside]: [Container | undefined, boolean] = [undefined, false];
    return entries.map((entry) => {
      // mostly the one before is in the same map
      if (entry.in !== last) [last, lastInside] = [entry.in, inside(entry.in)];
      const matched = lastInside || (typeof entry.key === "string" && matches(entry.key));
      return matched === whenMatched;
    });
  };
}

/**
 * Active comments: each open map or list has a list of them; a comment is pushed on its own's, which is emptied after
 * the next entry or item there, with all that is below it (docs/internals/sops.md §3).
 */
function byComments(matches: (text: string) => boolean, whenMatched: boolean): Selection {
  return (entries) => {
    // `item` is what of the container is being walked: the entry itself, or the map or list that holds it
    const open: { container: Container; matched: boolean; item: Entry | Container | undefined }[] = [];
    const result: boolean[] = [];
    for (const entry of entries) {
      const chain: { container: Container; item: Entry | Container | undefined }[] = [];
      let item: Entry | Container | undefined = entry.kind === "comment" ? undefined : entry;
      for (let c = entry.in; c; item = c, c = c.parent) chain.push({ container: c, item });
      chain.reverse();
      let depth = 0;
      while (depth < chain.length && open[depth]?.container === chain[depth]!.container) depth++;
      open.length = depth;
      for (const { container } of chain.slice(depth))
        open.push({ container, matched: false, item: undefined });
      chain.forEach((step, i) => {
        const level = open[i]!;
        if (level.item !== undefined && level.item !== step.item) level.matched = false;
        level.item = step.item;
      });
      const innermost = open.at(-1);
      if (entry.kind === "comment" && innermost) {
        const text = String(entry.value);
        const outer = open.some((level) => level.matched);
        // under encrypted_comment_regex a comment does not count itself; under the other it does
        // SOPS does not see a comment that it loses
        if (!entry.lost && matches(text)) innermost.matched = true;
        result.push((whenMatched ? outer : innermost.matched || outer) === whenMatched);
      } else result.push(open.some((level) => level.matched) === whenMatched);
    }
    return result;
  };
}
