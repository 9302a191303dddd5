import { TsopsError } from "../errors.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField, withWrapped } from "./fields.ts";
import type { KeyContext, KeyKind } from "./kind.ts";
import { printable, shortened } from "./printable.ts";
import { environmentFor, type Outcome, run } from "./program.ts";
import { reasonsOf } from "./reasons.ts";

/** A person may have to find a card or type a passphrase into pinentry. */
const LIMIT_SECONDS = 300;

/** PGP keys, through the gpg program (SPEC section 5): its keyring, its agent, its smart cards. */
export const pgp: KeyKind = {
  name: "pgp",
  field: "pgp",
  title: "PGP",

  parse(list) {
    return splitList(list, "PGP").map((part) => {
      // People copy fingerprints in groups of four digits.
      const id = part.replaceAll(" ", "");
      return { kind: "pgp", id, fields: sortedFields([["fp", id]]) };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, "PGP");
    return { kind: "pgp", id: neededField(fields, "fp", "PGP"), fields };
  },

  async wrap(key, dataKey, context) {
    const args = ["--no-default-recipient", "--yes", "--encrypt", "-a", "-r", key.id];
    const { code, stdout, stderr } = await gpg(
      [...args, "--trusted-key", longKeyId(key.id), "--no-encrypt-to"],
      dataKey,
      context,
    );
    const enc = stdout.toString("latin1").trim();
    if (code === 0 && enc !== "") return withWrapped(key, enc, context);
    throw new TsopsError(
      "generic",
      `gpg cannot wrap the data key for ${shortened(key.id)}: ${reason(stderr)}`,
      {
        hint: `see whether \`gpg --list-keys ${shortened(key.id)}\` finds the key, and import it if not`,
      },
    );
  },

  async unwrap(key, context) {
    const enc = Buffer.from(textField(key.fields, "enc"));
    const { code, stdout, stderr } = await gpg(["-d"], enc, context);
    // Some releases of gpg print nothing for ciphers that they do not know, and call it success.
    if (code === 0 && stdout.length > 0) return stdout;
    stdout.fill(0);
    if (/no secret key/i.test(stderr)) return null;
    const what = code === 0 ? "it printed nothing" : reason(stderr);
    throw new TsopsError("generic", `gpg cannot open the wrapped data key for ${shortened(key.id)}: ${what}`);
  },

  whyNot(key, context) {
    const home = context.env.GNUPGHOME;
    const where = home ? ` in ${printable(home)}` : "";
    return [
      `gpg has no secret key for it${where}`,
      `import it with \`gpg --import\`, or see \`gpg --list-secret-keys ${shortened(key.id)}\``,
    ];
  },

  async examine(key, context) {
    try {
      const { code, stderr } = await gpg(["--list-secret-keys", "--", key.id], Buffer.alloc(0), context);
      if (code === 0) return { usable: true, lines: ["gpg has its secret key"] };
      return { usable: false, lines: [reason(stderr), ...pgp.whyNot!(key, context).slice(1)] };
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

async function gpg(args: readonly string[], input: Uint8Array, context: KeyContext): Promise<Outcome> {
  const argv = [context.env.SOPS_GPG_EXEC || "gpg", ...args];
  return run({ argv, input, env: environmentFor(context), limit: LIMIT_SECONDS, signal: context.signal });
}

/** The last 16 digits, as SOPS gives them to --trusted-key; a `!` at the end, which names a subkey, stays. */
function longKeyId(fingerprint: string): string {
  return fingerprint.slice(fingerprint.endsWith("!") ? -17 : -16);
}

/** What gpg says, without its name before each line. */
function reason(stderr: string): string {
  return printable(stderr.replace(/^gpg: /gm, "")) || "it gives no reason";
}
