import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { scratchFolder } from "./scripts.ts";

/* What `npm run release:dry` has made. */

export const ROOT = new URL("../..", import.meta.url).pathname;
export const RELEASE = join(ROOT, "build", "release");
export const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
};

/** The checksum of each file, by name. */
export const SUMS: ReadonlyMap<string, string> = new Map(
  readFileSync(join(RELEASE, "SHA256SUMS"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("  ").reverse() as [string, string]),
);

/** The path of the only file whose name ends so. */
export function released(end: string): string {
  const found = [...SUMS.keys()].filter((name) => name.endsWith(end));
  if (found.length !== 1) throw new Error(`of files that end with ${end} there are ${found.length}`);
  return join(RELEASE, found[0]!);
}

export const run = (argv: readonly [string, ...string[]], cwd = ROOT): string =>
  execFileSync(argv[0], argv.slice(1), { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });

/** For what only root may do, in a folder of the test. Whoever is not root has to be allowed to use sudo. */
export const asRoot = (argv: readonly [string, ...string[]]): string =>
  process.getuid?.() === 0 ? run(argv) : run(["sudo", "--non-interactive", ...argv]);

/** A new folder with what an archive holds; the folder in it has the archive's name. */
export function unpacked(target: string): string {
  const folder = scratchFolder();
  run(["tar", "-xzf", released(`-${target}.tar.gz`), "-C", folder]);
  return join(folder, `${MANIFEST.name}-${MANIFEST.version}-${target}`);
}

/** Decrypts a golden file with an executable, in an environment that has nothing else. @returns the plaintext. */
export function decrypts(program: string): string {
  const golden = join(ROOT, "fixtures", "golden");
  const env = { SOPS_AGE_KEY_FILE: join(golden, "keys", "age1.txt"), HOME: scratchFolder() };
  const file = join(golden, "keys-age-two", "in", "golden.enc.yaml");
  return execFileSync(program, ["decrypt", file], { env, encoding: "utf8" });
}

export const PLAINTEXT = "a: secret\nb: 1\n";
