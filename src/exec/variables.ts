import { TsopsError } from "../errors.ts";
import { valToString } from "../formats/scalar.ts";
import { firstBadByte } from "../formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";

/** Environment variables by name, in the order of their file. */
export type Variables = Map<string, string>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A document's values as variables, as `exec-env` gives them (docs/internals/sops.md §7): each key is a name, of
 * duplicate keys the last counts, comments are left out.
 * @throws TsopsError("bad-variable") if a value is a map or a list, or a name or value cannot be a variable.
 */
export function variablesOf(document: TreeMap): Variables {
  const variables: Variables = new Map();
  for (const { key, value } of document.entries()) {
    if (value instanceof TreeMap || value instanceof TreeList) {
      throw new TsopsError(
        "bad-variable",
        `${key} is a ${kindOf(value)}, and a variable can only hold text`,
        {
          hint: "tsops exec makes variables of nested values too; tsops exec-file gives the program the whole file",
        },
      );
    }
    addChecked(variables, key, valToString(value));
  }
  return variables;
}

/**
 * A document's values as variables, as `exec` gives them: names of nested values are the keys and list indices (from
 * 0) on the way to them, joined with the separator. Null makes no variable.
 * @throws TsopsError("bad-variable") if two values get the same name, or a name or value cannot be a variable.
 */
export function flattenVariables(document: TreeMap, separator = "_"): Variables {
  const variables: Variables = new Map();
  const pathOf = new Map<string, string>();
  const visit = (value: Tree, path: readonly string[]): void => {
    if (value instanceof TreeMap) {
      for (const entry of value.entries()) visit(entry.value, [...path, entry.key]);
    } else if (value instanceof TreeList) {
      for (const [index, item] of value.values().entries()) visit(item, [...path, String(index)]);
    } else if (value !== null) {
      const name = path.join(separator);
      const exact = JSON.stringify(path);
      // a duplicate key gives the same path again, and the later one counts; two different paths are a mistake
      if ((pathOf.get(name) ?? exact) !== exact) throw sameName(name);
      pathOf.set(name, exact);
      addChecked(variables, name, valToString(value));
    }
  };
  visit(document, []);
  return variables;
}

/** The variables of several files: of those with the same name and different values the last counts, with a warning. */
export function mergeVariables(
  sources: readonly { readonly file: string; readonly variables: ReadonlyMap<string, string> }[],
  warn: (message: string) => unknown,
): Variables {
  const merged: Variables = new Map();
  const from = new Map<string, string>();
  for (const { file, variables } of sources) {
    for (const [name, value] of variables) {
      const before = merged.get(name);
      if (before !== undefined && before !== value) {
        warn(`${name} is in ${from.get(name)} and in ${file}: the value in ${file} is used`);
      }
      merged.set(name, value);
      from.set(name, file);
    }
  }
  return merged;
}

/**
 * The environment of a child: what this process was given (or nothing, where `pristine` is asked for), then the
 * account's own variables, then those of the files, which win.
 */
export function childEnvironment(
  env: Environment,
  variables: ReadonlyMap<string, string>,
  { pristine = false, account = {} }: { pristine?: boolean; account?: Environment } = {},
): Record<string, string> {
  const result = new Map<string, string>();
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    // Windows does not tell Path from PATH, and Node would pass on only one of them
    if (process.platform === "win32") {
      for (const other of result.keys()) if (other.toUpperCase() === name.toUpperCase()) result.delete(other);
    }
    result.set(name, value);
  };
  if (!pristine) for (const [name, value] of Object.entries(env)) set(name, value);
  for (const [name, value] of Object.entries(account)) set(name, value);
  for (const [name, value] of variables) set(name, value);
  return Object.fromEntries(result);
}

function faultOf(name: string, value: string): string | undefined {
  if (name === "") return "an empty name";
  if (name.includes("=")) return "a name with =";
  if (name.includes("\0") || value.includes("\0")) return "a zero byte";
  return firstBadByte(name) >= 0 || firstBadByte(value) >= 0 ? "bytes that are not UTF-8" : undefined;
}

function addChecked(variables: Variables, name: string, value: string): void {
  const why = faultOf(name, value);
  if (why !== undefined) {
    throw new TsopsError(
      "bad-variable",
      `${name === "" ? "a value" : name} cannot be a variable: it has ${why}`,
      {
        hint: "rename or re-encode it, or use tsops exec-file",
      },
    );
  }
  variables.set(name, value);
}

function sameName(name: string): TsopsError {
  return new TsopsError("bad-variable", `two values would both be the variable ${name}`, {
    hint: "choose another separator, for example --separator __, or rename one of the keys",
  });
}

function kindOf(value: TreeMap | TreeList): string {
  return value instanceof TreeMap ? "map" : "list";
}
