import { type Io, type Output, partOf, write } from "./io.ts";

/**
 * What is said of files that are worked on side by side: the lines of each file stand together, and files in their order.
 */
export class Together {
  private readonly io: Io;
  private readonly said = new Map<number, Said[]>();
  private readonly done = new Set<number>();
  private next = 0;
  private writing: Promise<void> = Promise.resolve();

  constructor(io: Io) {
    this.io = io;
  }

  /** Where the file of this number says what there is to say. */
  part(index: number): Io {
    const said: Said[] = [];
    this.said.set(index, said);
    const keep = (output: Said["output"]): Output => {
      const { isTTY, columns } = this.io[output];
      const take = (data: Said["data"], taken: () => void): boolean => {
        said.push({ output, data });
        taken();
        return true;
      };
      return { isTTY, columns, write: take };
    };
    return partOf(this.io, { stdout: keep("stdout"), stderr: keep("stderr") });
  }

  /** Says what there is of this file, and of those behind it that waited, unless one before it is not done yet. */
  end(index: number): Promise<void> {
    this.done.add(index);
    this.writing = this.writing.then(async () => {
      for (; this.done.has(this.next); this.next++) {
        for (const { output, data } of this.said.get(this.next)!) await write(this.io[output], data);
        this.said.delete(this.next);
      }
    });
    return this.writing;
  }
}

interface Said {
  readonly output: "stdout" | "stderr";
  readonly data: string | Uint8Array;
}
