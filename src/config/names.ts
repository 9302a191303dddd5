import type { KindName } from "../keys/kind.ts";
import { printable } from "../printable.ts";
import type { Config, KeyRef } from "./model.ts";

/** A master key, or what a configuration says of one. */
type Identified = Pick<KeyRef, "kind" | "id">;

/** What the person calls a key; undefined if the configuration has no name for it, or there is no configuration. */
export function keyName(config: Pick<Config, "names"> | undefined, key: Identified): string | undefined {
  const wanted = spellings(key);
  for (const [i, spelling] of wanted.entries()) {
    const found = config?.names.find(({ key: named }) => {
      if (named.kind !== key.kind) return false;
      const known = spellings(named);
      // what is left away on one side only, such as the version of an Azure key, does not matter
      return i === 0 ? known[0] === spelling : known.includes(spelling);
    });
    if (found) return found.name;
  }
  return undefined;
}

/** A key as people are shown it: `alice (age1…)`, or the identifier alone. */
export function shownKey(config: Pick<Config, "names"> | undefined, key: Identified): string {
  const name = keyName(config, key);
  return name === undefined ? printable(key.id) : `${printable(name)} (${printable(key.id)})`;
}

/** An identifier in forms that can be compared, the most exact one first. */
function spellings({ kind, id }: Identified & { role?: string }): string[] {
  return (SPELLINGS[kind] ?? ((text) => [text]))(id.trim());
}

const SPELLINGS: Readonly<Partial<Record<KindName, (id: string) => string[]>>> = {
  // a comment behind an SSH key is not part of it
  age: (id) => (id.startsWith("ssh-") ? [id.split(/\s+/).slice(0, 2).join(" ")] : [id]),
  pgp: (id) => [id.replaceAll(" ", "").toUpperCase()],
  gcp_kms: (id) => [id.replaceAll(" ", "")],
  // ARN+ROLE|CONTEXT|PROFILE, as SOPS prints it
  kms: (id) => {
    const whole = id.replaceAll(" ", "");
    return [whole, whole.replace(/\|.*/, ""), whole.replace(/(?:\+arn:|\|).*/, "")];
  },
  azure_kv: (id) => {
    const [vault = id, name = ""] = id.split("/keys/");
    return [id.replace(/\/$/, ""), `${vault}/keys/${name.split("/")[0]}`];
  },
};
