import { run } from "./run.ts";

let usesStdin = false;

// a reader that went away (`tsops decrypt f | head -1`) is no fault of ours
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

// Node opens its debugger on this signal, in a process that holds secrets
if (process.platform !== "win32") process.on("SIGUSR1", () => undefined);

// no top-level await: the program is bundled as a script, which starts faster than a module
void run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  // opening it costs time that most commands need not spend
  get stdin() {
    usesStdin = true;
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
}).then((code) => {
  process.exitCode = code;
  // an answer that nobody waits for any more must not keep the program alive
  if (usesStdin) process.stdin.unref?.();
});
