import { fstatSync, statSync, writeSync } from "node:fs";
import { errorCode, outputError } from "../files/errors.ts";
import type { Output } from "./io.ts";

const STDERR = 2;

/**
 * Standard output or error. Opening the runtime's stream for it loads what terminals and sockets need, which takes longer
 * than decrypting a small file. So files and pipes are written to by their descriptor; writing waits for whoever reads a
 * pipe, as the streams of Node do. A terminal gets the stream, and so does a pipe that somebody has told not to wait, once
 * it is full.
 */
export class DirectOutput implements Output {
  private readonly fd: number;
  private readonly open: () => Output;
  private stream: Output | undefined;

  constructor(fd: number, open: () => Output) {
    this.fd = fd;
    this.open = open;
    if (process.platform === "win32" || mayBeTerminal(fd)) this.stream = open();
  }

  get isTTY(): boolean {
    return this.stream?.isTTY === true;
  }

  get columns(): number | undefined {
    return this.stream?.columns;
  }

  write(data: string | Uint8Array, done: (error?: Error | null) => void): void {
    this.hand(data, (error) => done(error && this.meaningOf(error)));
  }

  /** A reader that went away (`tsops decrypt f | head -1`) is no fault of ours. */
  private meaningOf(error: Error): Error | null {
    if (errorCode(error) === "EPIPE") return null;
    return outputError(error, this.fd === STDERR ? "standard error" : "standard output");
  }

  private hand(data: string | Uint8Array, done: (error?: Error | null) => void): void {
    let rest: Uint8Array = typeof data === "string" ? Buffer.from(data) : data;
    let failure: Error | undefined;
    try {
      while (!this.stream && rest.length > 0) rest = rest.subarray(writeSync(this.fd, rest));
    } catch (error) {
      if (errorCode(error) === "EAGAIN") this.stream = this.open();
      else failure = error as Error;
    }
    if (this.stream) this.stream.write(rest, done);
    else done(failure);
  }
}

/** Of devices, only the one that swallows everything is known to be none. */
function mayBeTerminal(fd: number): boolean {
  try {
    const info = fstatSync(fd);
    return info.isCharacterDevice() && info.rdev !== statSync("/dev/null").rdev;
  } catch {
    return true;
  }
}
