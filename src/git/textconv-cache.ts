import { shellQuoted } from "../printable.ts";
import { runGit } from "./program.ts";
import { askGit, gitFailed, partsOf, type Repository } from "./repository.ts";

/** Where git keeps, or will keep, what a diff driver made of files: in its objects, for everybody who gets them. */
export interface CachedText {
  /** The setting `diff.NAME.cachetextconv`, or the ref that holds texts. */
  readonly kind: "setting" | "ref";
  readonly name: string;
  /** Which of git's files the setting is in: `local`, `global`, …; none for refs. */
  readonly scope?: string;
}

/** Programs that decrypt; other drivers show documents that anybody may read. */
const DECRYPTS = /sops|decrypt|crypt|age\b|gpg|secret|vault/i;

const REFS = "refs/notes/textconv/";

/** Caches of diff drivers that may have seen plaintext: of those whose program decrypts, or is not known any more. */
export async function cachedTexts(repository: Pick<Repository, "git">): Promise<CachedText[]> {
  const settings = await driverSettings(repository);
  const refs = (await askGit(repository, ["for-each-ref", "--format=%(refname)", REFS]))
    .toString()
    .split("\n")
    .filter(Boolean);
  const decrypts = (driver: string): boolean => {
    const program = settings.findLast(({ name, driver: of }) => of === driver && name === "textconv")?.value;
    return program === undefined || DECRYPTS.test(program) || DECRYPTS.test(driver);
  };
  const on = settings.filter((one) => one.name === "cachetextconv" && isOn(one, settings));
  return [
    ...on
      .filter(({ driver }) => decrypts(driver))
      .map(
        ({ driver, scope }): CachedText => ({ kind: "setting", name: `diff.${driver}.cachetextconv`, scope }),
      ),
    ...refs
      .filter((ref) => decrypts(ref.slice(REFS.length)))
      .map((name): CachedText => ({ kind: "ref", name })),
  ];
}

/** The last of several counts, and one that it overrules does nothing. Without a value it is on, with an empty one off. */
function isOn(one: Setting, all: readonly Setting[]): boolean {
  const last = all.findLast(({ driver, name }) => driver === one.driver && name === one.name);
  return [one, last].every((setting) => setting && !/^(?:false|no|off|0+|)$/i.test(setting.value));
}

/** The commands that take it away, the first one first. */
export function removalOf({ kind, name, scope }: CachedText): readonly [string, ...string[]] {
  const word = shellQuoted(name);
  if (kind === "setting")
    return [`git config${scope === undefined ? "" : ` --${scope}`} --unset-all ${word}`];
  return [
    `git update-ref -d ${word}`,
    "git reflog expire --expire=now --all && git gc --prune=now",
    `git push REMOTE --delete ${word}`,
  ];
}

interface Setting {
  readonly scope: string;
  readonly driver: string;
  readonly name: string;
  readonly value: string;
}

async function driverSettings({ git }: Pick<Repository, "git">): Promise<Setting[]> {
  const asked = await runGit(git, [
    "config",
    "--null",
    "--show-scope",
    "--get-regexp",
    "^diff\\..*\\.(textconv|cachetextconv)$",
  ]);
  // 1: there are none
  if (asked.code !== 0 && asked.code !== 1) throw gitFailed("git config failed", asked.stderr);
  const parts = partsOf(asked.stdout);
  const settings: Setting[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [, driver, name, , value = "true"] =
      /^diff\.(.+?)\.(textconv|cachetextconv)(\n(.*))?$/s.exec(parts[i + 1]!) ?? [];
    if (driver !== undefined && name !== undefined) settings.push({ scope: parts[i]!, driver, name, value });
  }
  return settings;
}
