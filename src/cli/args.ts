/** Options of a command as yargs read them; names as people type them. */
export class Args {
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    // the last one counts where an option is given twice, as in SOPS
    const last = Array.isArray(value) ? value.at(-1) : value;
    return last === undefined || last === null ? undefined : String(last);
  }

  flag(name: string): boolean {
    const value = this.values[name];
    return (Array.isArray(value) ? value.at(-1) : value) === true;
  }

  number(name: string): number | undefined {
    const value = this.values[name];
    return typeof value === "number" ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.values[name];
    if (value === undefined || value === null) return [];
    return (Array.isArray(value) ? value : [value]).map(String);
  }

  /** The same with some values replaced. */
  with(values: Readonly<Record<string, unknown>>): Args {
    return new Args({ ...this.values, ...values });
  }

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }
}

/**
 * SOPS's parser takes `-flag` for `--flag` (SPEC section 7); short forms and everything after `--` stay as they are.
 */
export function doubleDashes(argv: readonly string[], longNames: ReadonlySet<string>): string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, i) => {
    if ((end >= 0 && i >= end) || !/^-[a-z]/.test(argument)) return argument;
    const name = argument.slice(1).split("=", 1)[0]!;
    return name.length > 1 && longNames.has(name) ? `-${argument}` : argument;
  });
}
