import { writeSync } from "node:fs";
import { EXIT_CODES } from "../errors.ts";
import { DirectOutput } from "./output.ts";
import { run } from "./run.ts";

/** How long what is still open may keep the program: the SDKs of some services do not let go of a proxy that is silent. */
const LINGER_MS = 3000;

const UNFINISHED = `tsops: ended before its work was done: it waited for something that never came
  this is a fault of tsops: look at what was written, and please report it with the command that you ran
`;

let usesStdin = false;
let stdout: DirectOutput | undefined;
let stderr: DirectOutput | undefined;

/** Each write is told of its own failure. */
function guarded(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on("error", () => undefined);
}

/** An executable that has its script inside says its own name where the script's would be. */
function startedBy(): readonly string[] {
  const { execPath, argv } = process;
  return argv[1] === execPath ? [execPath] : [execPath, argv[1]!];
}

// Node opens its debugger on this signal, in a process that holds secrets
if (process.platform !== "win32") process.on("SIGUSR1", () => undefined);

let settled = false;
// work that waits for what will never come leaves nothing to wait for, and the process would end as if all was done
process.on("exit", (code) => {
  if (settled || code !== 0) return;
  process.exitCode = EXIT_CODES.generic;
  try {
    writeSync(2, UNFINISHED);
  } catch {
    // an error here would keep those who come after from removing locks and plaintext
  }
});

/** Settled when the command has done all that it does. No top-level await: the program is bundled as a script. */
export const ended = run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  get program() {
    return startedBy();
  },
  // opening a stream costs time, and most commands need only one
  get stdin() {
    usesStdin = true;
    return process.stdin;
  },
  get stdout() {
    stdout ??= new DirectOutput(1, () => guarded(process.stdout));
    return stdout;
  },
  get stderr() {
    stderr ??= new DirectOutput(2, () => guarded(process.stderr));
    return stderr;
  },
}).then((code) => {
  settled = true;
  process.exitCode = code;
  // an answer that nobody waits for any more must not keep the program alive
  if (usesStdin) process.stdin.unref?.();
  // all output has been written by now
  setTimeout(() => process.exit(), LINGER_MS).unref();
});
