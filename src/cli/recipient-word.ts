import { masterKeys } from "../config/groups.ts";
import { TsopsError } from "../errors.ts";
import { holderOf, sameKey } from "../keys/difference.ts";
import type { KeyGroup, MasterKey } from "../keys/kind.ts";
import { refuseSecretKey } from "../keys/secret.ts";
import { keysOfUri, parseUri } from "../keys/uri.ts";
import { nearest } from "../nearest.ts";
import { nameOfKey } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/**
 * A recipient as people name it: by its name in the configuration, as are groups of keys, by its URI, or by what identifies
 * it in files. Which key a name means is for the configuration of each file to say.
 */
export class RecipientWord {
  readonly word: string;
  /** Keys of the URI, if it is one. */
  private readonly keys: readonly MasterKey[];
  private known = false;
  private readonly names = new Set<string>();

  /** @throws TsopsError if it is a malformed URI, or a secret key. */
  constructor(word: string) {
    refuseSecretKey(word);
    this.word = word;
    this.keys = parseUri(word) ? keysOfUri(word) : [];
  }

  /** Whether it means a key of a file with these settings. */
  means(key: MasterKey, { config }: Pick<Settings, "config">): boolean {
    const name = nameOfKey(key, { config });
    const group = config?.groups.get(this.word)?.flatMap(masterKeys) ?? [];
    const is = (other: MasterKey) => sameKey(key, other) || holderOf(key) === holderOf(other);
    const found = name === this.word || key.id === this.word || [...this.keys, ...group].some(is);
    if (found || config?.groups.has(this.word)) this.known = true;
    if (!this.known && name !== undefined) this.names.add(name);
    return found;
  }

  /** Whether it means one of a file's keys, and so one of its readers. */
  isIn(groups: readonly KeyGroup[], settings: Pick<Settings, "config">): boolean {
    // each is looked at, so that suggestions know its name
    return groups.flat().filter((key) => this.means(key, settings)).length > 0;
  }

  /** Says that it means nobody, unless a configuration has that name, or it meant somebody. @throws TsopsError("usage") */
  refuseUnknown(settings: readonly Pick<Settings, "config">[]): void {
    if (this.known || this.keys.length > 0) return;
    const configs = new Set(settings.map(({ config }) => config));
    const all = [...configs].flatMap((config) => [
      ...(config?.names.map(({ name }) => name) ?? []),
      ...(config?.groups.keys() ?? []),
    ]);
    if (all.includes(this.word)) return;
    const meant = nearest(this.word, [...new Set([...all, ...this.names])]);
    throw new TsopsError(
      "usage",
      "no recipient of these files is called so, and no configuration has that name",
      {
        hint: `${meant === undefined ? "" : `did you mean ${meant}? Or `}give its URI: age:age1…, pgp:FINGERPRINT, awskms://arn:…`,
      },
    );
  }
}
