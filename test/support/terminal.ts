import { spawn, spawnSync } from "node:child_process";
import { PROGRAM } from "./program.ts";

/** Python makes the terminals; without it these tests are left out. */
export const hasTerminals = process.platform !== "win32" && spawnSync("python3", ["-V"]).status === 0;

/** What a person does: waits until a text is there (that came since the last wait), or types one. */
export type Step = { readonly until: string } | { readonly type: string };

export interface Shown {
  /** Everything that the terminal showed, with its control characters. */
  readonly text: string;
  readonly code: number;
  /** The lines that a shell would have run afterwards. */
  readonly leftForShell: readonly string[];
}

/** Behind the program, a shell reads what it left: each line would be a command. */
const SHELL = `trap : INT
"$@"
echo "exit code $?"
while IFS= read -r line; do [ "$line" = "that is all" ] && break; echo "for the shell <$line>"; done
echo over`;

const DRIVER = `
import json, os, pty, sys
argv, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0: os.execvp(argv[0], argv)
seen, looked = b"", 0
def until(text):
    global seen, looked
    while True:
        at = seen.find(text, looked)
        if at >= 0:
            looked = at + len(text)
            return
        try: more = os.read(fd, 4096)
        except OSError: more = b""
        if not more: break
        seen += more
    sys.stdout.buffer.write(seen)
    sys.exit("the terminal never showed " + repr(text))
for step in steps:
    if "until" in step: until(step["until"].encode())
    else: os.write(fd, step["type"].encode())
until(b"exit code ")
until(b"\\n")
os.write(fd, b"that is all\\n")
until(b"over")
sys.stdout.buffer.write(seen)
`;

export interface Where {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What runs, if it is not the command line from its sources. */
  readonly program?: readonly string[];
}

/** Runs the command line in a terminal of its own. */
export async function inTerminal(
  argv: readonly string[],
  steps: readonly Step[],
  { env, cwd, program = PROGRAM }: Where,
): Promise<Shown> {
  const command = ["sh", "-c", SHELL, "sh", ...program, ...argv];
  const child = spawn("python3", ["-c", DRIVER, JSON.stringify(command), JSON.stringify(steps)], {
    cwd,
    // colours are tried elsewhere
    env: { NO_COLOR: "1", ...env, TERM: "xterm" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [text, errors] = ["", ""];
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0) throw new Error(`${errors}\n${text}`);
  return {
    text,
    code: Number(/exit code (\d+)/.exec(text)?.[1]),
    leftForShell: [...text.matchAll(/for the shell <(.*)>/g)].map(([, line]) => line!),
  };
}
