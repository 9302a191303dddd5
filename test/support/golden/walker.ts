import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case, CaseFolder, FileCheck, Step } from "./cases.ts";
import { sameContent } from "./content.ts";
import { persisting, shape } from "./masks.ts";
import { type Outcome, type Program, start, stop } from "./programs.ts";
import type { World } from "./world.ts";

export interface Options {
  readonly program: Program;
  /** The real SOPS. Without it, steps that are its own are left out. */
  readonly real?: Program;
  /**
   * Judges a program that keeps the text of a file as it is: what it encrypted it must decrypt to the very bytes; all
   * else must be equal in content, and layouts of encrypted files are not compared. Without it every byte counts.
   */
  readonly lossless: boolean;
}

/** Something that was not as expected, with the number of the step (from 1). */
export interface Failure {
  readonly step: number;
  readonly text: string;
}

/** How many outputs were equal to the byte, and how many in content only. */
export interface Tally {
  bytes: number;
  content: number;
}

/** Runs the steps of a case in folders of their own. @returns what was not as expected. */
export async function runCase(
  golden: CaseFolder,
  world: World,
  options: Options,
  tally: Tally,
): Promise<Failure[]> {
  const walk = new Walk(golden, world, options, tally);
  try {
    for (const [i, step] of golden.steps.entries()) await walk.step(step, i + 1);
  } finally {
    await walk.close();
  }
  return walk.failures;
}

class Walk {
  readonly failures: Failure[] = [];
  private readonly golden: CaseFolder;
  private readonly world: World;
  private readonly options: Options;
  private readonly tally: Tally;
  private readonly root: string;
  private readonly work: string;
  private readonly home: string;
  private readonly temp: string;
  private readonly placeholders: readonly (readonly [string, string])[];
  private readonly background: ChildProcess[] = [];
  /** Saved files that the program encrypted → the plaintext that it was given. */
  private readonly origins = new Map<string, string>();

  constructor(golden: CaseFolder, world: World, options: Options, tally: Tally) {
    this.golden = golden;
    this.world = world;
    this.options = options;
    this.tally = tally;
    this.root = mkdtempSync(join(world.root, "c"));
    this.work = join(this.root, "w");
    this.home = join(this.root, "h");
    this.temp = join(this.root, "t");
    mkdirSync(this.home);
    mkdirSync(this.temp);
    const input = join(golden.folder, "in");
    if (existsSync(input)) cpSync(input, this.work, { recursive: true });
    else mkdirSync(this.work);
    for (const [path, key] of Object.entries(golden.home ?? {})) this.addToHome(path, key);
    this.placeholders = [
      ["@W", this.work],
      ["@K", world.keys],
      ["@G", world.gpg],
      ["@N", world.noGpg],
      ["@T", this.temp],
      ["@H", this.home],
    ];
  }

  private addToHome(path: string, key: string): void {
    const target = join(this.home, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(this.world.keys, key), target);
    chmodSync(target, 0o600);
  }

  async close(): Promise<void> {
    for (const child of this.background) {
      child.kill("SIGTERM");
      await sleep(100);
      stop(child);
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  async step(step: Step, number: number): Promise<void> {
    const { real, program } = this.options;
    if (step.bin === "real" && !real) return;
    const runs = step.bin === "real" ? real! : program;
    const argv = step.argv.map((argument) => this.filledIn(argument));
    const env = this.environment(step);
    if (step.bg) return await this.startInBackground(runs, argv, env, step);
    const outcome = await runs.call({
      argv,
      cwd: join(this.work, step.cwd ?? ""),
      env,
      stdin: this.stdin(step),
    });
    if (step.save !== undefined) this.save(step, step.save, outcome);
    this.judge(step, number, outcome);
  }

  private filledIn(text: string): string {
    let result = text.replaceAll("@BIN", this.options.program.path);
    for (const [placeholder, path] of this.placeholders) result = result.replaceAll(placeholder, path);
    return result;
  }

  /** A text of the program with the folders of this run turned into placeholders again. */
  private masked(text: string): string {
    for (const [placeholder, path] of this.placeholders) text = text.replaceAll(path, placeholder);
    return text;
  }

  private environment(step: Step): Record<string, string> {
    const env: Record<string, string> = {
      PATH: process.env.PATH ?? "",
      HOME: this.home,
      TMPDIR: this.temp,
      LANG: "C.UTF-8",
      GNUPGHOME: this.world.noGpg,
      SOPS_DISABLE_VERSION_CHECK: "1",
    };
    for (const [name, value] of Object.entries({ ...this.golden.env, ...step.env })) {
      if (value === null) delete env[name];
      else env[name] = this.filledIn(value);
    }
    return env;
  }

  private stdin(step: Step): Buffer {
    if (step.stdin_file !== undefined) return readFileSync(join(this.work, step.stdin_file));
    return Buffer.from(this.filledIn(step.stdin ?? ""));
  }

  private async startInBackground(runs: Program, argv: string[], env: Record<string, string>, step: Step) {
    const child = start(runs.path, argv, { cwd: this.work, env, stdio: "ignore" });
    this.background.push(child);
    const sign = this.filledIn(step.wait ?? "");
    for (let i = 0; i < 6000 && !existsSync(sign) && child.exitCode === null; i++) await sleep(50);
  }

  private save(step: Step, name: string, { code, stdout }: Outcome): void {
    writeFileSync(join(this.work, name), stdout, "latin1");
    const plain = this.read(step.argv.at(-1)!);
    if (
      step.bin === "real" ||
      code !== 0 ||
      converts(step) ||
      step.argv[0] !== "encrypt" ||
      plain === undefined
    )
      return;
    this.origins.set(name, plain);
  }

  /** The bytes of a file in the work folder. */
  private read(path: string): string | undefined {
    try {
      return readFileSync(join(this.work, path), "latin1");
    } catch {
      return undefined;
    }
  }

  private expected(name: string): string {
    try {
      return readFileSync(join(this.golden.folder, "exp", name), "latin1");
    } catch {
      return ""; // empty outputs have no file
    }
  }

  private judge(step: Step, number: number, outcome: Outcome): void {
    const stdout = this.masked(outcome.stdout);
    const { alt, rc: wanted } = step;
    if (alt && outcome.code === alt.rc && this.same(stdout, Buffer.from(alt.stdout).toString("latin1")))
      return;
    const fail = (text: string): void => {
      const who = step.bin === "real" ? "the real SOPS: " : "";
      this.failures.push({
        step: number,
        text: `step ${number}, ${who}${step.argv.join(" ").slice(0, 80)}: ${text}`,
      });
    };
    const right = wanted === "nonzero" ? outcome.code !== 0 : outcome.code === wanted;
    if (!right) fail(`exit ${outcome.code}, expected ${wanted}${indented(this.masked(outcome.stderr))}`);
    this.judgeStdout(step, outcome, this.expected(`${number}.stdout`), fail);
    for (const check of step.files ?? []) this.judgeFile(check, number, fail);
  }

  private judgeStdout(step: Step, outcome: Outcome, want: string, fail: (text: string) => void): void {
    const stdout = this.masked(outcome.stdout);
    const origin = this.options.lossless && outcome.code === 0 ? this.originOf(step) : undefined;
    if (origin !== undefined) {
      if (outcome.stdout !== origin)
        fail(`not the bytes that were encrypted${difference(outcome.stdout, origin)}`);
    } else if ((step.stdout ?? "exact") === "exact") {
      if (!this.same(stdout, want)) fail(`stdout differs${difference(stdout, want)}`);
    } else if (step.stdout === "enc" && !this.options.lossless && shape(outcome.stdout) !== shape(want)) {
      fail(`the encrypted document differs${difference(shape(outcome.stdout), shape(want))}`);
    }
  }

  /** The plaintext of what a step decrypts, where it is all to come back. */
  private originOf(step: Step): string | undefined {
    if (
      step.bin === "real" ||
      step.argv[0] !== "decrypt" ||
      converts(step) ||
      step.argv.includes("--extract")
    )
      return undefined;
    return this.origins.get(step.argv.at(-1)!);
  }

  private judgeFile(check: FileCheck, number: number, fail: (text: string) => void): void {
    const { path } = check;
    const got = this.read(path);
    if (check.mode === "absent") {
      if ((got === undefined) !== check.expect)
        fail(`${path} ${got === undefined ? "is not there" : "is there"}`);
      return;
    }
    if (got === undefined) {
      fail(`there is no file ${path}`);
    } else if (check.mode === "persist") {
      const kept = persisting(this.read(check.base) ?? "", got);
      if (kept.join() !== check.expect.join()) {
        fail(
          `${path} keeps the ciphertexts ${kept.join(" ") || "none"}, expected ${check.expect.join(" ") || "none"}`,
        );
      }
    } else {
      this.judgeDocument(
        check,
        this.masked(got),
        this.masked(this.expected(`${number}.file.${path.replaceAll("/", "_")}`)),
        fail,
      );
    }
  }

  private judgeDocument(
    { path, mode }: FileCheck,
    got: string,
    want: string,
    fail: (text: string) => void,
  ): void {
    if (mode === "exact") {
      if (!this.same(got, want)) fail(`${path} differs${difference(got, want)}`);
    } else if (!this.options.lossless && shape(got) !== shape(want)) {
      fail(`the encrypted document ${path} differs${difference(shape(got), shape(want))}`);
    }
  }

  private same(got: string, want: string): boolean {
    if (got === want) {
      this.tally.bytes++;
      return true;
    }
    if (!this.options.lossless || !sameContent(got, want)) return false;
    this.tally.content++;
    return true;
  }
}

const converts = (step: Step): boolean => step.argv.some((argument) => argument.endsWith("-type"));

/** Where two texts part, for the eye. The cases hold no secrets. */
function difference(got: string, want: string): string {
  let at = 0;
  while (at < got.length && got[at] === want[at]) at++;
  const from = Math.max(0, got.lastIndexOf("\n", at - 1) + 1, at - 60);
  const excerpt = (text: string): string => JSON.stringify(text.slice(from, from + 160));
  return `\n      got  ${excerpt(got)}\n      want ${excerpt(want)}`;
}

const indented = (text: string): string =>
  text.trim() && `\n      ${text.trim().replaceAll("\n", "\n      ")}`;

/** Whether a case can run at all. */
export function needsReal(golden: Case): boolean {
  return golden.needs_real === true;
}
