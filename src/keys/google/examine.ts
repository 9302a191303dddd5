import { attempt } from "../../net/attempt.ts";
import { shortened } from "../../printable.ts";
import type { Examination, KeyContext, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { prefixed, reasonsOf } from "../reasons.ts";
import { showAddress } from "./address.ts";
import { answerOf, CODES, explained } from "./errors.ts";
import { checkResourceId } from "./identifier.ts";
import { type KmsService, kmsService } from "./service.ts";
import { calls } from "./wrapping.ts";

const ENCRYPT = "cloudkms.cryptoKeyVersions.useToEncrypt";
const DECRYPT = "cloudkms.cryptoKeyVersions.useToDecrypt";
const GET = "cloudkms.cryptoKeys.get";

/**
 * What `doctor` says of a key: credentials, address, whether the network answers, and what the credentials may do,
 * which anybody may ask about themselves. Nothing is unwrapped. Never throws.
 */
export async function examineKey(
  key: MasterKey,
  context: KeyContext,
  whyNot: () => Promise<readonly string[]>,
): Promise<Examination> {
  const lines: string[] = [];
  try {
    checkResourceId(key);
    const service = await kmsService(context);
    if (!service) return { usable: false, lines: await whyNot() };
    const { owner, where } = service.credentials;
    lines.push(`credentials: ${owner} (${where})`, `address: ${showAddress(service.address)}`);
    if (context.offline) return notAsked(lines, "Google");
    await service.login();
    const { usable, lines: found } = await ask(service, key, context);
    return { usable, lines: [...lines, ...found] };
  } catch (error) {
    return { usable: false, lines: [...lines, ...reasonsOf(error)] };
  }
}

async function ask(service: KmsService, key: MasterKey, context: KeyContext): Promise<Examination> {
  const request = { resource: key.id, permissions: [ENCRYPT, DECRYPT, GET] };
  try {
    const answer = await attempt(
      context,
      (signal) => service.call("testIamPermissions", request, signal),
      calls(service),
    );
    const granted = Array.isArray(answer.permissions) ? (answer.permissions as string[]) : [];
    const state = granted.includes(GET) ? await stateOf(service, key, context) : [];
    return { usable: granted.includes(DECRYPT), lines: [rights(granted), ...state] };
  } catch (error) {
    const { code } = answerOf(error);
    // another server than Google's may not know the question
    if (
      code === CODES.UNIMPLEMENTED ||
      (code === CODES.NOT_FOUND && service.address.universe === undefined)
    ) {
      return bySight(service, key, context);
    }
    throw prefixed(explained(error, key.id, "decrypt", service), `cannot ask about ${shortened(key.id)}`);
  }
}

function rights(granted: readonly string[]): string {
  const [encrypt, decrypt] = [granted.includes(ENCRYPT), granted.includes(DECRYPT)];
  if (encrypt && decrypt) return "they may encrypt and decrypt with it";
  if (decrypt) return `they may decrypt with it, but not encrypt (permission ${ENCRYPT})`;
  const missing = `the role roles/cloudkms.cryptoKeyEncrypterDecrypter on the key would let them`;
  if (encrypt) return `they may encrypt with it, but not decrypt (permission ${DECRYPT}); ${missing}`;
  return `they may neither encrypt nor decrypt with it; ${missing}`;
}

/** The key's newest state, for those who may see it; new data keys are wrapped with the primary version. */
async function stateOf(service: KmsService, key: MasterKey, context: KeyContext): Promise<string[]> {
  const call = (signal: AbortSignal) => service.call("getCryptoKey", { name: key.id }, signal);
  const { primary } = await attempt(context, call, calls(service));
  const { name, state } = (primary ?? {}) as { name?: string; state?: string };
  const version = /\d+$/.exec(name ?? "")?.[0];
  if (!version) return ["it has no primary version: nothing can be encrypted with it"];
  return state === "ENABLED" ? [] : [`its primary version ${version} is ${String(state).toLowerCase()}`];
}

async function bySight(service: KmsService, key: MasterKey, context: KeyContext): Promise<Examination> {
  try {
    const state = await stateOf(service, key, context);
    return {
      usable: undefined,
      lines: ["it exists; what they may do with it cannot be asked there", ...state],
    };
  } catch (error) {
    throw prefixed(explained(error, key.id, "decrypt", service), `cannot ask about ${shortened(key.id)}`);
  }
}
