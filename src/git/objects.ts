import type { ChildProcess } from "node:child_process";
import { TsopsError } from "../errors.ts";
import { cannotStart, end, start } from "../programs/run.ts";
import type { Repository } from "./repository.ts";

/** One object of a repository. */
export interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly bytes: Buffer;
}

interface Waiting {
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: TsopsError) => void;
}

/**
 * Reads objects through one `git cat-file --batch`, which starts with the first one. Answers come in the order of the
 * questions, so many may be asked at once.
 */
export class Objects {
  private readonly repository: Pick<Repository, "git">;
  private child: ChildProcess | undefined;
  private readonly waiting: Waiting[] = [];
  private chunks: Buffer[] = [];
  private size = 0;
  /** Bytes that have to be there before it is worth looking again. */
  private needed = 1;
  private failure: TsopsError | undefined;

  constructor(repository: Pick<Repository, "git">) {
    this.repository = repository;
  }

  /**
   * @param name an object's id, or anything else that names one, such as `HEAD:folder/file`.
   * @returns undefined if there is no such object here.
   * @throws TsopsError("git") if git cannot be asked, or ends before it answered.
   */
  async read(name: string): Promise<GitObject | undefined> {
    if (this.failure) throw this.failure;
    // one question is one line
    if (/[\n\0]/.test(name))
      throw new TsopsError("git", "git cannot be asked for a name with a line break in it");
    this.child ??= this.launch();
    return await new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child?.stdin?.write(`${name}\n`);
    });
  }

  close(): void {
    if (this.child) end(this.child);
    this.fail(new TsopsError("git", "git cat-file was closed"));
  }

  private launch(): ChildProcess {
    const { program, before, env } = this.repository.git;
    const child = start({ argv: [program, ...before, "cat-file", "--batch"], env });
    let errors = "";
    child.stdout?.on("data", (chunk: Buffer) => this.take(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      if (errors.length < 1000) errors += chunk;
    });
    child.stdin?.on("error", () => undefined);
    child.on("error", (error) => this.fail(cannotStart("git", error)));
    child.on("close", () => {
      this.fail(
        new TsopsError("git", `git cat-file ended: ${errors.split("\n", 1)[0] || "no reason given"}`),
      );
    });
    return child;
  }

  private fail(error: TsopsError): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }

  private take(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    while (this.size >= this.needed && this.waiting.length > 0) {
      const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.size);
      const used = this.answer(all);
      const rest = all.subarray(used);
      this.chunks = rest.length === 0 ? [] : [rest];
      this.size = rest.length;
      if (used === 0) return;
    }
  }

  /** @returns how many bytes of the answer were used; 0 if it is not there as a whole yet. */
  private answer(all: Buffer): number {
    const line = all.indexOf("\n");
    if (line < 0) {
      this.needed = all.length + 1;
      return 0;
    }
    const [, id = "", type = "", size = ""] =
      /^(\S+) (\S+) (\d+)$/.exec(all.toString("latin1", 0, line)) ?? [];
    if (id === "") {
      this.needed = 1;
      this.waiting.shift()?.resolve(undefined);
      return line + 1;
    }
    const stop = line + 1 + Number(size);
    if (all.length < stop + 1) {
      this.needed = stop + 1;
      return 0;
    }
    this.needed = 1;
    this.waiting.shift()?.resolve({ id, type, bytes: Buffer.from(all.subarray(line + 1, stop)) });
    return stop + 1;
  }
}
