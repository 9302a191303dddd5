import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { checkRoom, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { onWayOut } from "../files/wayout.ts";

/** How an agent gets into the background, and says that it is there. */

/** O_CLOEXEC of Linux, as /proc shows it. */
const CLOSE_ON_EXEC = 0o2000000;

/** The descriptor on which it says so. */
const REPORT = 3;
const READY = "ready\n";
const START_MS = 20_000;

/**
 * No core files, which would have its memory in them, and no variables at all: what this process has in its own may be
 * secrets, and /proc shows a process's first environment for as long as it lives.
 */
const BARE = 'ulimit -c 0; exec 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec /usr/bin/env -i "$@"';

/**
 * Starts a program that serves in the background: in a session of its own, in the root folder, without an environment,
 * input and output. Waits until it says that it listens.
 * @throws TsopsError("program-failed") with what it said.
 */
export async function startDetached(argv: readonly string[]): Promise<void> {
  await withRoom(() => checkRoom(12));
  const child = spawn("/bin/sh", ["-c", BARE, "sh", ...argv], {
    cwd: "/",
    env: {},
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  // one that nobody waits for any more is not to come up later
  const release = onWayOut(() => void child.kill());
  const said = await saidBy(child).finally(release);
  if (said !== READY) {
    child.kill();
    const [why, hint = "`tsops agent start --foreground` shows more"] = said.trim().split("\n");
    throw new TsopsError("program-failed", `the agent does not start: ${why || "it says nothing"}`, { hint });
  }
  child.unref();
}

/** Node's options that open a process to others, or write down what is in its memory. */
const WATCHES = /^--(inspect|heap|cpu-prof|prof|report|diagnostic|trace|abort)/;

/** What starts a program like this one: Node with its script, or an executable that has its script inside. */
export function programOf({
  execPath,
  execArgv,
  argv,
}: Pick<NodeJS.Process, "execPath" | "execArgv" | "argv">): string[] {
  const [, script = ""] = argv;
  // what Node and bun say of such an executable
  if (script === "" || script === execPath || script.startsWith("/$bunfs/")) return [execPath];
  return [execPath, ...execArgv.filter((word) => !WATCHES.test(word)), script];
}

/** All that it says until it closes the pipe, or hangs. */
async function saidBy(child: ChildProcess): Promise<string> {
  const pipe = child.stdio[REPORT] as Readable;
  let text = "";
  const ended = new Promise<void>((resolve) => {
    pipe.on("data", (chunk) => (text += chunk)).on("end", resolve);
    child.on("error", (error) => {
      text = error.message;
      resolve();
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, START_MS)));
  await Promise.race([ended, late]);
  clearTimeout(timer);
  pipe.destroy();
  return text;
}

/**
 * Closes what those who started the agent had open, a lock or a pipe of theirs: others wait until it is closed. Node's own
 * files are marked to be closed on exec, and what comes from other programs is not.
 */
export function closeInherited(): void {
  const folder = "/proc/self/fdinfo";
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const fd = Number(name);
    if (fd <= REPORT) continue;
    try {
      const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(join(folder, name), "latin1")) ?? [];
      if (flags !== "" && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) closeSync(fd);
    } catch {
      // it was the one that the folder was read by
    }
  }
}

/**
 * Leaves memory out of core files: a limit of their size means nothing where the system hands them to a program, as
 * many distributions do (core(5)).
 */
export function keepOutOfCoreFiles(): void {
  const filter = "/proc/self/coredump_filter";
  try {
    if (existsSync(filter)) writeFileSync(filter, "0");
  } catch {
    // the limit is still there
  }
}

/** Says to whoever started this process that it serves, or why not, and hangs up. */
export function report(failure?: TsopsError): void {
  try {
    // Node has numbers of its own where it was started by hand
    if (!fstatSync(REPORT).isSocket()) return;
    writeSync(REPORT, failure ? [failure.message, failure.hint].filter(Boolean).join("\n") : READY);
    closeSync(REPORT);
  } catch {
    // nobody listens any more
  }
}
