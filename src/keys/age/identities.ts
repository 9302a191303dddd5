import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { run } from "../../programs/run.ts";
import { splitWords } from "../../programs/words.ts";
import { once } from "../cache.ts";
import { environmentFor } from "../environment.ts";
import type { KeyContext } from "../kind.ts";
import { type AgeFile, dearmor, looksLikeAge, openAge, parseAge } from "./file.ts";
import { HybridIdentity } from "./hybrid.ts";
import type { AgeIdentity } from "./identity.ts";
import { openWithPassphrase } from "./passphrase.ts";
import { PluginIdentity } from "./plugin.ts";
import { parseSshIdentity } from "./ssh-private.ts";
import { isX25519Recipient, X25519Identity } from "./x25519.ts";

/**
 * Where age identities are looked for (SPEC section 7, age identities). Each place is read once a run, and only when
 * it may matter: SSH keys for data keys that are wrapped for one, commands when no file had the identity, and what
 * needs a person last. What goes wrong is kept for the report.
 */

/** A command may ask a person to unlock a password store. */
const COMMAND_LIMIT_SECONDS = 120;
const MAX_FILE_BYTES = 2 ** 24;

interface Loaded {
  readonly identities: readonly AgeIdentity[];
  readonly problems: readonly string[];
}

interface Place {
  /** For reports: the variable, or the path. */
  readonly name: string;
  readonly holds: "ssh" | "age";
  readonly command: boolean;
  /** Undefined if there is nothing: the variable is not set, the file not there. `recipient` is for commands. */
  load(recipient: string): Promise<Loaded | undefined>;
}

/** A place with what was loaded from it; commands can say something else for each recipient. */
class Source {
  readonly place: Place;
  readonly #loads = new Map<string, Promise<Loaded | undefined>>();

  constructor(place: Place) {
    this.place = place;
  }

  load(recipient: string): Promise<Loaded | undefined> {
    const about = this.place.command ? recipient : "";
    let load = this.#loads.get(about);
    if (!load) {
      load = this.place.load(recipient).catch(failed);
      this.#loads.set(about, load);
    }
    return load;
  }

  /** What was loaded before, for any recipient. */
  async loaded(): Promise<Loaded[]> {
    return (await Promise.all(this.#loads.values())).filter((load) => load !== undefined);
  }
}

function failed(error: unknown): Loaded {
  if (error instanceof TsopsError && error.code === "aborted") throw error;
  return { identities: [], problems: [reasonOf(error)] };
}

/** Why something failed, as a line of a report. Only messages of our own: others may quote what they failed on. */
export function reasonOf(error: unknown): string {
  if (error instanceof TsopsError) return error.hint ? `${error.message} (${error.hint})` : error.message;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "EACCES") return "it may not be read";
  return `it cannot be used${code ? ` (${code})` : ""}`;
}

function sourcesOf(context: KeyContext): Source[] {
  return once(context, "age places", () => placesOf(context).map((place) => new Source(place)));
}

/** The places, in SOPS's order. */
function placesOf(context: KeyContext): Place[] {
  const { home } = context;
  return [
    fileVariable("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "ssh", context),
    commandVariable("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "ssh", context),
    file(join(home, ".ssh", "id_ed25519"), "ssh", context),
    file(join(home, ".ssh", "id_rsa"), "ssh", context),
    keyVariable(context),
    fileVariable("SOPS_AGE_KEY_FILE", "age", context),
    commandVariable("SOPS_AGE_KEY_CMD", "age", context),
    file(join(configFolder(context), "sops", "age", "keys.txt"), "age", context),
  ];
}

/** The folder where Go's os.UserConfigDir, and so SOPS, has a user's configuration. */
export function configFolder({ env, home }: Pick<KeyContext, "env" | "home">): string {
  if (process.platform === "win32") return env.APPDATA ?? join(home, "AppData", "Roaming");
  if (env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME)) return env.XDG_CONFIG_HOME;
  return process.platform === "darwin" ? join(home, "Library", "Application Support") : join(home, ".config");
}

function keyVariable(context: KeyContext): Place {
  const name = "SOPS_AGE_KEY";
  const load = async (): Promise<Loaded | undefined> => {
    const text = context.env[name];
    return text ? parseIdentities(Buffer.from(text), name, context) : undefined;
  };
  return { name, holds: "age", command: false, load };
}

function file(path: string, holds: Place["holds"], context: KeyContext): Place {
  const load = async (): Promise<Loaded | undefined> => {
    const contents = readKeyFile(path);
    return contents && parse(contents, path, holds, context);
  };
  return { name: path, holds, command: false, load };
}

/** A file that a variable names has to be there. */
function fileVariable(variable: string, holds: Place["holds"], context: KeyContext): Place {
  const path = context.env[variable];
  const load = async (): Promise<Loaded | undefined> => {
    if (path === undefined) return undefined;
    const contents = readKeyFile(path);
    if (!contents) throw new TsopsError("generic", "there is no such file");
    return parse(contents, path, holds, context);
  };
  return {
    // most runs need no report
    get name() {
      return path === undefined ? variable : `${variable} (${printable(path)})`;
    },
    holds,
    command: false,
    load,
  };
}

/** The file, or undefined if there is none. Read at a stroke: these are small, and starting threads for them takes longer. */
function readKeyFile(path: string): Buffer | undefined {
  let contents: Buffer;
  try {
    contents = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EISDIR") throw new TsopsError("generic", "it is a folder, not a file");
    throw error;
  }
  if (contents.length > MAX_FILE_BYTES)
    throw new TsopsError("generic", "it is too large for an identity file");
  return contents;
}

function commandVariable(name: string, holds: Place["holds"], context: KeyContext): Place {
  const command = context.env[name];
  const load = async (recipient: string): Promise<Loaded | undefined> => {
    if (!command) return undefined;
    // on Windows, too: so does SOPS
    const argv = splitWords(command);
    const env = await environmentFor(context, "logs in", { SOPS_AGE_RECIPIENT: recipient });
    if (argv.length === 0) throw new TsopsError("generic", "the command is empty");
    const program = { argv, env, limit: COMMAND_LIMIT_SECONDS, signal: context.signal };
    const { code, stdout } = await run(program);
    if (code !== 0) {
      throw new TsopsError("generic", `the command failed${code === null ? "" : ` with exit code ${code}`}`, {
        hint: `run it by hand with SOPS_AGE_RECIPIENT set to see why`,
      });
    }
    return parse(stdout, name, holds, context);
  };
  return { name, holds, command: true, load };
}

async function parse(
  contents: Buffer,
  name: string,
  holds: Place["holds"],
  context: KeyContext,
): Promise<Loaded> {
  try {
    if (holds === "age") return parseIdentities(contents, name, context);
    const ask = (): Promise<string> => askPassphrase(`passphrase of the SSH key ${printable(name)}`, context);
    const readPublic = async (): Promise<string> => {
      const text = readKeyFile(`${name}.pub`);
      if (text) return text.toString();
      throw new TsopsError("generic", "its passphrase hides the public key", {
        hint: `put the public key into ${printable(name)}.pub`,
      });
    };
    return { identities: [await parseSshIdentity(contents, ask, readPublic)], problems: [] };
  } finally {
    if (holds === "age" && !looksLikeAge(contents)) contents.fill(0);
  }
}

function askPassphrase(question: string, context: KeyContext): Promise<string> {
  if (context.prompt) return context.prompt(question);
  throw new TsopsError("generic", "it has a passphrase, and there is nobody to ask for it");
}

/**
 * The identities in a text: one a line, or several with blanks between them; `#` begins a comment. A line that cannot
 * be read is a problem, and the others count. An age file under a passphrase is one identity that asks for it.
 */
function parseIdentities(contents: Buffer, name: string, context: KeyContext): Loaded {
  const form = looksLikeAge(contents);
  if (form) {
    const bytes = form === "armored" ? dearmor(contents.toString("latin1")) : contents;
    return { identities: [new LockedIdentities(bytes, name, context)], problems: [] };
  }
  const identities: AgeIdentity[] = [];
  const problems: string[] = [];
  for (const [index, line] of contents.toString().split("\n").entries()) {
    if (line.trimStart().startsWith("#")) continue;
    for (const word of line.split(/\s+/)) {
      if (word === "") continue;
      try {
        identities.push(parseIdentity(word, context));
      } catch (error) {
        problems.push(`line ${index + 1}: ${reasonOf(error)}`);
        break;
      }
    }
  }
  return { identities, problems };
}

/** One identity. @throws TsopsError("generic") if it is malformed; the message holds nothing of it. */
export function parseIdentity(word: string, context: KeyContext): AgeIdentity {
  if (word.startsWith("AGE-PLUGIN-")) return new PluginIdentity(word, context);
  if (word.startsWith("AGE-SECRET-KEY-PQ-1")) return new HybridIdentity(word);
  if (word.startsWith("AGE-SECRET-KEY-1")) return new X25519Identity(word);
  throw new TsopsError("generic", "not an age identity", {
    hint: "identities begin with AGE-SECRET-KEY- or AGE-PLUGIN-",
  });
}

/** An identity file under a passphrase, which is asked for once. */
class LockedIdentities implements AgeIdentity {
  readonly needs = "person";
  readonly label = "identities with a passphrase";
  readonly #unlock: () => Promise<readonly AgeIdentity[]>;
  #identities: Promise<readonly AgeIdentity[]> | undefined;

  constructor(bytes: Buffer, name: string, context: KeyContext) {
    const file = parseAge(bytes);
    const question = `passphrase of the age identity file ${printable(name)}`;
    this.#unlock = async () => {
      const { cacheIdOf, forgetPassphrase, passphraseFromAgent } = await import("./agent.ts");
      const id = cacheIdOf(bytes);
      const ask = async (): Promise<string> =>
        (await passphraseFromAgent(id, question, context)) ?? (await askPassphrase(question, context));
      const contents = await openWithPassphrase(file, ask);
      if (!contents) {
        await forgetPassphrase(id, context);
        throw new TsopsError("generic", "the passphrase is wrong");
      }
      try {
        const { identities, problems } = parseIdentities(contents, name, context);
        if (identities.length === 0) throw new TsopsError("generic", problems[0] ?? "it holds no identity");
        return identities;
      } finally {
        contents.fill(0);
      }
    };
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    this.#identities ??= this.#unlock();
    for (const identity of await this.#identities) {
      const fileKey = await identity.unwrap(file);
      if (fileKey) return fileKey;
    }
    return null;
  }
}

/** Whether the person has an identity of a plugin: such a one trusts it. Commands and passphrases are not asked for that. */
export async function hasPluginIdentity(plugin: string, context: KeyContext): Promise<boolean> {
  for (const source of sourcesOf(context)) {
    if (source.place.holds !== "age" || source.place.command) continue;
    const load = await source.load("");
    if (load?.identities.some((identity) => identity.plugin === plugin)) return true;
  }
  return false;
}

/** What came of trying to open one file. */
export interface Attempt {
  readonly fileKey: Buffer | null;
  /** Where it failed: what was tried and why not, a line each. */
  readonly tried: readonly string[];
  /** Whether somebody's identities are here, and it is known whose: the file is for others. */
  readonly forOthers: boolean;
}

/** Tries every identity until one opens the file. `recipient` is whom it is for, by what the metadata say. */
export async function openWithIdentities(
  file: AgeFile,
  recipient: string,
  context: KeyContext,
): Promise<Attempt> {
  const ssh = file.stanzas.some(({ args }) => args[0]?.startsWith("ssh-"));
  const sources = sourcesOf(context).filter(({ place }) => ssh || place.holds === "age");
  const failures = new Map<AgeIdentity, string>();
  for await (const identity of inRounds(sources, recipient, context)) {
    try {
      const fileKey = await identity.unwrap(file);
      if (fileKey) return { fileKey, tried: [], forOthers: false };
    } catch (error) {
      if (error instanceof TsopsError && error.code === "aborted") throw error;
      failures.set(identity, reasonOf(error));
    }
  }
  const tried = await report(sources, recipient, failures);
  return { fileKey: null, tried, forOthers: await isForOthers(recipient, context) };
}

/** Whether identities of other recipients are here, and none that may be this one's. */
async function isForOthers(recipient: string, context: KeyContext): Promise<boolean> {
  const { recipients, unknown } = await ownRecipients(context, recipient.startsWith("ssh-"));
  return recipients.length > 0 && unknown === 0 && !recipients.includes(withoutComment(recipient));
}

/**
 * The public keys of the identities here, those of age first, and how many have none that is known. SSH keys, which
 * almost everybody has, count only where they are asked for. Nothing is asked: of commands, only what they printed
 * already counts.
 */
export async function ownRecipients(
  context: KeyContext,
  ssh: boolean,
): Promise<{ recipients: string[]; unknown: number }> {
  const recipients: { age: string[]; ssh: string[] } = { age: [], ssh: [] };
  let unknown = 0;
  for (const source of sourcesOf(context)) {
    if (source.place.holds === "ssh" && !ssh) continue;
    if (!source.place.command) await source.load("");
    for (const { identities, problems } of await source.loaded()) {
      unknown += problems.length;
      for (const identity of identities) {
        const recipient = identity.recipient ?? (await identity.recipientOf?.());
        if (recipient === undefined) unknown++;
        else if (!recipients[source.place.holds].includes(recipient))
          recipients[source.place.holds].push(recipient);
      }
    }
  }
  return { recipients: [...recipients.age, ...recipients.ssh], unknown };
}

/** What can be said of the identities here without asking a person or another program. */
export interface Finding {
  readonly opens: boolean;
  /** As in {@link Attempt}. */
  readonly forOthers: boolean;
  /** Identities that need a passphrase or a plugin: one of them may be the one. */
  readonly perhaps: readonly string[];
  readonly tried: readonly string[];
}

const OPENS: Finding = { opens: true, perhaps: [], tried: [], forOthers: false };

/** Looks for an identity for a file, or, where there is no file yet, by its recipient. Nothing is given out. */
export async function findIdentity(
  file: AgeFile | undefined,
  recipient: string,
  context: KeyContext,
): Promise<Finding> {
  const ssh = recipient.startsWith("ssh-");
  const all = sourcesOf(context).filter(({ place }) => ssh || place.holds === "age");
  // a command may well ask over the network
  const left = all.filter(({ place }) => context.offline && place.command && context.env[place.name]);
  const sources = all.filter((source) => !left.includes(source));
  const failures = new Map<AgeIdentity, string>();
  const perhaps = left.map(({ place }) => `what ${place.name} prints`);
  for await (const identity of inRounds(sources, recipient, context)) {
    if (identity.needs !== "nothing") perhaps.push(identity.label);
    else if (identity.recipient === withoutComment(recipient)) return OPENS;
    else if (file && (await opens(identity, file, failures))) return OPENS;
  }
  const tried = await report(sources, recipient, failures);
  return { opens: false, perhaps, tried, forOthers: await isForOthers(recipient, context) };
}

/** Which identities would open a file, without asking a person or another program. */
export interface Openers {
  /** The one of the recipient that is named is among them. */
  readonly named: boolean;
  /** The others. */
  readonly others: readonly string[];
  /** Identities that may be it, or not: they need a passphrase or a plugin. */
  readonly perhaps: readonly string[];
}

/** Tries all identities until the one of the named recipient opens the file. */
export async function openersOf(file: AgeFile, recipient: string, context: KeyContext): Promise<Openers> {
  const ssh = file.stanzas.some(({ args }) => args[0]?.startsWith("ssh-"));
  const sources = sourcesOf(context).filter(({ place }) => ssh || place.holds === "age");
  const others: string[] = [];
  const perhaps: string[] = [];
  for await (const identity of inRounds(sources, recipient, context)) {
    if (identity.needs !== "nothing") perhaps.push(identity.label);
    else if (await opensWhole(identity, file)) {
      const its = identity.recipient ?? (await identity.recipientOf?.()) ?? "";
      if (its === withoutComment(recipient)) return { named: true, others, perhaps };
      others.push(its === "" ? identity.label : its);
    }
  }
  return { named: false, others, perhaps };
}

/** SSH keys may have a comment behind them. */
function withoutComment(recipient: string): string {
  return recipient.startsWith("ssh-")
    ? recipient
        .trim()
        .split(/[ \t]+/, 2)
        .join(" ")
    : recipient;
}

/** Whether an identity opens a file to its end, so that no other one opens it to something else. */
async function opensWhole(identity: AgeIdentity, file: AgeFile): Promise<boolean> {
  try {
    const fileKey = await identity.unwrap(file);
    if (fileKey) openAge(file, fileKey).fill(0);
    fileKey?.fill(0);
    return fileKey !== null;
  } catch {
    // opening it will say what is wrong
    return false;
  }
}

async function opens(
  identity: AgeIdentity,
  file: AgeFile,
  failures: Map<AgeIdentity, string>,
): Promise<boolean> {
  try {
    const fileKey = await identity.unwrap(file);
    fileKey?.fill(0);
    return fileKey !== null;
  } catch (error) {
    failures.set(identity, reasonOf(error));
    return false;
  }
}

/**
 * What needs nothing first, then commands, then SSH keys that the recipient was derived from, then plugins, then what asks
 * a person.
 */
async function* inRounds(
  sources: readonly Source[],
  recipient: string,
  context: KeyContext,
): AsyncGenerator<AgeIdentity> {
  const seen = new Set<AgeIdentity>();
  const pick = function* (loads: readonly Loaded[], needs: AgeIdentity["needs"]): Generator<AgeIdentity> {
    for (const identity of loads.flatMap((load) => load.identities)) {
      if (identity.needs !== needs || seen.has(identity)) continue;
      seen.add(identity);
      yield identity;
    }
  };
  for (const source of sources) {
    if (source.place.command) continue;
    await source.load(recipient);
    yield* pick(await source.loaded(), "nothing");
  }
  for (const source of sources) {
    if (!source.place.command) continue;
    // What the command said about another recipient may do, and spares running it again.
    yield* pick(await source.loaded(), "nothing");
    await source.load(recipient);
    yield* pick(await source.loaded(), "nothing");
  }
  const derived = await derivedFor(recipient, sources, context);
  yield* derived.filter(({ needs }) => needs === "nothing");
  for (const needs of ["program", "person"] as const) {
    for (const source of sources) yield* pick(await source.loaded(), needs);
  }
  yield* derived.filter(({ needs }) => needs !== "nothing");
}

/**
 * SSH keys that ssh-to-age made the recipient of. Their files are read only for that: commands are not run, and what
 * cannot be read is not reported, since hardly anybody has such a recipient.
 */
async function derivedFor(
  recipient: string,
  sources: readonly Source[],
  context: KeyContext,
): Promise<AgeIdentity[]> {
  if (!isX25519Recipient(recipient)) return [];
  const found: AgeIdentity[] = [];
  for (const source of sourcesOf(context)) {
    if (source.place.holds !== "ssh" || source.place.command || sources.includes(source)) continue;
    for (const identity of (await source.load(recipient))?.identities ?? []) {
      const derived = await identity.derived?.(recipient);
      if (derived) found.push(derived);
    }
  }
  return found;
}

async function report(
  sources: readonly Source[],
  recipient: string,
  failures: ReadonlyMap<AgeIdentity, string>,
): Promise<string[]> {
  const lines: string[] = [];
  const empty: string[] = [];
  for (const [identity, failure] of failures) {
    if (identity.recipient === recipient && !recipient.startsWith("ssh-") && identity.needs === "person")
      lines.push(`${identity.label}: ${failure}`);
  }
  for (const source of sources) {
    const load = await source.load(recipient);
    const { name } = source.place;
    if (!load) empty.push(name);
    for (const problem of load?.problems ?? []) lines.push(`${name}: ${problem}`);
    const others: string[] = [];
    for (const identity of load?.identities ?? []) {
      const failure = failures.get(identity);
      if (failure === undefined) others.push(identity.label);
      else lines.push(`${name}: ${failure}`);
    }
    if (others.length > 0) lines.push(`${name} holds ${listOf(others)}`);
    if (load && load.identities.length + load.problems.length === 0) lines.push(`${name} holds no identity`);
  }
  if (empty.length > 0) lines.push(`not set or not there: ${empty.join(", ")}`);
  return lines;
}

const MAX_LISTED = 3;

function listOf(labels: readonly string[]): string {
  const more = labels.length - MAX_LISTED;
  return labels.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
