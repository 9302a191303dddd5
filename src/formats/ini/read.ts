import { TsopsError } from "../../errors.ts";
import { append } from "../append.ts";
import { type FlatLine, flatBlock } from "../flatten.ts";
import {
  type Container,
  childContainer,
  type Entry,
  type Reading,
  type Remark,
  rootContainer,
} from "../format.ts";
import { placeOf } from "../text.ts";
import { headerRemarks, keyRemarks } from "./remarks.ts";
import { type IniComment, type IniKey, type IniSection, type Quote, type Span, scanIni } from "./scan.ts";
import { skipSpace } from "./space.ts";

/** The section of the keys before the first header. It is there even if it is empty (docs/internals/sops.md §6). */
export const DEFAULT_SECTION = "DEFAULT";

/** The section that holds the metadata (docs/internals/sops.md §5). */
export const METADATA_SECTION = "sops";

/** How an entry is spelled, for {@link Entry.style}. */
export type IniStyle =
  | {
      readonly kind: "value";
      readonly quote: Quote;
      /**
       * A comment follows on the line: SOPS sees it only behind a value that is not in quotes of its own
       * kind.
       */
      readonly comment: boolean;
      readonly multiline: boolean;
      /** Line breaks are written `\n`. */
      readonly metadata: boolean;
    }
  /** A comment; `indent` stands before its lines, `mark` and `tail` around it in its span. */
  | {
      readonly kind: "comment";
      readonly indent: string;
      readonly mark: string;
      readonly tail: string;
    }
  /** Text that SOPS skips. */
  | { readonly kind: "stray" };

/** A section with its keys, as it stands in the text. */
export interface Section {
  readonly name: string;
  /** None for the keys before the first header. */
  readonly header: IniSection | undefined;
  /** Comment lines right before the header: they are the section's. */
  readonly above: readonly IniComment[];
  readonly keys: Key[];
}

export interface Key {
  readonly item: IniKey;
  /** Comment lines before it. */
  readonly above: readonly IniComment[];
}

interface Document {
  readonly sections: readonly Section[];
  /** Comment lines behind everything. */
  readonly below: readonly IniComment[];
}

/** The sections of a text. @throws TsopsError("parse") */
function readDocument(text: string): Document {
  const sections: Section[] = [{ name: DEFAULT_SECTION, header: undefined, above: [], keys: [] }];
  let comments: IniComment[] = [];
  for (const item of scanIni(text)) {
    if (item.kind === "comment") {
      comments.push(item);
      continue;
    }
    if (item.kind === "section") sections.push({ name: item.name, header: item, above: comments, keys: [] });
    else sections.at(-1)!.keys.push({ item, above: comments });
    comments = [];
  }
  return { sections, below: comments };
}

/** A reading with the sections that it was made of. */
interface IniReading extends Reading {
  readonly sections: readonly Section[];
}

/** The sections of a text that was read. */
export function sectionsOf(reading: Reading): readonly Section[] {
  const { sections } = reading as Partial<IniReading>;
  return sections ?? readDocument(reading.text).sections;
}

/** A text's entries in SOPS's walking order. @throws TsopsError("parse") */
export function readIni(text: string): IniReading {
  return new Reader(text).read();
}

/** A comment as it stands in the text. */
interface Written extends Span {
  readonly value: string;
  readonly style: IniStyle;
}

class Reader {
  private readonly text: string;
  private readonly root = rootContainer();
  private readonly entries: Entry[] = [];
  private readonly duplicates: number[] = [];
  private readonly remarks: Remark[] = [];

  constructor(text: string) {
    this.text = text;
  }

  read(): IniReading {
    const { text, entries, duplicates, remarks } = this;
    const { sections, below } = readDocument(text);
    const blocks: Section[] = [];
    // Comments before the metadata's header are nobody's for SOPS, as those at the end are: here they belong to the
    // last section before them, which they do with or without the metadata.
    let trailing: IniComment[] = [];
    let open: Section | undefined;
    const close = (): void => {
      if (open) this.section(open, trailing);
      trailing = [];
    };
    for (const section of sections) {
      if (section.header && section.name === METADATA_SECTION) {
        blocks.push(section);
        append(trailing, section.above);
      } else {
        close();
        open = section;
      }
    }
    append(trailing, below);
    close();
    const reading = { text, entries, documents: 1, duplicates, remarks, sections };
    return blocks.length === 0 ? reading : { ...reading, metadata: metadataBlock(text, blocks) };
  }

  private section({ name, header, above, keys }: Section, trailing: readonly IniComment[]): void {
    const holder = childContainer("map", this.root, name);
    if (keys.length === 0) {
      const at = header ? header.lines.start : 0;
      this.entries.push({
        kind: "empty-map",
        in: this.root,
        key: name,
        collection: holder,
        value: undefined,
        start: at,
        end: at,
      });
    }
    if (header) this.sectionComment(holder, above, header);
    for (const [key, occurrences] of byName(keys)) this.key(holder, key, occurrences);
    for (const run of runsOf(this.text, trailing)) this.comment(holder, run, true);
  }

  /**
   * SOPS knows the last of equal keys, at the place of the first. The values and comments of the others are
   * encrypted all the same: they are secrets too.
   */
  private key(holder: Container, key: string, occurrences: readonly Key[]): void {
    const last = occurrences.at(-1)!;
    for (const { item, above } of occurrences) {
      const { value, inline, stray } = item;
      const { start, end } = value;
      const hidden = item !== last.item;
      const style: IniStyle = {
        kind: "value",
        quote: value.quote,
        comment: inline !== undefined,
        multiline: value.multiline,
        metadata: false,
      };
      const entry = { in: holder, key, value: value.value, start, end, style } as const;
      const asValue: Entry = { ...entry, kind: "value" };
      if (hidden) {
        const comment: Entry = { ...entry, kind: "comment", lost: true };
        this.entries.push(comment);
        const behind = this.comments(holder, above, inline, true);
        append(this.remarks, keyRemarks(this.text, item, comment, behind));
      }
      if (item !== occurrences[0]!.item) this.duplicates.push(item.nameSpan.start);
      if (stray) {
        const lost = {
          value: this.text.slice(stray.start, stray.end),
          lost: true,
          style: { kind: "stray" },
        } as const;
        this.entries.push({ kind: "comment", in: holder, key, ...stray, ...lost });
      }
      if (!hidden) {
        this.entries.push(asValue);
        const behind = this.comments(holder, above, inline);
        append(this.remarks, keyRemarks(this.text, item, asValue, behind));
      }
    }
  }

  /**
   * For SOPS the lines above and the comment behind are one comment of several lines. A ciphertext for each
   * is what it can read: it decrypts the first and drops the second. Returns the comment behind.
   */
  private comments(
    holder: Container,
    above: readonly IniComment[],
    inline: Span | undefined,
    lost = false,
  ): Entry | undefined {
    if (above.length > 0) this.comment(holder, above, lost, inline !== undefined);
    return inline && this.comment(holder, [inline], lost || above.length > 0);
  }

  private comment(holder: Container, lines: readonly Span[], lost: boolean, filled = false): Entry {
    const { text } = this;
    const { marks, value } = commentValue(text, lines, filled);
    const start = lines[0]!.start + marks;
    const style: IniStyle = { kind: "comment", indent: indentBefore(text, lines[0]!), mark: "", tail: "" };
    const span = { start, end: Math.max(start, lines.at(-1)!.end) };
    return this.add(holder, { value, ...span, style }, lost);
  }

  private add(holder: Container, comment: Written, lost: boolean): Entry {
    const entry: Entry = { kind: "comment", in: holder, key: undefined, ...comment, ...(lost && { lost }) };
    this.entries.push(entry);
    return entry;
  }

  /**
   * A section's comment, that behind its header included: a ciphertext cannot stand there, since its `]`
   * would become the end of the section's name. So the span takes in the header, and the ciphertext goes
   * above it.
   */
  private sectionComment(holder: Container, above: readonly IniComment[], section: IniSection): void {
    const { header, inline, lines } = section;
    const all = inline ? [...above, inline] : above;
    if (all.length === 0) return;
    const { text } = this;
    const { marks, value } = commentValue(text, all);
    const [first] = above;
    const newline = text[lines.end - 2] === "\r" ? "\r\n" : "\n";
    const style: IniStyle = {
      kind: "comment",
      indent: indentBefore(text, first ?? header),
      mark: first ? text.slice(first.start, Math.min(first.start + marks, first.end)) : "; ",
      tail: first
        ? text.slice(above.at(-1)!.end, header.end)
        : `${newline}${text.slice(header.start, header.end)}`,
    };
    const span = { start: (first ?? header).start, end: (inline ?? header).end };
    // SOPS skips text behind the header that has no mark: it must not select anything either
    const lost = !all.some(({ start, end }) => /[#;]/.test(text.slice(start, end)));
    const entry = this.add(holder, { value, ...span, style }, lost);
    append(this.remarks, headerRemarks(text, section, holder, entry));
  }
}

/** The white space before something, where nothing else stands before it on its line. */
function indentBefore(text: string, { start }: Span): string {
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return skipSpace(before, 0, before.length) === before.length ? before : "";
}

/** The keys of a section in the order of their first occurrence. */
function byName(keys: readonly Key[]): Map<string, Key[]> {
  const names = new Map<string, Key[]>();
  for (const key of keys) {
    const same = names.get(key.item.name);
    if (same) same.push(key);
    else names.set(key.item.name, [key]);
  }
  return names;
}

/** Comments at the end of a section may stand on both sides of the metadata: each side is one. */
function runsOf(text: string, comments: readonly IniComment[]): IniComment[][] {
  const runs: IniComment[][] = [];
  for (const comment of comments) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run && before && skipSpace(text, before.end, comment.start) === comment.start) run.push(comment);
    else runs.push([comment]);
  }
  return runs;
}

/**
 * The text of a comment as SOPS has it: without the mark and the blanks at its start, the marks of further
 * lines kept. First lines of nothing but marks, which make SOPS crash when it prints the comment, are not
 * part of it; where there is nothing else, a mark is left. One line of that sort is empty, unless `filled`,
 * when another comment follows for SOPS.
 */
function commentValue(
  text: string,
  lines: readonly Span[],
  filled = false,
): { marks: number; value: string } {
  const last = lines.at(-1)!;
  const whole = lines
    .map(({ start, end }, i) => {
      const mark = i === 0 || /[#;]/.test(text[start]!) ? "" : "; ";
      return mark + text.slice(start, end === last.end ? end : text.indexOf("\n", end) + 1);
    })
    .join("");
  const marks = /^(?:;[; ]*|#[# ]*)?/.exec(whole)![0].length;
  const rest = whole.slice(marks);
  const value = rest.replace(/^(?:\r?\n[#; ]*)+/, "");
  if (value !== "" || (rest === "" && !filled)) return { marks, value };
  return { marks, value: whole.startsWith(";") ? "#" : ";" };
}

function metadataBlock(text: string, blocks: readonly Section[]) {
  if (blocks.length > 1) {
    return {
      get tree(): never {
        throw new TsopsError("parse", "there are two sections named sops", {
          place: placeOf(text, blocks[1]!.header!.lines.start),
          hint: "one of them must go; compare the file with its last good version in git",
          exit: 1,
        });
      },
      entries: [],
    };
  }
  const style: IniStyle = { kind: "value", quote: "", comment: false, multiline: false, metadata: true };
  const lines: FlatLine[] = [...byName(blocks[0]!.keys)].map(([key, occurrences]) => {
    const { nameSpan, value } = occurrences.at(-1)!.item;
    const { start, end, quote } = value;
    const unescaped = value.value.replaceAll("\\n", "\n");
    return { key, value: unescaped, keyStart: nameSpan.start, start, end, style: { ...style, quote } };
  });
  return flatBlock(text, lines);
}
