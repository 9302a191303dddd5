import { basename } from "node:path";
import { withoutAllowed } from "../../../check/allowed.ts";
import { checkEncrypted } from "../../../check/encrypted.ts";
import { type Finding, Lines } from "../../../check/finding.ts";
import { badComments, badFile } from "../../../check/opened.ts";
import { damage, notEncrypted } from "../../../check/plain.ts";
import type { Report } from "../../../check/report.ts";
import type { DeepScan } from "../../../check/secrets/deep.ts";
import { type PlainText, secretsIn } from "../../../check/secrets/scan.ts";
import { matchesAll } from "../../../config/check.ts";
import type { Rule } from "../../../config/model.ts";
import { selectorOf } from "../../../config/selectors.ts";
import { openRead } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { holdsCiphertexts } from "../../../formats/detect.ts";
import type { Entry, Format, Reading } from "../../../formats/format.ts";
import { formatOfName, loadFormat } from "../../../formats/index.ts";
import { decodeText } from "../../../formats/text.ts";
import { readText } from "../../../formats/unreadable.ts";
import { groupsFromMetadata } from "../../../keys/metadata.ts";
import { recognize } from "../../../recognize.ts";
import type { EncryptedText } from "../../../sops/decrypt.ts";
import { compileSelector, selectorIn } from "../../../sops/selection.ts";
import { formatDrift } from "../../drift.ts";
import { encryptionIn, mayBeEncrypted } from "../../found.ts";
import type { OlderThan } from "../../older.ts";
import { isDotenvxKeys, isKeyFile, whoReads } from "../../protected.ts";
import { checkSealThere } from "../../require-seal.ts";
import { sessionOf } from "../../session.ts";
import { ruleFor, type Settings } from "../../settings.ts";
import { driftOf } from "../../vouch.ts";
import type { CheckRun } from "./command.ts";

/** A file, from disk or from git's index. */
export interface Content {
  /** As it was given or found. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Whether it was named itself: a rule for every file is meant for it then. */
  readonly named: boolean;
}

/** What holds for all files of a run. */
export interface Checking {
  readonly run: CheckRun;
  readonly staged: boolean;
  readonly older: OlderThan | undefined;
  readonly deep: DeepScan | undefined;
  /** A configuration that is broken is said once, and the files are checked without rules. */
  settingsFor(name: string): Promise<Settings>;
  /** The rule of the work tree for a file, where its configuration is not the one that is staged. */
  unstagedRuleFor?(name: string): Promise<Rule | undefined>;
}

/** What was found, and what could not be looked at. */
export interface Outcome {
  readonly findings: Finding[];
  readonly failed: Report["failed"][number][];
  /** What was looked at, by name. */
  readonly names: Set<string>;
}

/** Everything that is wrong with one file. */
export async function checkContent(content: Content, checking: Checking): Promise<Finding[]> {
  const { name, bytes } = content;
  const text = textOf(bytes);
  const lines = new Lines(text);
  if (mayBeEncrypted(bytes) || bytes.includes("ENC[")) {
    const encrypted = await readAsEncrypted(name, text, content, checking);
    if (Array.isArray(encrypted)) return encrypted;
    if (encrypted) return await checkEncryptedFile({ name, encrypted, lines }, checking);
  }
  return await checkPlain(content, lines, checking);
}

/** PowerShell writes UTF-16; what stands in such a file can be searched, too. */
function textOf(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le", 2) : decodeText(bytes);
}

/** What is said of a text that is none of the format, or not encrypted; anything else is about its metadata. */
const OF_TEXT: readonly string[] = ["parse", "print", "no-metadata", "merge-conflict"];

/** @returns findings for a file that is damaged, undefined for one that is not encrypted. */
async function readAsEncrypted(
  name: string,
  text: string,
  { bytes }: Content,
  { run }: Checking,
): Promise<EncryptedText | Finding[] | undefined> {
  try {
    return await recognize(text, formatOfName(name) ?? "binary");
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    // a file may have a part called sops that is another program's
    if (!holdsCiphertexts(text)) return undefined;
    const otherwise = !OF_TEXT.includes(error.code);
    if (otherwise) return [damage(name, error)];
    // a manual may show ciphertexts; without a name that says so, only JSON is an encrypted file
    const maybe = formatOfName(name) !== undefined || /^\s*\{/.test(text);
    const damaged = maybe && (await encryptionIn(bytes, name, run.args)) === "damaged";
    return damaged ? [damage(name, error)] : undefined;
  }
}

interface Encrypted {
  readonly name: string;
  readonly encrypted: EncryptedText;
  readonly lines: Lines;
}

async function checkEncryptedFile(file: Encrypted, checking: Checking): Promise<Finding[]> {
  const { name, encrypted, lines } = file;
  const { run, older } = checking;
  const settings = await checking.settingsFor(name);
  const { metadata, format, reading } = encrypted;
  // of what is to be encrypted and is not, that is said
  const selected = (await compileSelector(metadata.selector))(reading.entries);
  const covered = new Set(reading.entries.filter((_, i) => format.wrapper || selected[i]));
  const plain: PlainText = {
    name,
    lines,
    reading,
    covered: true,
    staysPlain: (entry) => !covered.has(entry),
  };
  const found = await checkEncrypted(file, {
    drift: await driftFor(encrypted, settings, run),
    describe: (drift) => formatDrift(drift, settings),
    sealMissing: await sealMissing(file, run),
    ...(older && { isOld: (of) => !older.sparesThat(of) }),
  });
  const secrets = withoutAllowed(await secretsIn(plain, checking.deep), lines);
  const opened = run.args.decrypt ? await checkOpened(file, run) : [];
  return [...found, ...secrets, ...withoutPlain(opened, found)];
}

/** Of metadata that names no keys something else is said. */
async function driftFor({ metadata, format }: EncryptedText, settings: Settings, { io }: CheckRun) {
  try {
    return await driftOf({ ...groupsFromMetadata(metadata.tree), metadata, format }, settings, io);
  } catch (error) {
    if (error instanceof TsopsError && error.code === "parse") return undefined;
    throw error;
  }
}

async function sealMissing({ name, encrypted }: Encrypted, run: CheckRun) {
  try {
    await checkSealThere(name, encrypted.metadata, run);
    return undefined;
  } catch (error) {
    if (error instanceof TsopsError && error.code === "seal-missing") return error;
    throw error;
  }
}

/** Verifies MAC and seal; the values are forgotten. */
async function checkOpened({ name, encrypted, lines }: Encrypted, run: CheckRun): Promise<Finding[]> {
  try {
    const open = await openRead(encrypted, await sessionOf(run));
    open.close();
    return badComments(name, open.decrypted, lines);
  } catch (error) {
    if (error instanceof TsopsError) return [badFile(name, error)];
    throw error;
  }
}

/** That a plain value does not open is no news where it was said that it is plain. */
function withoutPlain(opened: readonly Finding[], known: readonly Finding[]): Finding[] {
  const plain = new Set(
    known.filter(({ rule }) => rule === "plain-value").map(({ line, column }) => `${line}:${column}`),
  );
  return opened.filter(
    ({ rule, line, column }) => rule !== "mac-mismatch" || !plain.has(`${line}:${column}`),
  );
}

async function checkPlain(content: Content, lines: Lines, checking: Checking): Promise<Finding[]> {
  const { name, bytes, named } = content;
  const { staged } = checking;
  const { rule, ruleUnstaged } = await ruleForPlain(content, checking);
  const binary = isBinary(bytes, lines.text);
  const reading = binary ? undefined : await readingOf(lines.text, name, rule);
  const covered = rule !== undefined && lines.text.trim() !== "";
  const meant = covered && (named || !(rule.pattern === undefined || matchesAll(rule.pattern)));
  const plain: PlainText = { name, lines, reading, covered: meant };
  if (meant && !binary) {
    const staysPlain = await selectedBy(rule, reading, name);
    const left = staysPlain ? await secretsIn({ ...plain, staysPlain }, checking.deep) : [];
    return [notEncrypted(name, { staged, ruleUnstaged }), ...withoutAllowed(left, lines)];
  }
  if (meant) return [notEncrypted(name, { staged, ruleUnstaged })];
  if (binary) return [];
  const secrets = withoutAllowed(await secretsIn(plain, checking.deep), lines);
  // where a rule is for every file, it is for those with secrets
  const values =
    covered && reading && !isDotenvxKeys(name) ? secrets.filter(({ path }) => path !== undefined).length : 0;
  if (values === 0) return secrets;
  return [notEncrypted(name, { staged, ruleUnstaged, count: values }), ...secrets];
}

interface RuleForPlain {
  readonly rule?: Rule;
  readonly ruleUnstaged?: boolean;
}

/** The rule that wants a file encrypted. One that is not staged counts as well: plaintext in git cannot be taken back. */
async function ruleForPlain({ name }: Content, checking: Checking): Promise<RuleForPlain> {
  const { run, settingsFor, unstagedRuleFor } = checking;
  if ((await whoReads(name, run)) !== undefined || isKeyFile(name, run.io)) return {};
  if (isDotenvxKeys(name)) return {};
  const rule = await ruleFor(await settingsFor(name));
  if (rule) return { rule };
  const unstaged = await unstagedRuleFor?.(name);
  return unstaged ? { rule: unstaged, ruleUnstaged: true } : {};
}

/** Which entries would stay plain in the encrypted file; undefined where there are none. */
async function selectedBy(
  rule: Rule,
  reading: Reading | undefined,
  name: string,
): Promise<((entry: Entry) => boolean) | undefined> {
  if (!reading) return undefined;
  const format = await formatFor(name, rule);
  const selector = format && selectorOf(rule);
  if (!format || !selector || !selectorIn(format, selector)) return undefined;
  const selected = (await compileSelector(selector))(reading.entries);
  const covered = new Set(reading.entries.filter((_, i) => selected[i]));
  return (entry) => !covered.has(entry);
}

async function formatFor(name: string, rule?: Rule): Promise<Format | undefined> {
  const named = formatOfName(basename(name)) ?? rule?.format;
  return named === undefined || named === "binary" ? undefined : await loadFormat(named);
}

/** What a file of a known format says; undefined for others, and for what its reader refuses: a template, for instance. */
async function readingOf(text: string, name: string, rule?: Rule): Promise<Reading | undefined> {
  const format = await formatFor(name, rule);
  if (!format) return undefined;
  try {
    return readText(text, format);
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

/** How many bytes say what a file is: as many as git looks at. */
const SAMPLE = 8000;

function isBinary(bytes: Buffer, text: string): boolean {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return utf16 ? text.slice(0, SAMPLE).includes("\0") : bytes.subarray(0, SAMPLE).includes(0);
}
