/**
 * A block of our own in a file of somebody else's, between two lines that nobody would write by chance. The rest of the
 * file stays as it is, byte for byte.
 */

const START = "# >>> tsops git install: change nothing up to the end of this block";
const END = "# <<< tsops git install";
/** In a file that had not been there before. */
const MADE = "# this file was made for this block";

export interface BlockPlace {
  /** Before everything else (behind a mark of the encoding), behind the first line, or behind everything else. */
  readonly at: "begin" | "second line" | "end";
  /** What a file begins with that is made for the block. */
  readonly head?: string;
  /** A block that is there already is moved; else it stays where it is. */
  readonly moves?: boolean;
}

/** Whether there is a block in a file. */
export function hasBlock(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && found(bytes.toString("latin1")) !== undefined;
}

/** The lines of the block; undefined if there is none. */
export function linesOfBlock(bytes: Buffer): string[] | undefined {
  const block = found(bytes.toString("latin1"));
  if (!block) return undefined;
  const lines = Buffer.from(block.inside, "latin1").toString().split(/\r?\n/).slice(0, -1);
  return lines.filter((line) => line !== MADE);
}

/** The file with these lines in its block, in the line ends of the file. @param bytes undefined if there is no file */
export function withBlock(
  bytes: Buffer | undefined,
  lines: readonly string[],
  { at, head = "", moves = false }: BlockPlace,
): Buffer {
  const before = bytes === undefined ? head : textWithout(bytes);
  const block = bytes === undefined ? undefined : found(bytes.toString("latin1"));
  const made = bytes === undefined || block?.made === true;
  const end = /\r\n/.test(before) && !/(?<!\r)\n/.test(before) ? "\r\n" : "\n";
  const text = [START, ...(made ? [MADE] : []), ...lines, END].map((line) => `${line}${end}`).join("");
  const inBytes = Buffer.from(text).toString("latin1");
  if (bytes !== undefined && block && !moves) {
    const whole = bytes.toString("latin1");
    return Buffer.from(whole.slice(0, block.start) + inBytes + whole.slice(block.to), "latin1");
  }
  return Buffer.from(inserted(before, inBytes, { at, end }), "latin1");
}

/** The file as it was before; undefined if it was not there. */
export function withoutBlock(
  bytes: Buffer,
  { head = "" }: Pick<BlockPlace, "head"> = {},
): Buffer | undefined {
  const block = found(bytes.toString("latin1"));
  const rest = textWithout(bytes);
  return block?.made && rest === head ? undefined : Buffer.from(rest, "latin1");
}

const BOM = "\u00ef\u00bb\u00bf";

function inserted(before: string, block: string, { at, end }: { at: BlockPlace["at"]; end: string }): string {
  if (at === "begin") return atBegin(before, block);
  const second = at === "second line" ? before.indexOf("\n") + 1 : 0;
  if (second === 0) return atEnd(before, block, end);
  return before.slice(0, second) + block + before.slice(second);
}

function atBegin(before: string, block: string): string {
  return before.startsWith(BOM) ? BOM + block + before.slice(BOM.length) : block + before;
}

/** Behind a last line without its line break the break belongs to the block. */
function atEnd(before: string, block: string, end: string): string {
  return before === "" || before.endsWith("\n") ? before + block : `${before}${end}${JOINED}${end}${block}`;
}

/** Says that the line break before it is not the file's own. */
const JOINED = "# (the line break before this one is of this block)";

interface Block {
  /** Where it begins with the line break that belongs to it. */
  readonly from: number;
  /** Where its first line begins. */
  readonly start: number;
  readonly to: number;
  readonly inside: string;
  readonly made: boolean;
}

function found(text: string): Block | undefined {
  const match = new RegExp(
    // both line breaks are the same: a \r before the first is the file's own
    `(?:(\\r?\\n)${quoted(JOINED)}\\1|(?<=^|\\n|${BOM}))${quoted(START)}\\r?\\n([\\s\\S]*?)(?<=\\n)${quoted(END)}(?:\\r?\\n|$)`,
  ).exec(text);
  if (!match) return undefined;
  const inside = match[2]!;
  const to = match.index + match[0].length;
  const start = match.index + match[0].indexOf(START);
  return { from: match.index, start, to, inside, made: inside.startsWith(MADE) };
}

function textWithout(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  const block = found(text);
  if (!block) return text;
  const [before, after] = [text.slice(0, block.from), text.slice(block.to)];
  // whoever added lines since needs the line break
  const joined = block.from < block.start && after !== "";
  return before + (joined ? /^\r?\n/.exec(text.slice(block.from))![0] : "") + after;
}

function quoted(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}
