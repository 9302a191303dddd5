import { TsopsError } from "../errors.ts";
import { printable, shortened } from "../printable.ts";
import { age } from "./age/kind.ts";
import { kms } from "./aws/kind.ts";
import { azureKv } from "./azure/kind.ts";
import { cluster } from "./cluster/kind.ts";
import { gcpKms } from "./google/kind.ts";
import { hckms } from "./huawei/kind.ts";
import type { KeyKind, KindName, MasterKey } from "./kind.ts";
import { pgp } from "./pgp/kind.ts";
import { env } from "./stores/env.ts";
import { keywhiz } from "./stores/keywhiz.ts";
import { vaultkv } from "./stores/vaultkv.ts";
import { unknown } from "./unknown.ts";
import { hcVault } from "./vault/kind.ts";

/**
 * All kinds of master keys: SOPS's in the order in which it puts the keys of a group when it loads them (SPEC section
 * 5), then those that it lacks.
 */
export const KINDS: readonly KeyKind[] = [
  kms,
  gcpKms,
  hckms,
  azureKv,
  hcVault,
  pgp,
  age,
  env,
  vaultkv,
  keywhiz,
  cluster,
  unknown,
];

export function kindNamed(name: KindName): KeyKind {
  return KINDS.find((kind) => kind.name === name)!;
}

/** The kind of a key that is stored by its URI: `unknown` if only a later version knows it. */
export function kindOfUri(uri: string): KeyKind {
  return KINDS.find(({ schemes }) => schemes?.some((scheme) => uri.startsWith(scheme))) ?? unknown;
}

/** A key as reports show it: its kind and what identifies it. */
export function describeKey(key: MasterKey): string {
  return `${kindNamed(key.kind).title} ${shortened(key.id)}`;
}

const DEFAULT_ORDER: readonly string[] = ["age", "pgp"];

/**
 * The kinds in the order in which their keys are tried (SPEC section 4): names with commas between them. Names that
 * nobody knows have no effect, as in SOPS, so that a later version's list can be used.
 * @throws TsopsError("duplicate-decryption-order") if a name occurs twice.
 */
export function parseDecryptionOrder(text: string): readonly string[] {
  if (text === "") return DEFAULT_ORDER;
  const names = text.split(",").map((name) => name.trim());
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TsopsError("duplicate-decryption-order", `duplicate decryption key type: ${printable(twice)}`);
  }
  return names;
}

/** Keys as they are tried: by the order of their kinds, the kinds that are not listed last; otherwise as they stand. */
export function inDecryptionOrder(keys: readonly MasterKey[], order: readonly string[]): MasterKey[] {
  const rank = ({ kind }: MasterKey): number => (order.includes(kind) ? order.indexOf(kind) : order.length);
  return [...keys].sort((a, b) => rank(a) - rank(b));
}
