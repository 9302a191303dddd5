import type * as options from "./options.ts";
import type { FlagOption, GLOBAL, NumberOption, OptionTable, PresetOption, TextsOption } from "./options.ts";

/** What an option gives: a flag true or false, a list its texts, others undefined where they are not given. */
type ValueOf<O> = O extends FlagOption
  ? boolean
  : O extends NumberOption
    ? number | undefined
    : O extends TextsOption
      ? readonly string[]
      : O extends PresetOption
        ? string
        : string | undefined;

/** What the options of a table give. */
export type Values<T extends OptionTable> = { readonly [N in keyof T]: ValueOf<T[N]> };

/** What a usage names: `<file>` is a text, `[index]` one that may be missing, `[files..]` and `<files..>` are lists. */
export type Positionals<Usage extends string> = Usage extends `${infer Word} ${infer Rest}`
  ? Positional<Word> & Positionals<Rest>
  : Positional<Usage>;

type Positional<Word> = Word extends `<${infer N}..>` | `[${infer N}..]`
  ? { readonly [K in N]: readonly string[] }
  : Word extends `<${infer N}>`
    ? { readonly [K in N]: string }
    : Word extends `[${infer N}]`
      ? { readonly [K in N]: string | undefined }
      : unknown;

/** What several commands read: those that do not take an option have nothing there. */
export type Args = Values<typeof GLOBAL> &
  Partial<Values<Shared>> & { readonly files?: readonly string[]; readonly file?: string | undefined };

type Shared = typeof options.TYPES &
  typeof options.OUTPUT &
  typeof options.KEYS &
  typeof options.SELECTORS &
  typeof options.THRESHOLD &
  typeof options.ADD_REMOVE &
  typeof options.IGNORE_MAC &
  typeof options.YES &
  typeof options.JOBS &
  typeof options.IGNORE &
  typeof options.DOCUMENT;

/** The values of options as their types say, of what yargs's parser read; names as people type them. */
export function valuesOf<T extends OptionTable>(
  table: T,
  read: Readonly<Record<string, unknown>> = {},
): Values<T> {
  const entries = Object.entries(table).map(([name, { type, array, default: preset }]) => {
    const all = [read[name] ?? preset ?? []].flat();
    if (array) return [name, all.map(String)];
    // the last one counts where an option is given twice, as in SOPS
    const last = all.at(-1);
    if (type === "boolean") return [name, last === true];
    return [name, type === "string" && last !== undefined ? String(last) : last];
  });
  return Object.fromEntries(entries) as Values<T>;
}

/**
 * SOPS's parser takes `-flag` for `--flag` (docs/internals/sops.md §7); short forms and everything after `--` stay as
 * they are.
 */
export function doubleDashes(argv: readonly string[], longNames: ReadonlySet<string>): string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, i) => {
    if ((end >= 0 && i >= end) || !/^-[a-z]/.test(argument)) return argument;
    const name = argument.slice(1).split("=", 1)[0]!;
    return name.length > 1 && longNames.has(name) ? `-${argument}` : argument;
  });
}
