import { changed, TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";
import { printable, shortened } from "../../printable.ts";
import { withFields } from "../fields.ts";
import type { KeyContext, KeyKind, Kinds, MasterKey, Opened } from "../kind.ts";
import { prefixed, reasonsOf, unavailable } from "../reasons.ts";
import { MASTER_KEY_BYTES } from "./master.ts";

/**
 * The text of a secret that holds master keys: one or more, newest first, with white space or commas between them. Each
 * is 32 bytes in base64, base64url or hexadecimal digits, or is itself wrapped by a key of another kind: that key's URI,
 * `#`, and what it wrapped in the form in which files hold it (`enc`; the armor of age and PGP, which has line breaks, in
 * base64 once more). Blanks in such a URI are written `%20`.
 */

/** One of the master keys in a secret: as it is, or wrapped by a key of another kind. */
export type Held = { readonly raw: Buffer } | { readonly wrappedBy: MasterKey };

/**
 * The master keys in a secret, newest first; the caller clears them. What is wrapped stays so.
 * @param where the secret's URI, for messages.
 * @throws TsopsError if there is none, or something else is among them; never shows the text.
 */
export function readMasterKeys(text: Buffer, where: string, kinds: Kinds): Held[] {
  const parts = text
    .toString("latin1")
    .split(/[\s,]+/)
    .filter(Boolean);
  if (parts.length === 0) throw notOne(`${shortened(where)} is empty`);
  const held: Held[] = [];
  try {
    for (const [i, part] of parts.entries()) {
      const which = parts.length === 1 ? "what" : `part ${i + 1} of ${parts.length} of what`;
      held.push(readPart(part, `${which} ${shortened(where)} holds`, kinds));
    }
    return held;
  } catch (error) {
    clear(held);
    throw error;
  }
}

export function clear(held: readonly Held[]): void {
  for (const one of held) if ("raw" in one) one.raw.fill(0);
}

function readPart(part: string, what: string, kinds: Kinds): Held {
  if (part.includes(":")) return { wrappedBy: readWrapped(part, what, kinds) };
  const raw = decode(part);
  if (!raw) throw notOne(`${what} is not a master key: it is neither base64 nor hexadecimal`);
  const weak = weakness(raw);
  if (weak === undefined) return { raw };
  raw.fill(0);
  throw notOne(`${what} is not a master key: ${weak}`);
}

/** Why bytes cannot be a master key; undefined if they can. */
function weakness(key: Uint8Array): string | undefined {
  if (key.length !== MASTER_KEY_BYTES) {
    return `it has ${key.length} bytes instead of ${MASTER_KEY_BYTES}`;
  }
  return key.every((byte) => byte === key[0]) ? "all its bytes are the same" : undefined;
}

/** 64 hexadecimal digits count as such, although they are base64 too; padding may be missing. */
function decode(part: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(part)) return Buffer.from(part, "hex");
  const digits = part
    .replace(/={1,2}$/, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  return strictBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, "="));
}

function readWrapped(part: string, what: string, kinds: Kinds): MasterKey {
  const end = part.lastIndexOf("#");
  const uri = part.slice(0, Math.max(end, 0)).replaceAll("%20", " ");
  const refuse = (why: string) => notOne(`${what} is not a wrapped master key: ${why}`);
  const keys = keysIn(uri, kinds, refuse);
  if (!keys || end === part.length - 1)
    throw refuse("it is not the URI of a key, # and what that key wrapped");
  const [key, ...more] = keys;
  if (!key || more.length > 0) throw refuse("its URI names several keys");
  if (kinds.kindOf(key).held) throw refuse("a key that is held in a store cannot wrap another one");
  return withFields(key, { enc: unpacked(part.slice(end + 1)) });
}

/** The text stays out of messages: somebody may have put a secret there. */
function keysIn(uri: string, kinds: Kinds, refuse: (why: string) => TsopsError): MasterKey[] | undefined {
  try {
    return kinds.keysOfUri(uri);
  } catch {
    throw refuse("the URI in it is malformed");
  }
}

const ARMOR = /^-----BEGIN /;

function unpacked(text: string): string {
  const inside = strictBase64(text)?.toString("latin1") ?? "";
  return ARMOR.test(inside) ? inside : text;
}

/** How a key that wrapped a master key stands in a secret, as {@link readMasterKeys} reads it. */
export function wrappedPart(uri: string, enc: string): string {
  const packed = ARMOR.test(enc) ? Buffer.from(enc).toString("base64") : enc;
  return `${uri.replaceAll(" ", "%20")}#${packed}`;
}

/**
 * A master key in the clear: a copy, or unwrapped by the key that wrapped it, under the same rules as for a file: what
 * only the secret names (a server, a role, a profile) gets no credentials. The caller clears it.
 * @throws TsopsError with the cause and what to do, or what that key's kind throws.
 */
export async function openMasterKey(held: Held, where: string, context: KeyContext): Promise<Buffer> {
  if ("raw" in held) return Buffer.from(held.raw);
  const kind = context.kinds.kindOf(held.wrappedBy);
  const what = `the master key in ${shortened(where)} is wrapped by ${kind.title} ${shortened(held.wrappedBy.id)}`;
  const key = await unwrapped(held.wrappedBy, kind, what, context);
  const weak = weakness(key);
  if (weak === undefined) return key;
  key.fill(0);
  throw notOne(`${what}, but what comes out is not a master key: ${weak}`);
}

async function unwrapped(key: MasterKey, kind: KeyKind, what: string, context: KeyContext): Promise<Buffer> {
  let opened: Opened;
  try {
    opened = await (await kind.use()).unwrap(key, context);
  } catch (error) {
    if (error instanceof TsopsError) throw changed(error, { message: `${what}: ${error.message}` });
    throw new TsopsError("generic", `${what}: ${reasonsOf(error)[0]}`, { cause: error });
  }
  if ("key" in opened) return opened.key;
  throw prefixed(unavailable(opened.why), what);
}

function notOne(message: string): TsopsError {
  return new TsopsError("bad-key", printable(message), {
    hint: "`tsops keygen --master` makes a master key; docs/keys.md says how one is written",
  });
}
