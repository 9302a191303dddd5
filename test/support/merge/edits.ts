import { buildTrees } from "../../../src/formats/build.ts";
import type { Format, PathElement } from "../../../src/formats/format.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { modelSet, modelUnset, pathsOf } from "../formats/laws.ts";

/** A whole number below a limit. */
export type Pick = (limit: number) => number;

export interface Edited {
  readonly text: string;
  /** What the text says, worked out without it: undefined where the model does not know. */
  readonly tree: Tree | undefined;
}

const FLAT = ["dotenv", "ini"];

/** A text after some random changes by hand: values set, added and removed, comments above lines. */
export function edited(
  format: Format,
  text: string,
  pick: Pick,
  allowed: (key: PathElement) => boolean,
): Edited {
  let at: Edited = { text, tree: treeOf(format, text) };
  for (let i = pick(4); i >= 0; i--) at = changedOnce(format, at, pick, allowed) ?? at;
  return at;
}

function changedOnce(
  format: Format,
  { text, tree }: Edited,
  pick: Pick,
  allowed: (key: PathElement) => boolean,
): Edited | undefined {
  const reading = format.read(text);
  const paths = pathsOf(reading).filter(([key]) => key !== undefined && allowed(key));
  try {
    const path = paths[pick(Math.max(paths.length, 1))];
    const what = pick(5);
    if (what === 0 && path) {
      return {
        text: applyEdits(text, format.unset(reading, path)),
        tree: tree && modelUnset(tree, path),
      };
    }
    if (what === 1) return withComment(format, { text, tree }, pick);
    const value = valueFor(format, pick);
    const target = what === 2 || !path ? newPath(format, path, pick, allowed) : path;
    if (!target) return undefined;
    const next = applyEdits(text, format.set(reading, target, value, {}));
    return { text: next, tree: tree && modelSet(tree, target, value) };
  } catch {
    return undefined;
  }
}

function newPath(
  format: Format,
  path: PathElement[] | undefined,
  pick: Pick,
  allowed: (key: PathElement) => boolean,
): PathElement[] | undefined {
  const key = `new${pick(6)}`;
  if (format.name === "ini") return path ? [path[0]!, key] : undefined;
  if (format.name === "dotenv" || !path || path.length < 2) return allowed(key) ? [key] : undefined;
  return [...path.slice(0, -1), typeof path.at(-1) === "number" ? 1000 : key];
}

function valueFor(format: Format, pick: Pick): Tree {
  const text = `v${pick(1000)}`;
  if (FLAT.includes(format.name)) return text;
  const choices: Tree[] = [
    text,
    BigInt(pick(1000)),
    pick(2) === 0,
    TreeMap.of([["name", text]]),
    new TreeList([text, `w${pick(9)}`]),
    `${text}\nand more\n`,
  ];
  return choices[pick(choices.length)]!;
}

/** A comment on a line of its own, above some line. */
function withComment(format: Format, { text, tree }: Edited, pick: Pick): Edited | undefined {
  if (format.name === "json") return undefined;
  const lines = text.split(/(?<=\n)/);
  const at = pick(lines.length);
  const mark = { json5: "//", ini: ";" }[format.name as string] ?? "#";
  const next = lines.toSpliced(at, 0, `${mark} note${pick(9)}\n`).join("");
  const before = format.read(text);
  const after = format.read(next);
  // below a block scalar, it ends the empty lines that belong to that
  const values = ({ entries }: typeof before) =>
    entries.flatMap(({ kind, value }) => (kind === "comment" ? [] : [`${kind} ${typeof value} ${value}`]));
  if (values(before).join("\0") !== values(after).join("\0")) return undefined;
  if (after.entries.length !== before.entries.length + 1) return undefined;
  return { text: next, tree };
}

export function treeOf(format: Format, text: string): Tree | undefined {
  const { entries, documents } = format.read(text);
  return documents === 1 ? buildTrees(entries, 1)[0] : undefined;
}
