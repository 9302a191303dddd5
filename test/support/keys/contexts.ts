import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { TABLE_OF_KINDS } from "../../../src/keys/context.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";

export const GOLDEN = new URL("../../../fixtures/golden/", import.meta.url).pathname;

export function goldenKey(name: string): string {
  return readFileSync(join(GOLDEN, "keys", name), "utf8");
}

const folders: string[] = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with nothing in it, removed when the tests end. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tsops-keys-"));
  folders.push(folder);
  return folder;
}

/** A context that finds nothing in the process's own environment but PATH. */
export function contextWith(
  env: Record<string, string | undefined> = {},
  more: Partial<KeyContext> = {},
): KeyContext {
  return {
    env: { PATH: process.env.PATH, ...env },
    home: emptyFolder(),
    now: () => new Date("2025-01-02T03:04:05.678Z"),
    warn: () => undefined,
    kinds: TABLE_OF_KINDS,
    cache: new Map(),
    ...more,
  };
}

function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return new TreeList(value.map(treeOf));
  if (typeof value === "object" && value !== null) {
    return TreeMap.of(Object.entries(value).map(([key, item]) => [key, treeOf(item)]));
  }
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  return value as Tree;
}

/** Undoes the flattening of dotenv and INI, for metadata that is known to be sound. */
function unflatten(pairs: Iterable<[string, string]>): TreeMap {
  const root = new TreeMap();
  for (const [name, value] of pairs) {
    let node: TreeMap | TreeList = root;
    const steps = name.split(/(?=__(?:map|list)_)/);
    const keys = steps.map((step) => step.replace(/^__(map|list)_/, ""));
    keys.forEach((key, i) => {
      const next = steps[i + 1];
      const holder = next?.startsWith("__list_") ? new TreeList() : new TreeMap();
      const leaf: Tree = next === undefined ? value.replaceAll("\\n", "\n") : holder;
      if (node instanceof TreeMap) {
        const found = node.get(key);
        if (found === undefined) node.items.push({ key, value: leaf });
        node = (found ?? leaf) as TreeMap;
      } else {
        node.items[Number(key)] ??= leaf;
        node = node.items[Number(key)] as TreeMap;
      }
    });
  }
  return root;
}

/** The `sops` metadata of an encrypted golden file, read with other libraries than the program's own. */
export function sopsTreeOf(path: string): TreeMap {
  const text = readFileSync(path, "latin1");
  if (path.endsWith(".env")) {
    const lines = text.split("\n").filter((line) => line.startsWith("sops_"));
    return unflatten(
      lines.map((line) => [line.slice(5, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }
  if (path.endsWith(".ini")) {
    const section = text.slice(text.indexOf("[sops]")).split("\n").slice(1);
    return unflatten(
      section.flatMap((line): [string, string][] => {
        const [, key, value] = /^(\S+)\s*=\s(.*)$/.exec(line) ?? [];
        return key === undefined ? [] : [[key, value!.replace(/^`(.*)`$|^"""(.*)"""$/s, "$1$2")]];
      }),
    );
  }
  const document: unknown = path.endsWith(".yaml") ? parse(text.split(/^---$/m)[0]!) : JSON.parse(text);
  return treeOf((document as { sops: unknown }).sops) as TreeMap;
}
