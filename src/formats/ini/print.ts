import { TsopsError } from "../../errors.ts";
import { type Scalar, valToString } from "../scalar.ts";
import { encodeText } from "../text.ts";
import { TreeComment, TreeList, TreeMap } from "../tree.ts";
import { DEFAULT_SECTION } from "./read.ts";
import { trim } from "./space.ts";
import { printValue, spellKey, spellSection } from "./spell.ts";

/**
 * A tree as SOPS prints it into INI (docs/internals/sops.md §6). Where SOPS's own spelling of a key or value would be
 * read as something else, another is chosen. @throws TsopsError("print") for a tree that is not made of
 * sections of scalars, and for what no spelling can hold
 */
export function printIni(tree: TreeMap): string {
  const entries = tree.entries();
  const sections = entries.map(({ key, value }, i) => {
    if (!(value instanceof TreeMap)) throw notASection(key);
    const { comment, keys } = sectionParts(key, value);
    const above = comment === "" ? "" : commentLines(comment, (line) => line);
    // keys before the first header are those of this section; without any there is nothing to print, not even a line
    const headless = i === 0 && key === DEFAULT_SECTION;
    if (headless && keys.length === 0) return above;
    const header = headless ? "" : `${spellSection(key)}\n`;
    return `${above}${header}${printKeys(keys)}${i < entries.length - 1 ? "\n" : ""}`;
  });
  return sections.join("");
}

/** An entry of a section, with the comment that goes above it. */
export interface PrintedKey {
  readonly name: string;
  readonly value: string;
  readonly comment?: string;
}

/** Lines of `key = value`, aligned as SOPS aligns them: by bytes. */
export function printKeys(keys: readonly PrintedKey[], newline = "\n"): string {
  const spelled = keys.map(({ name }) => spellKey(name));
  const widths = spelled.map((name) => encodeText(name).length);
  const widest = widths.reduce((a, b) => Math.max(a, b), 0);
  const lines = keys.map(({ value, comment }, i) => {
    const pad = " ".repeat(widest - widths[i]!);
    return `${comment ? commentLines(comment, trim) : ""}${spelled[i]}${pad} = ${printValue(value)}${newline}`;
  });
  return lines.join("");
}

/** The scalars of a section, texts already. @throws TsopsError("print") if one is not a scalar */
export function keysOf(section: string, map: TreeMap): PrintedKey[] {
  return sectionParts(section, map, iniText).keys;
}

/**
 * A value that is set. @throws TsopsError("print") for null, which SOPS writes as the text `<nil>`, as conversions do.
 */
export function iniText(value: Scalar): string {
  if (value !== null) return valToString(value);
  throw new TsopsError("print", "INI has no null", {
    hint: "use an empty text (set … '\"\"'), or remove the key (tsops unset)",
  });
}

/** SOPS has a comment before the first key for the section's, and of several behind a key the last. */
function sectionParts(
  section: string,
  { items }: TreeMap,
  text: (value: Scalar) => string = valToString,
): { comment: string; keys: PrintedKey[] } {
  const keys = new Map<string, { name: string; value: string; comment?: string }>();
  const [first] = items;
  let last: { name: string; value: string; comment?: string } | undefined;
  for (const item of items) {
    if (item instanceof TreeComment) {
      if (last) last.comment = item.text;
      continue;
    }
    const { key: name, value } = item;
    if (value instanceof TreeMap || value instanceof TreeList) throw nested(section, name);
    last = keys.get(name) ?? { name, value: "" };
    last.value = text(value);
    keys.set(name, last);
  }
  return { comment: first instanceof TreeComment ? first.text : "", keys: [...keys.values()] };
}

/** Each line gets a mark if it has none; a blank follows it. */
function commentLines(comment: string, clean: (line: string) => string): string {
  const lines = comment.split("\n").map((line) => {
    if (line === "") return ";";
    return /^[#;]/.test(line) ? `${line[0]} ${trim(line.slice(1))}` : `; ${clean(line)}`;
  });
  return `${lines.join("\n")}\n`;
}

function notASection(key: string): TsopsError {
  return new TsopsError(
    "print",
    `the top level of INI holds sections only, and ${JSON.stringify(key)} is a value`,
    {
      hint: "choose another type with --output-type",
    },
  );
}

function nested(section: string, key: string): TsopsError {
  const path = `[${JSON.stringify(section)}][${JSON.stringify(key)}]`;
  return new TsopsError("print", `INI cannot hold maps and lists inside sections, such as ${path}`, {
    hint: "choose another type with --output-type",
  });
}
