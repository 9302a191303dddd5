import { TsopsError } from "../errors.ts";
import { printable, shortened } from "../printable.ts";
import { age } from "./age/kind.ts";
import { kms } from "./aws/kind.ts";
import { azureKv } from "./azure/kind.ts";
import { cluster } from "./cluster/kind.ts";
import { gcpKms } from "./google/kind.ts";
import { hckms } from "./huawei/kind.ts";
import type { KeyKind, MasterKey } from "./kind.ts";
import { pgp } from "./pgp/kind.ts";
import { env } from "./stores/env.ts";
import { keywhiz } from "./stores/keywhiz.ts";
import { vaultkv } from "./stores/vaultkv.ts";
import { unknown } from "./unknown.ts";
import { hcVault } from "./vault/kind.ts";

/**
 * All kinds of master keys: SOPS's in the order in which it puts the keys of a group when it loads them (
 * docs/internals/sops.md §5), then those that it lacks. Every other list of kinds is made from this one.
 */
const TABLE = [
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
] as const satisfies readonly KeyKind[];

export const KINDS: readonly KeyKind[] = TABLE;

/** One of the kinds, with its names as types. */
export type Kind = (typeof TABLE)[number];
/** The names that `--decryption-order` takes, and that reports show. */
export type KindName = Kind["name"];

/** @throws TsopsError("usage") if there is no such kind: a key was made by hand. */
export function kindNamed(name: string): KeyKind {
  const kind = KINDS.find((one) => one.name === name);
  if (kind) return kind;
  throw new TsopsError("usage", `there is no kind of master key named ${printable(name)}`, {
    hint: `kinds are ${KINDS.map((one) => one.name).join(", ")}`,
  });
}

/** The kind of a key that is stored by its URI: `unknown` if only a later version knows it. */
export function kindOfUri(uri: string): KeyKind {
  const own = KINDS.filter(({ sops }) => sops === undefined);
  return own.find(({ uris }) => uris.some(({ scheme }) => uri.startsWith(scheme))) ?? unknown;
}

/** A kind that SOPS has. */
export type SopsKind = KeyKind & Required<Pick<KeyKind, "sops">>;

/** The kinds that SOPS has, in one of the orders in which it puts keys together. */
export function sopsKinds(order: "option" | "rule"): SopsKind[] {
  const kinds = KINDS.flatMap((kind) => (kind.sops ? [{ ...kind, sops: kind.sops }] : []));
  return kinds.sort((a, b) => a.sops.place[order] - b.sops.place[order]);
}

/** What identifies a key, as messages show it. */
export function shownId({ kind, id }: Pick<MasterKey, "kind" | "id">): string {
  return shortened(kindNamed(kind).shownId?.(id) ?? id);
}

/** A key as reports show it: its kind and what identifies it. */
export function describeKey(key: MasterKey): string {
  return `${kindNamed(key.kind).title} ${shownId(key)}`;
}

/** The kinds that are tried first, if nobody says otherwise. */
function defaultOrder(): string[] {
  const first = KINDS.flatMap(({ name, triedFirst }) =>
    triedFirst === undefined ? [] : { name, triedFirst },
  );
  return first.sort((a, b) => a.triedFirst - b.triedFirst).map(({ name }) => name);
}

/**
 * The kinds in the order in which their keys are tried (docs/internals/sops.md §4): names with commas between them.
 * Names that nobody knows have no effect, as in SOPS, so that a later version's list can be used.
 * @throws TsopsError("duplicate-decryption-order") if a name occurs twice.
 */
export function parseDecryptionOrder(text: string): readonly string[] {
  if (text === "") return defaultOrder();
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
