import { TsopsError } from "../../errors.ts";
import { printable, shortened } from "../../printable.ts";
import { textField, withWrapped } from "../fields.ts";
import type { KeyContext, KeyUse, MasterKey } from "../kind.ts";
import { naming, prefixed, reasonsOf } from "../reasons.ts";
import { examinePgp } from "./examine.ts";
import { decryptWithGpg, encryptWithGpg, findGpg, listKeys, listSecretKeys, noGpg } from "./gpg.ts";
import { isHidden, keyIdsOf, notWrapped } from "./message.ts";
import { digitsOf, keyIdOf, names } from "./names.ts";
import { proofOf } from "./proof.ts";
import { publicRing, secretRing } from "./ring.ts";
import { fingerprintsOf, goesBy, openInProcess, ringLines } from "./unwrap.ts";
import { encryptInProcess } from "./wrap.ts";

/**
 * PGP keys in use: through the gpg program where it is there, with its keyring, agent and smart cards; in
 * process, with keys that variables or files give, where it is not there or does not have the key.
 */
export const pgpUse: KeyUse = {
  async wrap(key, dataKey, context) {
    return withWrapped(key, await wrapped(key, dataKey, context), context);
  },

  async unwrap(key, context) {
    const enc = textField(key.fields, "enc");
    const what = `cannot open the wrapped data key for ${shortened(key.id)}`;
    await naming(what, async () => keyIdsOf(enc));
    const byGpg = await openWithGpg(key, enc, context);
    if (byGpg.plain) return { key: byGpg.plain };
    const given = await naming(what, () => openInProcess(enc, key.id, context));
    if (given.plain) return { key: given.plain };
    if (byGpg.error) throw byGpg.error;
    const [first = nextStep(key), ...rest] = [...byGpg.tried, ...given.tried, nextStep(key)];
    return { why: [first, ...rest] };
  },

  async checkOpener(key, context) {
    const keyIds = keyIdsOf(textField(key.fields, "enc"));
    const known = await knownKeyIds(key, context);
    if (known.length === 0) return null;
    const its = keyIds.find((id) => known.includes(id));
    // another name than a fingerprint says little, and whoever asks has chosen it
    if (its) return (digitsOf(key.id)?.length ?? 0) > 8 ? {} : { remark: `its id is ${its}` };
    if (keyIds.some(isHidden))
      return { remark: "the message hides its recipients; they are checked once it is open" };
    throw openedByAnother(`it is for ${keyIds.join(", ")}, which is not the key that is named`);
  },

  async examine(key, context) {
    try {
      const { usable, lines } = await examinePgp(key, context);
      return { usable, lines: usable === false ? [...lines, nextStep(key)] : lines };
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

function nextStep(key: MasterKey): string {
  return `import it with \`gpg --import\` (see \`gpg --list-secret-keys ${shortened(key.id)}\`), or give it in TSOPS_PGP_KEY or TSOPS_PGP_KEY_FILE`;
}

async function wrapped(key: MasterKey, dataKey: Uint8Array, context: KeyContext): Promise<string> {
  const id = shortened(key.id);
  const program = findGpg(context);
  let refusal = noGpg(context);
  if (program) {
    const { code, stdout, reason } = await encryptWithGpg(program, key.id, dataKey, context);
    const enc = stdout.toString("latin1").trim();
    if (code === 0 && enc !== "") return enc;
    refusal = reason;
    // a key that gpg has and refuses is not taken from elsewhere: a copy there may not know that it is revoked
    if (!/no public key|not found/i.test(reason)) throw gpgRefused(id, reason);
  }
  const enc = await encryptInProcess(key.id, dataKey, context);
  if (enc !== undefined) return enc;
  if (program) throw gpgRefused(id, refusal);
  throw new TsopsError("key-unavailable", `${refusal}, and its public key is not given`, {
    hint: [
      ...ringLines(await publicRing(context)),
      "install GnuPG, or name a file of armored public keys in TSOPS_PGP_PUBLIC_KEYS_FILE",
    ].join("\n"),
  });
}

function gpgRefused(id: string, reason: string): TsopsError {
  return new TsopsError("key-unavailable", `gpg: ${reason}`, {
    hint: `check whether \`gpg --list-keys ${id}\` finds the key, and import it if not, or give it in TSOPS_PGP_PUBLIC_KEYS_FILE`,
  });
}

interface ByGpg {
  readonly plain: Buffer | null;
  readonly tried: readonly string[];
  /** It has the key, and failed. */
  readonly error?: TsopsError;
}

async function openWithGpg(key: MasterKey, enc: string, context: KeyContext): Promise<ByGpg> {
  const program = findGpg(context);
  if (!program) {
    return { plain: null, tried: [noGpg(context)] };
  }
  const { code, stdout, stderr, reason, status } = await decryptWithGpg(program, enc, context);
  // Some releases of gpg print nothing for ciphers that they do not know, and call it success.
  if (code === 0 && stdout.length > 0) {
    const doubt = await doubtOf(status, key.id, program, context);
    if (!doubt) return { plain: stdout, tried: [] };
    stdout.fill(0);
    return { plain: null, tried: [], error: prefixed(doubt, cannotOpen(key)) as TsopsError };
  }
  stdout.fill(0);
  const home = context.env.GNUPGHOME;
  // its last line is "No secret key" here, too
  if (couldNotUseKey(status)) {
    return {
      plain: null,
      tried: [],
      error: new TsopsError("key-unavailable", `${cannotOpen(key)}: ${reason}`, { hint: NO_PINENTRY }),
    };
  }
  if (/no secret key/i.test(stderr) || /^\[GNUPG:\] NO_SECKEY /m.test(status)) {
    return { plain: null, tried: [`gpg has no secret key for it${home ? ` in ${printable(home)}` : ""}`] };
  }
  const what = code === 0 ? "it printed nothing" : reason;
  return { plain: null, tried: [], error: new TsopsError("program-failed", `${cannotOpen(key)}: ${what}`) };
}

const NO_PINENTRY =
  "gpg has the secret key, and could not use it. If it asked for no passphrase: export GPG_TTY=$(tty), and try again; " +
  "where there is no terminal, give TSOPS_PGP_KEY and TSOPS_PGP_PASSPHRASE";

/** Whether gpg's agent failed with a key that it has: no way to ask for the passphrase, a wrong one, a card that is out. */
function couldNotUseKey(status: string): boolean {
  const [, code] = /^\[GNUPG:\] ERROR pkdecrypt_failed (\d+)/m.exec(status) ?? [];
  // the lower 16 bits say what, the others who says it
  return (
    code !== undefined && Number(code) % 0x10000 !== NO_SECRET_KEY && !/^\[GNUPG:\] NO_SECKEY /m.test(status)
  );
}

/** GPG_ERR_NO_SECKEY of libgpg-error. */
const NO_SECRET_KEY = 17;

function cannotOpen(key: MasterKey): string {
  return `gpg cannot open the wrapped data key for ${shortened(key.id)}`;
}

/** Why what gpg printed does not count as a data key that was wrapped for the named key; undefined if it does. */
async function doubtOf(
  status: string,
  name: string,
  program: string,
  context: KeyContext,
): Promise<TsopsError | undefined> {
  const proof = proofOf(status);
  if ("missing" in proof) return notWrapped(proof.missing);
  const { opener } = proof;
  const fingerprints = "keyId" in opener ? [] : [opener.fingerprint, opener.primary];
  if (names(name, fingerprints)) return undefined;
  // the name may be a user's, another subkey's, or gpg too old to say more than the id of a subkey
  const listed = await listKeys(program, name, context);
  const itsOwn = listed.some(({ primary, keyIds }) =>
    "keyId" in opener ? keyIds.includes(opener.keyId) : primary === opener.primary,
  );
  if (itsOwn) return undefined;
  const other = "keyId" in opener ? opener.keyId : opener.primary;
  return openedByAnother(`${other} opens it, which is not the key that the file names`);
}

function openedByAnother(why: string): TsopsError {
  return new TsopsError("bad-key", why, {
    hint: "somebody may have put it there: restore the file from git, or wrap the data key again with `tsops updatekeys`",
  });
}

/** The ids of the key that is named and its subkeys, as far as it is known here. */
async function knownKeyIds(key: MasterKey, context: KeyContext): Promise<string[]> {
  const program = findGpg(context);
  const listed = program ? (await listSecretKeys(program, key.id, context)).keys : [];
  const given = (await secretRing(context)).keys.filter((item) => goesBy(item.key, key.id));
  return [
    ...listed.map(({ keyId }) => keyId),
    ...given.flatMap((item) => fingerprintsOf(item.key).map(keyIdOf)),
  ];
}
