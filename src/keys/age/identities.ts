import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";
import { type AgeFile, openAge } from "./file.ts";
import type { AgeIdentity } from "./identity.ts";
import { type Loaded, reasonOf } from "./identity-file.ts";
import { type Source, sourcesOf } from "./places.ts";
import { isX25519Recipient } from "./x25519.ts";

/** Which of the identities that are here opens a file: where they are is in places.ts. */

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
    if (fileKey) (await openAge(file, fileKey)).fill(0);
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
