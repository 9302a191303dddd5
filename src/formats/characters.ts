import { type Container, childContainer, type Entry, type Reading, type Remark } from "./format.ts";

/** Characters that look like a blank, or like nothing, and are neither to the formats. */
const NAMES: Readonly<Record<number, string>> = {
  133: "a next-line character",
  160: "a no-break space",
  173: "a soft hyphen",
  5760: "an ogham space",
  6158: "a Mongolian vowel separator",
  8199: "a figure space",
  8203: "a zero-width space",
  8206: "a left-to-right mark",
  8207: "a right-to-left mark",
  8232: "a line separator",
  8233: "a paragraph separator",
  8239: "a narrow no-break space",
  8287: "a mathematical space",
  8288: "a word joiner",
  12288: "an ideographic space",
  65279: "a byte order mark",
};

const BLANK =
  "\\u0085\\u00a0\\u00ad\\u1680\\u180e\\u2000-\\u200b\\u200e\\u200f\\u2028\\u2029\\u202f\\u205f\\u2060\\u3000\\ufeff";
/** Quotes that word processors put in the place of `"` and `'`. */
const QUOTES = "\\u2018-\\u201f";

const ODD_BLANK = new RegExp(`[${BLANK}]`);
const ALL_INVISIBLE = /[\u00ad\u180e\u200b\u200e\u200f\u2060\ufeff]/g;
const ALL_ODD_BLANKS = new RegExp(`[${BLANK}]`, "g");
const ODD = new RegExp(`[${BLANK}${QUOTES}]`);

export function hasOddBlank(text: string): boolean {
  return ODD_BLANK.test(text);
}

/** A character's number, as `U+00A0`. */
export function codePointOf(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** What is said about such a character: `U+00A0, a no-break space, stands here: it is no blank`. */
export function describeOdd(character: string): string {
  const code = character.charCodeAt(0);
  const number = codePointOf(character);
  if (code >= 0x2018 && code <= 0x201f)
    return `this is ${number}, a typographic quote, not an ordinary " or '`;
  const name = NAMES[code] ?? "a typographic space";
  return `this is ${number}, ${name}, not an ordinary space`;
}

/** Offset of the first blank that is none, or typographic quote, in [start, end); -1 if there is none. */
export function oddAt(text: string, start: number, end: number): number {
  const found = text.slice(start, end).search(ODD);
  return found < 0 ? -1 : start + found;
}

/** A name as people see it: without what cannot be seen, and without spaces around it. */
export function visibleName(name: string): string {
  return name.replace(ALL_INVISIBLE, "").replace(ALL_ODD_BLANKS, " ").trim();
}

/** A reading's remarks, and one for each key that holds such a character: nobody finds it by the name that is seen. */
export function remarksOf(reading: Reading): readonly Remark[] {
  const { text, entries, remarks = [], seenName = visibleName } = reading;
  if (!ODD_BLANK.test(text)) return remarks;
  const found: Remark[] = [];
  // by what the key is a key of: all that stands below it is found by it
  const offsets = new Map<Container | string, number>();
  for (const entry of entries) {
    if (entry.kind === "comment" || entry.alias) continue;
    const [key, holder] = oddKey(entry);
    if (key === undefined) continue;
    const character = ODD_BLANK.exec(key)![0];
    const known = offsets.get(holder);
    const offset = known ?? offsetBefore(text, key, character, entry.start);
    const quiet = known === undefined ? {} : ({ quiet: true } as const);
    offsets.set(holder, offset);
    found.push({
      offset,
      message: `${describeOdd(character)}, and it became part of a key`,
      hint: "the key cannot be found by the name that you see; remove the character",
      of: entry,
      as: asSeen(entry, seenName),
      ...quiet,
    });
  }
  return [...remarks, ...found];
}

/** How far before a value its key is looked for: a key that is spelled with escapes is not found at all. */
const NEAR = 4096;

/** Where the character of a key stands that leads to an entry; the entry itself, if the key is not found. */
function offsetBefore(text: string, key: string, character: string, start: number): number {
  const from = Math.max(0, start - key.length - NEAR);
  const found = text.slice(from, start).lastIndexOf(key);
  return found < 0 ? start : from + found + key.indexOf(character);
}

/** The innermost odd key of an entry's path, and what it is a key of. */
function oddKey({ in: holder, key }: Entry): [string | undefined, Container | string] {
  if (typeof key === "string" && ODD_BLANK.test(key))
    return [key, `${holder?.document}:${holder?.prefix}${key}`];
  for (let c = holder; c; c = c.parent) {
    if (typeof c.key === "string" && ODD_BLANK.test(c.key)) return [c.key, c];
  }
  return [undefined, ""];
}

/** The entry with the names that people see on the way to it. */
function asSeen(entry: Entry, seenName: (key: string) => string): Entry {
  const seen = (container: Container): Container => {
    if (!container.parent || container.key === undefined) return container;
    const { kind, parent, key } = container;
    return childContainer(kind, seen(parent), typeof key === "string" ? seenName(key) : key);
  };
  const { in: holder, key } = entry;
  return { ...entry, in: holder && seen(holder), key: typeof key === "string" ? seenName(key) : key };
}
