import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

/**
 * The house stands as docs/architecture.md draws it: no file imports another that imports it, by whatever way, types and
 * modules that are loaded later included; and rooms import only from the floors below them.
 */
const FLOORS: readonly (readonly string[])[] = [
  [
    "descriptors.ts",
    "duration.ts",
    "errors.ts",
    "home.ts",
    "nearest.ts",
    "printable.ts",
    "sequences.ts",
    "signals.ts",
  ],
  ["formats", "programs"],
  ["files", "git", "net", "sops"],
  ["compare", "exec", "keys", "merge", "recognize.ts"],
  ["agent", "config", "document.ts", "editor", "keyservice"],
  ["check", "merged.ts", "rule-check.ts", "save.ts"],
  ["merge-files.ts", "publish", "ui"],
  ["cli", "index.ts"],
];

const files = (readdirSync("src", { recursive: true }) as string[])
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts"));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const text = readFileSync(`src/${file}`, "utf8");
  const found = text.matchAll(
    /^(?:import|export)\b[^;"]*?\bfrom "(\.[^"]+)";|\bimport\(\s*"(\.[^"]+)"\s*\)/gm,
  );
  return [...found].map(([, first, second]) => posix.join(posix.dirname(file), first ?? second!));
}

const roomOf = (file: string): string => file.split("/")[0]!;
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));

/** A way from a file back to itself; undefined if there is none. */
function circleFrom(start: string, done: Set<string>): string[] | undefined {
  const way: string[] = [];
  const walk = (file: string): string[] | undefined => {
    const at = way.indexOf(file);
    if (at >= 0) return [...way.slice(at), file];
    if (done.has(file)) return undefined;
    way.push(file);
    for (const next of imports.get(file) ?? []) {
      const circle = walk(next);
      if (circle) return circle;
    }
    way.pop();
    done.add(file);
    return undefined;
  };
  return walk(start);
}

test("the imports are read, and lead to files that are there", () => {
  assert.ok(files.length > 300);
  assert.ok(imports.get("index.ts")!.includes("save.ts"));
  for (const [file, found] of imports)
    for (const name of found) assert.ok(imports.has(name), `${file} → ${name}`);
});

test("no import circle", () => {
  const done = new Set<string>();
  for (const file of files) assert.is(circleFrom(file, done)?.join(" → "), undefined);
});

test("every room has a floor, and imports only from below", () => {
  for (const [file, found] of imports) {
    assert.ok(floorOf(file) >= 0, `${file} is on no floor`);
    for (const name of found) {
      if (roomOf(name) !== roomOf(file))
        assert.ok(floorOf(name) < floorOf(file), `${file} imports ${name} from the same floor or one above`);
    }
  }
});

test.run();
