import type { ChildProcess } from "node:child_process";
import { TsopsError } from "../errors.ts";
import { MAX_TEXT_BYTES } from "../formats/text.ts";
import { cannotStart, end, start } from "../programs/run.ts";
import { gitFailed, type Repository } from "./repository.ts";

/** One object of a repository. */
export interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** What nobody reads, since it can be no file of ours. */
export class TooLarge extends TsopsError {
  constructor(message: string) {
    super("read", message, { hint: "a file of secrets is smaller" });
  }
}

interface Waiting {
  readonly name: string;
  readonly limit: number;
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: unknown) => void;
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
  /** Bytes of an object that is too large, which are still to come. */
  private unwanted = 0;
  private closed = false;

  constructor(repository: Pick<Repository, "git">) {
    this.repository = repository;
  }

  /**
   * @param name an object's id, or anything else that names one, such as `HEAD:folder/file`.
   * @param limit the bytes of a larger object are not kept, so that memory does not depend on what is in a repository.
   * @returns undefined if there is no such object here.
   * @throws TsopsError("git") if git cannot be asked, or ends before it answered, as at a damaged object; TooLarge.
   */
  async read(name: string, limit = MAX_TEXT_BYTES): Promise<GitObject | undefined> {
    if (this.closed) throw new TsopsError("git", "git cat-file was closed");
    // one question is one line
    if (/[\n\0]/.test(name))
      throw new TsopsError("git", "git cannot be asked for a name with a line break in it");
    return await new Promise((resolve, reject) => this.ask({ name, limit, resolve, reject }));
  }

  close(): void {
    this.closed = true;
    const { child } = this;
    for (const { reject } of this.forget()) reject(new TsopsError("git", "git cat-file was closed"));
    if (child) end(child);
  }

  private ask(question: Waiting): void {
    try {
      this.child ??= this.launch();
    } catch (error) {
      question.reject(error);
      return;
    }
    this.waiting.push(question);
    this.child.stdin?.write(`${question.name}\n`);
  }

  private launch(): ChildProcess {
    const { program, before, env } = this.repository.git;
    const child = start({ argv: [program, ...before, "cat-file", "--batch"], env });
    let errors = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      if (child === this.child) this.take(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      if (errors.length < 1000) errors += chunk;
    });
    child.stdin?.on("error", () => undefined);
    child.on("error", (error) => {
      for (const { reject } of this.forget()) reject(cannotStart("git", error));
    });
    child.on("close", () => {
      if (child === this.child) this.goOn(gitFailed("git cat-file ended", errors));
    });
    return child;
  }

  /** git ends at an object that it cannot read: just that question fails, and those behind it are asked anew. */
  private goOn(error: TsopsError): void {
    const [first, ...others] = this.forget();
    first?.reject(error);
    for (const question of others) this.ask(question);
  }

  /** Lets go of the process, and of what came from it. @returns what was not answered */
  private forget(): Waiting[] {
    this.child = undefined;
    this.chunks = [];
    this.size = 0;
    this.needed = 1;
    this.unwanted = 0;
    return this.waiting.splice(0);
  }

  private take(bytes: Buffer): void {
    const chunk = bytes.subarray(this.unwanted);
    this.unwanted -= bytes.length - chunk.length;
    if (chunk.length === 0) return;
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
    if (Number(size) > (this.waiting[0]?.limit ?? 0)) {
      const used = Math.min(all.length, stop + 1);
      this.unwanted = stop + 1 - used;
      this.needed = 1;
      this.waiting
        .shift()
        ?.reject(
          new TooLarge(`the object ${id} is too large to be read: ${Math.ceil(Number(size) / 2 ** 20)} MiB`),
        );
      return used;
    }
    if (all.length < stop + 1) {
      this.needed = stop + 1;
      return 0;
    }
    this.needed = 1;
    this.waiting.shift()?.resolve({ id, type, bytes: Buffer.from(all.subarray(line + 1, stop)) });
    return stop + 1;
  }
}
