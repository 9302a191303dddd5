import type { Readable } from "node:stream";
import { TsopsError } from "../errors.ts";
import { parseGoBool } from "../formats/numbers.ts";
import { homeFolder } from "../home.ts";

/** What the command line may use of the process, so that tests can run it in theirs. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** How the program was started: its file, or what runs it and its script. */
  readonly program?: readonly string[];
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds since any moment, for what depends on how long something takes. Default: those of the process. */
  readonly now?: () => number;
}

/** What is used of a stream that is written to. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(data: string | Uint8Array, done: (error?: Error | null) => void): unknown;
}

/** A part of a run whose output goes elsewhere first. */
export function partOf(io: Io, outputs: Pick<Io, "stdout" | "stderr">): Io {
  const { stdout, stderr } = outputs;
  // no copy: looking at a stream opens it
  const part: Io = Object.create(io, { stdout: { value: stdout }, stderr: { value: stderr } });
  wholes.set(part, wholeOf(io));
  return part;
}

const wholes = new WeakMap<Io, Io>();

/** The run that something is a part of: what is known by the run is known by this. */
export function wholeOf(io: Io): Io {
  return wholes.get(io) ?? io;
}

/** Whether there is a whole terminal: to show things on, and to read single keys from. */
export function hasTerminal(io: Io): boolean {
  return takesKeys(io) && io.env.TERM !== "dumb";
}

/** Whether single keys can be read, and lines be shown, be it on a terminal that understands nothing else. */
export function takesKeys({ stdin, stdout }: Io): boolean {
  return stdin.isTTY === true && "setRawMode" in stdin && stdout.isTTY === true;
}

/** The home folder. */
export function homeOf({ env }: Pick<Io, "env">): string {
  return homeFolder(env);
}

/** What a variable says that is true or false, as Go reads it. @throws TsopsError("usage") if it is neither. */
export function truthOf(variable: string, text: string): boolean {
  const truth = parseGoBool(text);
  if (truth !== undefined) return truth;
  throw new TsopsError("usage", `${variable} is neither true nor false`);
}

/** The terminal that shows a line which goes when anything else is written: a progress bar. */
let passing: Output | undefined;

/** Shows a line in the place of the one before. */
export async function writePassing(stream: Output, line: string): Promise<void> {
  const taken = take(stream, `\r${line}\x1b[K`);
  passing = stream;
  await taken;
}

export async function clearPassing(): Promise<void> {
  if (!passing) return;
  const stream = passing;
  passing = undefined;
  await take(stream, "\r\x1b[K");
}

/** Writes and waits until the stream has taken it: an exit must not cut off what was printed. */
export async function write(stream: Output, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return;
  if (passing && stream.isTTY) clearPassing().catch(() => undefined);
  await take(stream, data);
}

/** For Ctrl-C: what is said next stands on a line of its own. Nobody waits for it, nor misses it. */
export function endLine(io: Io): void {
  write(io.stderr, "\n").catch(() => undefined);
}

async function take(stream: Output, data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** All bytes of a stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/**
 * Writes lines of our own. Whatever the names, keys and messages in them hold, each stays one line, shows what is in
 * it, and is no command for a program that reads the log.
 */
export async function writeLines(
  stream: Output,
  lines: readonly Line[],
  { colours = false } = {},
): Promise<void> {
  await write(stream, lines.map((line) => `${lineText(line, colours)}\n`).join(""));
}

const COLOURS = { red: 31, green: 32, yellow: 33 } as const;

/** A line in a colour: the head alone, which is a text of ours, or the whole line. */
export interface Painted {
  readonly text: string;
  readonly colour: keyof typeof COLOURS;
  readonly head?: string;
}

export type Line = string | Painted;

function lineText(line: Line, colours: boolean): string {
  if (typeof line === "string") return visibleLine(line);
  const text = visibleLine(line.text);
  const head = line.head ?? text;
  if (!colours || !text.startsWith(head)) return text;
  return `\x1b[${COLOURS[line.colour]}m${head}\x1b[0m${text.slice(head.length)}`;
}

/** Runs whose command line says `--no-color`. */
const plain = new WeakSet<Io>();

export function withoutColours(io: Io): void {
  plain.add(io);
}

/** Whether lines on a stream may have colours: on a terminal, unless the person does not want any. */
export function takesColours(stream: Io["stdout"], io: Io): boolean {
  return stream.isTTY === true && !io.env.NO_COLOR && io.env.TERM !== "dumb" && !plain.has(wholeOf(io));
}

/** What is no character of a text, or shows nothing: controls, line breaks, marks of direction, fillers. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}\u2800]/gu;

/**
 * What starts a command for a program that runs jobs: GitHub looks behind blanks for `::`, GitHub, Azure and TeamCity
 * anywhere for `##[`, `##vso[`, `##teamcity[`.
 */
const COMMAND = /^\s*:(?=:)|#(?=#[a-z]*\[)/gi;

/** A text as one line that hides nothing. */
export function visibleLine(text: string): string {
  return shown(text, UNSEEN).replace(COMMAND, (start) => start.slice(0, -1) + codePoint(start.slice(-1)));
}

/** In a document line breaks and tabs are what they are, and characters without width belong to some scripts. */
const STEERING = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A plaintext for a terminal, which it must not steer. CR LF line ends are harmless and stay. */
export function visibleDocument(text: string): string {
  return text
    .split("\r\n")
    .map((line) => shown(line, STEERING))
    .join("\r\n");
}

/** Bytes that are not UTF-8 (src/formats/text.ts), and which old terminals take for control characters. */
const BAD_BYTES = /(?<![\ud800-\udbff])[\udc80-\udc9f]/g;

function shown(text: string, characters: RegExp): string {
  return text
    .replace(BAD_BYTES, (byte) => codePoint(String.fromCharCode(byte.charCodeAt(0) - 0xdc00)))
    .replace(characters, (character) => {
      const code = character.codePointAt(0)!;
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : codePoint(character);
    });
}

function codePoint(character: string): string {
  return `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}>`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ...[..."abtnvfr"].map((letter, i): [string, string] => [String.fromCharCode(7 + i), letter]),
  ['"', '"'],
  ["\\", "\\"],
]);

/**
 * A file's name on a line of its own, for scripts: as it is, or as git quotes names (core.quotePath) where it holds
 * anything that does not show, or that would be a command at the start of a line.
 */
export function quotedPath(name: string): string {
  const odd =
    visibleLine(name) !== name || name.includes('"') || (process.platform !== "win32" && name.includes("\\"));
  if (!odd) return name;
  const octal = (text: string) =>
    [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const escaped = name
    .replace(/["\\]/g, (character) => `\\${character}`)
    .replace(UNSEEN, (character) => {
      const short = SHORT_ESCAPES.get(character);
      return short === undefined ? octal(character) : `\\${short}`;
    })
    .replace(/#(?=#[a-z]*\[)/gi, octal);
  return `"${escaped}"`;
}
