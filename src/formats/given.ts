import { TsopsError } from "../errors.ts";
import { buildTrees } from "./build.ts";
import { type Entry, type Format, type PathElement, pathOf } from "./format.ts";
import { type Scalar, sameScalar } from "./scalar.ts";
import { applyEdits } from "./text.ts";
import { type Tree, TreeList, TreeMap } from "./tree.ts";

/** A number with the text that it was given as: `1.50`, `1e3`, `-0`. */
export interface GivenNumber {
  readonly value: bigint | number;
  readonly text: string;
}

/** A value that is to be set at a path, and how the numbers in it were spelled. */
export interface Assignment {
  readonly path: readonly PathElement[];
  readonly value: Tree;
  readonly numbers?: readonly GivenNumber[];
}

/** Formats in which every value is a text, which is what a number is given as. */
const FLAT: ReadonlySet<string> = new Set(["dotenv", "ini"]);

/**
 * A value that is to be set, as a format takes it: where all values are texts, a number is the text that was given. SOPS
 * makes a float of every number, and prints 8080 as `8080.0` and 1000000 as `1e+06`.
 * @throws TsopsError("invalid-set-value") for an integer that the format has no number for.
 */
export function valueFor(format: Format, value: Tree, numbers: readonly GivenNumber[]): Tree {
  if (!FLAT.has(format.name)) {
    numbers.forEach(checkExact);
    return value;
  }
  const nested = value instanceof TreeList || (value instanceof TreeMap && format.name === "dotenv");
  if (nested) {
    throw new TsopsError("print", `${format.name} holds texts: a list or an object cannot be set here`, {
      hint: "set each value under a key of its own, or put the list into the file as one text in quotes",
    });
  }
  let next = 0;
  const asText = (tree: Tree): Tree => {
    if (tree instanceof TreeList) return new TreeList(tree.values().map(asText));
    if (tree instanceof TreeMap)
      return TreeMap.of(tree.entries().map(({ key, value }) => [key, asText(value)]));
    return isNumber(tree) ? (numbers[next++]?.text ?? tree) : tree;
  };
  return asText(value);
}

/** An integer of more than 64 bits would be a float in SOPS: never a rounded one in silence. */
function checkExact({ value, text }: GivenNumber): void {
  if (typeof value !== "number" || !/^-?\d+$/.test(text) || BigInt(text) === BigInt(value)) return;
  throw new TsopsError("invalid-set-value", "the integer does not fit 64 bits and would be rounded", {
    hint: "put it in quotes to set it as a text",
  });
}

/** The text after `set`, with the numbers below the path spelled as they were given, if that reads as the same. */
export function spellAsGiven(
  format: Format,
  text: string,
  { path, numbers = [] }: Assignment,
  document = 0,
): string {
  if (numbers.length === 0) return text;
  const before = numbersBelow(format.read(text).entries, path, document);
  // as many as were given, in their order: else it was not these places that they were written into
  if (before.length !== numbers.length) return text;
  if (before.some(({ value }, i) => String(value) !== String(numbers[i]!.value))) return text;
  const edits = before.map(({ start, end }, i) => ({ start, end, text: numbers[i]!.text }));
  const spelled = applyEdits(text, edits);
  if (spelled === text) return text;
  try {
    const after = numbersBelow(format.read(spelled).entries, path, document);
    const same =
      after.length === numbers.length && after.every(({ value }, i) => sameScalar(value!, numbers[i]!.value));
    return same ? spelled : text;
  } catch {
    return text;
  }
}

/** The numbers at and below a path of a document, in text order. */
function numbersBelow(entries: readonly Entry[], path: readonly PathElement[], document: number): Entry[] {
  const own = entries.filter((entry) => (entry.in?.document ?? 0) === document);
  const at = existing(buildTrees(own, document + 1)[document]!, path);
  const isBelow = (entry: Entry) => {
    const full = pathOf(entry);
    return at.every((element, i) => full[i] === element);
  };
  return own.filter((entry) => isNumber(entry.value) && !entry.alias && isBelow(entry));
}

/** An index past the end of a list is that of its last item: `set` appended it. */
function existing(root: Tree, path: readonly PathElement[]): PathElement[] {
  let node: Tree | undefined = root;
  return path.map((element) => {
    if (typeof element === "number" && node instanceof TreeList) {
      const items = node.values();
      const index = Math.min(element, items.length - 1);
      node = items[index];
      return index;
    }
    node = node instanceof TreeMap && typeof element === "string" ? node.get(element) : undefined;
    // what was missing was made with one item
    return typeof element === "number" ? 0 : element;
  });
}

const isNumber = (value: Tree | Scalar | undefined): value is bigint | number =>
  typeof value === "bigint" || typeof value === "number";
