import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { argvOf } from "./program.ts";

/** Programs of others, run twice: with the real SOPS as the `sops` on PATH, and with a link of that name to tsops. */

export const SIDES = ["sops", "tsops"] as const;
export type Side = (typeof SIDES)[number];

/** Where scripts/callers.mjs installed something. @throws if the tests were not started by scripts/test.mjs. */
export function installed(variable: string): string {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: run npm run test:callers`);
  return path;
}

const keys = new URL("../../fixtures/golden/keys/", import.meta.url).pathname;
export const RECIPIENT = readFileSync(join(keys, "age1.pub"), "utf8").trim();
export const IDENTITY_FILE = join(keys, "age1.txt");
export const IDENTITY = readFileSync(IDENTITY_FILE, "utf8")
  .split("\n")
  .find((line) => line.startsWith("AGE-SECRET-KEY-"))!;

const root = mkdtempSync(join(tmpdir(), "tsops-programs-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** As people do it. */
function installShim(folder: string): void {
  const [program, ...first] = argvOf(installed("TSOPS"));
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stderr } = spawnSync(program, [...first, "install-shim", folder], {
    env,
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
}

/** A project of its own for one test, with a `.sops.yaml`, and `sops` on its PATH. */
export class Project {
  readonly folder = join(root, `p${folders++}`);
  readonly env: Record<string, string | undefined>;

  constructor(side: Side) {
    const bin = join(this.folder, "bin");
    const home = join(this.folder, "home");
    for (const folder of [bin, home]) mkdirSync(folder, { recursive: true });
    if (side === "sops") symlinkSync(installed("REAL_SOPS"), join(bin, "sops"));
    else installShim(bin);
    this.env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: home,
      LANG: "C.UTF-8",
      SOPS_AGE_KEY_FILE: IDENTITY_FILE,
      SOPS_DISABLE_VERSION_CHECK: "true",
    };
    this.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  run(argv: readonly string[], input = "", env: Record<string, string> = {}): SpawnSyncReturns<string> {
    const [program = "", ...args] = argv;
    const options = { cwd: this.folder, env: { ...this.env, ...env }, input, encoding: "utf8" } as const;
    return spawnSync(program, args, { ...options, timeout: 300_000 });
  }

  /** What it prints. @throws if its exit code is another than 0. */
  out(argv: readonly string[], input?: string, env?: Record<string, string>): string {
    const { status, stdout, stderr, error } = this.run(argv, input, env);
    assert.is(status, 0, `${argv.join(" ")}: ${error ?? ""}${stderr}${stdout}`);
    return stdout;
  }
}
