import { DirectOutput } from "./output.ts";
import { run } from "./run.ts";

/** How long what is still open may keep the program: the SDKs of some services do not let go of a proxy that is silent. */
const LINGER_MS = 3000;

let usesStdin = false;
let stdout: DirectOutput | undefined;
let stderr: DirectOutput | undefined;

/** A reader that went away (`tsops decrypt f | head -1`) is no fault of ours. */
function guarded(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return stream;
}

/** An executable that has its script inside says its own name where the script's would be. */
function startedBy(): readonly string[] {
  const { execPath, argv } = process;
  return argv[1] === execPath ? [execPath] : [execPath, argv[1]!];
}

// Node opens its debugger on this signal, in a process that holds secrets
if (process.platform !== "win32") process.on("SIGUSR1", () => undefined);

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
  process.exitCode = code;
  // an answer that nobody waits for any more must not keep the program alive
  if (usesStdin) process.stdin.unref?.();
  // all output has been written by now
  setTimeout(() => process.exit(), LINGER_MS).unref();
});
