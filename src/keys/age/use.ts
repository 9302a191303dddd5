import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { textField, withFields } from "../fields.ts";
import type { KeyContext, KeyUse, Lines, MasterKey } from "../kind.ts";
import { prefixed, reasonsOf } from "../reasons.ts";
import { AGE_PLUGINS } from "./allow.ts";
import { type AgeFile, armor, dearmor, encryptAge, openAge, parseAge } from "./file.ts";
import { encryptHybrid, isHybridRecipient } from "./hybrid.ts";
import {
  type Attempt,
  findIdentity,
  hasPluginIdentity,
  openersOf,
  openWithIdentities,
} from "./identities.ts";
import { pluginName, wrapByPlugin } from "./plugin.ts";
import { isPluginRecipient } from "./recipient.ts";
import { wrapSsh } from "./ssh.ts";
import { parseSshRecipient } from "./ssh-key.ts";
import { parseX25519Recipient, wrapX25519 } from "./x25519.ts";

/** age keys in use. */
export const ageUse: KeyUse = {
  async wrap(key, dataKey, context) {
    return withFields(key, { enc: armor(await encryptFor(key.id, dataKey, context)) });
  },

  async unwrap(key, context) {
    const file = wrappedFile(key);
    const { fileKey, ...attempt } = await openWithIdentities(file, key.id, context);
    if (!fileKey) return { why: whyNot(key, attempt) };
    try {
      return { key: await openAge(file, fileKey) };
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
      throw new TsopsError("bad-key", `it is for ${whose}, and not for the recipient that is named`);
    }
    if (perhaps.length === 0) return null;
    return { remark: `whose key opens it is not known here: ${perhaps.join(" or ")}` };
  },

  async examine(key, context) {
    try {
      const file = textField(key.fields, "enc") === "" ? undefined : wrappedFile(key);
      const { opens, perhaps, ...attempt } = await findIdentity(file, key.id, context);
      if (opens) return { usable: true, lines: ["an identity for it is here"] };
      if (perhaps.length > 0) {
        return { usable: undefined, lines: [`perhaps by ${perhaps.join(" or ")}: not asked`] };
      }
      return { usable: false, lines: whyNot(key, attempt) };
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

/** What was tried for a key that nothing opened, and what to do. */
function whyNot(key: MasterKey, { tried, forOthers }: Pick<Attempt, "tried" | "forOthers">): Lines {
  const lines: Lines = ["no identity for it", ...tried];
  // whoever has an identity of their own does not need to be told to get somebody else's
  if (forOthers) return lines;
  const variable = key.id.startsWith("ssh-") ? "SOPS_AGE_SSH_PRIVATE_KEY_FILE" : "SOPS_AGE_KEY_FILE";
  return [...lines, `put the identity into one of these places, or name its file in ${variable}`];
}

/**
 * The age file in `enc`. SOPS opens it with whichever identity fits, also where that is not the named recipient's.
 * @throws TsopsError("bad-key") if it is none, or one that a passphrase opens.
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
    "bad-key",
    `the entry for ${shortened(key.id)} is not a wrapped data key: a passphrase opens it`,
    {
      hint: "somebody who knows its content may have put it there: restore the file from git",
    },
  );
}

/** A plugin is a program that sees the data key: a file or a rule alone does not start one. */
async function checkPlugin(name: string, context: KeyContext): Promise<void> {
  const { checkAllowed } = await import("../allow.ts");
  const own = (await hasPluginIdentity(name, context)) ? [name] : [];
  await checkAllowed(context, AGE_PLUGINS, name, own);
}

async function encryptFor(recipient: string, dataKey: Uint8Array, context: KeyContext): Promise<Uint8Array> {
  if (isHybridRecipient(recipient)) return encryptHybrid(recipient, dataKey);
  if (isPluginRecipient(recipient)) {
    await checkPlugin(pluginName(recipient), context);
    return encryptAge(dataKey, (fileKey) => wrapByPlugin(recipient, fileKey, context));
  }
  if (recipient.startsWith("age1")) {
    const publicKey = parseX25519Recipient(recipient);
    return encryptAge(dataKey, (fileKey) => wrapX25519(publicKey, fileKey));
  }
  if (recipient.startsWith("ssh-")) {
    const publicKey = parseSshRecipient(recipient);
    return encryptAge(dataKey, (fileKey) => wrapSsh(publicKey, fileKey));
  }
  throw new TsopsError("bad-key", "the recipient is of an unknown type");
}
