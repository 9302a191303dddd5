import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { checkHybridRecipient, isHybridRecipient } from "./hybrid.ts";
import { pluginName } from "./plugin.ts";
import { parseSshRecipient } from "./ssh-key.ts";
import { parseX25519Recipient } from "./x25519.ts";

/** @throws TsopsError("usage") if a recipient is malformed or of an unknown type. */
export function checkRecipient(recipient: string): void {
  try {
    if (isHybridRecipient(recipient)) checkHybridRecipient(recipient);
    else if (isPluginRecipient(recipient)) pluginName(recipient);
    else if (recipient.startsWith("age1")) parseX25519Recipient(recipient);
    else if (recipient.startsWith("ssh-")) parseSshRecipient(recipient);
    else throw new TsopsError("bad-key", "it is of an unknown type");
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
export function isPluginRecipient(recipient: string): boolean {
  return /^age1.*1/.test(recipient);
}
