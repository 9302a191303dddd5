import type { Config } from "../config/model.ts";
import { keyName } from "../config/names.ts";
import { ownRecipients } from "../keys/age/identities.ts";
import type { KeyContext, KeyGroup, MasterKey } from "../keys/kind.ts";
import { shortened } from "../printable.ts";

/** More names help nobody. */
const SHOWN = 5;

/**
 * What a person is told whose age identity is for none of a file's recipients: their own public key, and whom to ask.
 * Nothing where the file has no age key, or where the person may be among those whom it is for.
 */
export async function adviceForStranger(
  groups: readonly KeyGroup[],
  config: Config | undefined,
  context: KeyContext,
): Promise<string[]> {
  const keys = groups.flat();
  const theirs = keys.filter(({ kind }) => kind === "age").map(({ id }) => id.trim());
  if (theirs.length === 0) return [];
  const { recipients, unknown } = await ownRecipients(
    context,
    theirs.some((id) => id.startsWith("ssh-")),
  );
  if (unknown > 0 || recipients.some((own) => theirs.some((id) => id === own || id.startsWith(`${own} `))))
    return [];
  if (recipients.length === 0)
    return ["if you have no age identity yet: `tsops init` makes one, and says how to get access"];
  const own = recipients.length === 1 ? "your public key is" : "your public keys are";
  const it = recipients.length === 1 ? "it" : "one of them";
  return [
    `${own} ${recipients.join(", ")}`,
    `ask ${whomToAsk(keys, config)} to add ${it} to the configuration, and to run tsops updatekeys`,
  ];
}

/** People first: a service's key adds nobody. */
function whomToAsk(keys: readonly MasterKey[], config: Config | undefined): string {
  const people = keys.filter(({ kind }) => kind === "age" || kind === "pgp");
  // "me" is somebody else here
  const names = new Set(
    people.map((key) => {
      const name = keyName(config, key);
      return name === undefined || name === "me" ? `whoever has ${shortened(key.id)}` : name;
    }),
  );
  const shown = [...names].slice(0, SHOWN);
  const more = names.size > shown.length ? ` or ${names.size - shown.length} more` : "";
  return names.size === 1 ? shown[0]! : `one of ${shown.join(", ")}${more}`;
}
