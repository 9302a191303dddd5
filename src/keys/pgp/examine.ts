import { TsopsError } from "../../errors.ts";
import { textField } from "../fields.ts";
import type { Examination, KeyContext, MasterKey } from "../kind.ts";
import { reasonsOf } from "../reasons.ts";
import { findGpg, listSecretKeys, noGpg } from "./gpg.ts";
import { secretRing } from "./ring.ts";
import { candidatesFor, lockedOf, messageOf, opens, ringLines } from "./unwrap.ts";

/** What `doctor` says of a PGP key: whether gpg or a given file has it, without opening anything or asking anyone. */
export async function examinePgp(key: MasterKey, context: KeyContext): Promise<Examination> {
  const byGpg = await examineGpg(key, context);
  if (byGpg.usable) return byGpg;
  const given = await examineGiven(key, context);
  return { usable: given.usable, lines: [...byGpg.lines, ...given.lines] };
}

const AGED: Readonly<Record<string, string>> = { e: "has expired", r: "has been revoked" };

async function examineGpg(key: MasterKey, context: KeyContext): Promise<Examination> {
  const program = findGpg(context);
  if (!program) return { usable: false, lines: [noGpg(context)] };
  const { keys, reason } = await listSecretKeys(program, key.id, context);
  if (keys.length === 0) return { usable: false, lines: [`gpg has no secret key for it (${reason})`] };
  const opening = keys.find(({ encrypts, secret }) => encrypts && secret !== "elsewhere");
  if (!opening) {
    return { usable: false, lines: ["gpg knows the key, but the secret part that decrypts is not here"] };
  }
  const lines = [`gpg has its secret key${opening.secret === "card" ? " on a smart card" : ""}`];
  const aged = AGED[opening.validity];
  if (aged) lines.push(`it ${aged}: it still opens files, but nothing new can be wrapped for it`);
  return { usable: true, lines };
}

/** A passphrase that is given is tried on the key, which stays in memory: so it is known to be the right one. */
async function examineGiven(key: MasterKey, context: KeyContext): Promise<Examination> {
  const ring = await secretRing(context);
  const enc = textField(key.fields, "enc");
  const candidates = enc && ring.keys.length > 0 ? candidatesFor(await messageOf(enc), ring) : [];
  const candidate = candidates.find(({ packets }) => packets.some((packet) => !packet.isDummy()));
  if (!candidate) return { usable: false, lines: ringLines(ring) };
  const { place, packets } = candidate;
  const found = `${place} holds its secret key`;
  if (lockedOf(packets).length === 0) return { usable: true, lines: [found] };
  const passphrase = context.env.TSOPS_PGP_PASSPHRASE;
  try {
    if (passphrase && (await opens(packets, passphrase)))
      return { usable: true, lines: [`${found}, and TSOPS_PGP_PASSPHRASE its passphrase`] };
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return { usable: false, lines: [found, ...reasonsOf(error)] };
  }
  const missing = passphrase ? "TSOPS_PGP_PASSPHRASE is not its passphrase" : "it has a passphrase";
  if (context.prompt) return { usable: undefined, lines: [found, `${missing}: it will be asked for`] };
  return {
    usable: false,
    lines: [found, `${missing}, and there is nobody to ask: set TSOPS_PGP_PASSPHRASE`],
  };
}
