import { TsopsError } from "../errors.ts";
import { type AgeFile, armor, dearmor, openAge, parseAge, sealAge } from "./age/file.ts";
import { checkHybridRecipient, isHybridRecipient, sealHybrid } from "./age/hybrid.ts";
import {
  type Attempt,
  findIdentity,
  hasPluginIdentity,
  openersOf,
  openWithIdentities,
} from "./age/identities.ts";
import { pluginName, wrapByPlugin } from "./age/plugin.ts";
import { parseSshRecipient, wrapSsh } from "./age/ssh.ts";
import { parseX25519Recipient, wrapX25519 } from "./age/x25519.ts";
import { once } from "./cache.ts";
import { withoutControls } from "./controls.ts";
import { neededField, sortedFields, splitList, textField, withFields } from "./fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { shortened } from "./printable.ts";
import { prefixed, reasonsOf } from "./reasons.ts";

export { generateIdentity, type NewIdentity, recipientOf } from "./age/keygen.ts";

/** age keys: `age1…`, `age1pq1…`, `age1PLUGIN1…`, `ssh-ed25519 …`, `ssh-rsa …` (SPEC section 7, age identities). */
export const age: KeyKind = withoutControls({
  name: "age",
  field: "age",
  title: "age",

  parse(list) {
    return splitList(list, "age").map((part) => {
      const recipient = part.trim();
      checkRecipient(recipient);
      return { kind: "age", id: recipient, fields: sortedFields([["recipient", recipient]]) };
    });
  },

  fromMetadata(fields) {
    return { kind: "age", id: neededField(fields, "recipient", "age"), fields };
  },

  async wrap(key, dataKey, context) {
    try {
      return withFields(key, { enc: armor(await sealFor(key.id, dataKey, context)) });
    } catch (error) {
      throw prefixed(error, `cannot wrap the data key for ${shortened(key.id)}`);
    }
  },

  async unwrap(key, context) {
    const file = wrappedFile(key);
    const { fileKey, tried, forOthers } = await openWithIdentities(file, key.id, context);
    if (!fileKey) {
      reports(context).set(wrappedKeyOf(key), { tried, forOthers });
      return null;
    }
    try {
      return openAge(file, fileKey);
    } catch (error) {
      throw prefixed(error, `the wrapped data key for ${shortened(key.id)} is damaged`);
    } finally {
      fileKey.fill(0);
    }
  },

  async checkOpener(key, context) {
    const { named, others, perhaps } = await openersOf(wrappedFile(key), key.id, context);
    if (named) return {};
    if (others.length > 0) {
      const whose = others.map((other) => shortened(other)).join(", ");
      throw new TsopsError("generic", `it is for ${whose}, and not for the recipient that is named`);
    }
    if (perhaps.length === 0) return null;
    return { remark: `whose key opens it is not known here: ${perhaps.join(" or ")}` };
  },

  whyNot(key, context) {
    const variable = key.id.startsWith("ssh-") ? "SOPS_AGE_SSH_PRIVATE_KEY_FILE" : "SOPS_AGE_KEY_FILE";
    const { tried = [], forOthers } = reports(context).get(wrappedKeyOf(key)) ?? {};
    const lines = ["no identity for it", ...tried];
    // whoever has an identity of their own does not need to be told to get somebody else's
    if (forOthers) return lines;
    return [...lines, `put the identity into one of these places, or name its file in ${variable}`];
  },

  async examine(key, context) {
    try {
      const file = textField(key.fields, "enc") === "" ? undefined : wrappedFile(key);
      const { opens, perhaps, tried, forOthers } = await findIdentity(file, key.id, context);
      if (opens) return { usable: true, lines: ["an identity for it is here"] };
      if (perhaps.length > 0) {
        return { usable: undefined, lines: [`perhaps by ${perhaps.join(" or ")}: not asked`] };
      }
      reports(context).set(wrappedKeyOf(key), { tried, forOthers });
      return { usable: false, lines: age.whyNot!(key, context) };
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
});

/**
 * The age file in `enc`. SOPS opens it with whichever identity fits, also where that is not the named recipient's.
 * @throws TsopsError("generic") if it is none, or one that a passphrase opens.
 */
function wrappedFile(key: MasterKey): AgeFile {
  let file: AgeFile;
  try {
    file = parseAge(dearmor(textField(key.fields, "enc")));
  } catch (error) {
    throw prefixed(error, `the wrapped data key for ${shortened(key.id)} is damaged`);
  }
  if (!file.stanzas.some(({ args }) => args[0] === "scrypt")) return file;
  throw new TsopsError(
    "generic",
    `the entry for ${shortened(key.id)} is not a wrapped data key: a passphrase opens it`,
    {
      hint: "somebody who knows its content may have put it there: restore the file from git",
    },
  );
}

/** What was tried for the wrapped keys that nothing opened. */
function reports(context: KeyContext): Map<string, Pick<Attempt, "tried" | "forOthers">> {
  return once(context, "age reports", () => new Map());
}

function wrappedKeyOf(key: MasterKey): string {
  return `${key.id}\n${textField(key.fields, "enc")}`;
}

/** @throws TsopsError("usage") if a recipient is malformed or of an unknown type. */
function checkRecipient(recipient: string): void {
  try {
    if (isHybridRecipient(recipient)) checkHybridRecipient(recipient);
    else if (isPluginRecipient(recipient)) pluginName(recipient);
    else if (recipient.startsWith("age1")) parseX25519Recipient(recipient);
    else if (recipient.startsWith("ssh-")) parseSshRecipient(recipient);
    else throw new TsopsError("generic", "it is of an unknown type");
  } catch (error) {
    const why = error instanceof TsopsError ? error.message : "it is malformed";
    throw new TsopsError("usage", `${shown(recipient)} is not an age recipient: ${why}`, {
      hint: "recipients begin with age1, ssh-ed25519 or ssh-rsa",
      cause: error,
    });
  }
}

/** Someone may give an identity where a recipient is due: it must not reach a log. */
function shown(recipient: string): string {
  if (/^AGE-/i.test(recipient) || recipient.includes("PRIVATE KEY")) return "an identity (a secret)";
  return shortened(recipient);
}

/** The data part of bech32 has no digit one, so a second one belongs to the plugin's name. */
function isPluginRecipient(recipient: string): boolean {
  return /^age1.*1/.test(recipient);
}

/** A plugin is a program that sees the data key: a file or a rule alone does not start one. */
async function checkPlugin(name: string, context: KeyContext): Promise<void> {
  const { checkAllowed } = await import("./allow.ts");
  const own = (await hasPluginIdentity(name, context)) ? [name] : [];
  await checkAllowed(context, "plugin", name, own);
}

async function sealFor(recipient: string, dataKey: Uint8Array, context: KeyContext): Promise<Uint8Array> {
  if (isHybridRecipient(recipient)) return sealHybrid(recipient, dataKey);
  if (isPluginRecipient(recipient)) {
    await checkPlugin(pluginName(recipient), context);
    return sealAge(dataKey, (fileKey) => wrapByPlugin(recipient, fileKey, context));
  }
  if (recipient.startsWith("age1")) {
    const publicKey = parseX25519Recipient(recipient);
    return sealAge(dataKey, (fileKey) => wrapX25519(publicKey, fileKey));
  }
  if (recipient.startsWith("ssh-")) {
    const publicKey = parseSshRecipient(recipient);
    return sealAge(dataKey, (fileKey) => wrapSsh(publicKey, fileKey));
  }
  throw new TsopsError("generic", "the recipient is of an unknown type");
}
