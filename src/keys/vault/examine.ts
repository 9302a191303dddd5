import { printable } from "../../printable.ts";
import { textField } from "../fields.ts";
import type { Examination, KeyContext, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { prefixed, reasonsOf } from "../reasons.ts";
import { placesOfCredentials, type VaultClient, vaultClient } from "./client.ts";
import { VaultError } from "./errors.ts";
import { badToken, explained, policyFor, saysBadToken } from "./explain.ts";
import { readKey, type TransitKey, transitKey } from "./transit.ts";

/** What can be known of a key without unwrapping: its token's state and rights, and what the server says of the key. */
export async function examineTransit(master: MasterKey, context: KeyContext): Promise<Examination> {
  try {
    const key = transitKey(master);
    const client = await vaultClient(context, key.address);
    if (!client) return { usable: false, lines: placesOfCredentials(context) };
    const found = [`${client.source}, for ${client.address}${namespaceOf(client)}`];
    if (context.offline) return notAsked(found, "the server");
    const { usable, lines } = await ask(client, key, textField(master.fields, "enc"));
    return { usable, lines: [...found, ...lines] };
  } catch (error) {
    return { usable: false, lines: reasonsOf(error) };
  }
}

async function ask(client: VaultClient, key: TransitKey, enc: string): Promise<Examination> {
  try {
    const token = await lookUp(client);
    if (token === undefined) {
      const { why, hint } = badToken(client);
      return { usable: false, lines: [why, hint] };
    }
    const rights = await capabilities(client, key);
    if (rights === undefined) {
      return { usable: undefined, lines: [token, "it may not ask the server what it may do"] };
    }
    const [may, mayNot] = [`it may decrypt with ${key.name}`, `it may not decrypt with ${key.name}`];
    if (!rights) {
      return {
        usable: false,
        lines: [token, mayNot, `its policy needs ${policyFor(key, "decrypt")}`],
      };
    }
    const problem = await problemOfKey(client, key, enc);
    return problem ? { usable: false, lines: [token, ...problem] } : { usable: true, lines: [token, may] };
  } catch (error) {
    const reason = await explained(error, client, key, "decrypt");
    return { usable: false, lines: reasonsOf(prefixed(reason, "the server was asked")) };
  }
}

/** What the token is, in a line; undefined if the server says that it does not accept it. */
async function lookUp(client: VaultClient): Promise<string | undefined> {
  try {
    const data = (await client.request("GET", "auth/token/lookup-self"))?.data ?? {};
    const policies = [data.policies, data.identity_policies]
      .flat()
      .filter((name) => typeof name === "string");
    const ttl =
      typeof data.ttl === "number" && data.ttl > 0 ? `valid for ${duration(data.ttl)}` : "without an end";
    return `the token is ${ttl}, with the policies ${policies.map(printable).join(", ") || "none"}`;
  } catch (error) {
    if (!(error instanceof VaultError) || error.status !== 403) throw error;
    if (saysBadToken(error)) return undefined;
    return "the token may not look itself up: it has no default policy, or the server does not accept it";
  }
}

/** Whether the token may decrypt; undefined if it may not ask. */
async function capabilities(client: VaultClient, { engine, name }: TransitKey): Promise<boolean | undefined> {
  const path = `${engine}/decrypt/${name}`;
  try {
    const answer = await client.request("POST", "sys/capabilities-self", { body: { paths: [path] } });
    const list = answer?.data?.[path];
    return Array.isArray(list) ? list.includes("update") || list.includes("root") : undefined;
  } catch (error) {
    if (error instanceof VaultError && error.status === 403) return undefined;
    throw error;
  }
}

async function problemOfKey(
  client: VaultClient,
  key: TransitKey,
  enc: string,
): Promise<readonly string[] | undefined> {
  const { found, softDeleted, minDecryption } = await readKey(client, key);
  if (found === "no")
    return [`the engine ${key.engine} has no key ${key.name}`, "check the name and VAULT_NAMESPACE"];
  if (softDeleted) return [`the key ${key.name} of the engine ${key.engine} is deleted`];
  const version = Number(/^vault:v(\d+):/.exec(enc)?.[1] ?? Number.POSITIVE_INFINITY);
  if (version >= minDecryption) return undefined;
  return [
    `the data key was wrapped by version ${version} of the key, and min_decryption_version is ${minDecryption}`,
  ];
}

function namespaceOf({ namespace }: VaultClient): string {
  return namespace ? `, namespace ${printable(namespace)}` : "";
}

function duration(seconds: number): string {
  if (seconds >= 172_800) return `${Math.floor(seconds / 86_400)} days`;
  if (seconds >= 7200) return `${Math.floor(seconds / 3600)} hours`;
  return seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`;
}
