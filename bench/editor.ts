import { execFileSync } from "node:child_process";
import { type Command, cpuSeconds } from "./measure.ts";
import type { Line } from "./report.ts";

/** Where the editor's program is, and encrypted files of 10 and of 100,000 values. */
export interface EditorFiles {
  readonly launcher: string;
  readonly small: string;
  readonly large: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const ROUNDS = 3;
const KEYS = 30;
/** A key is to be answered before anybody notices: seconds of CPU at 80×24. */
const KEY_SECONDS = 0.03;

/**
 * Opens the editor in a terminal, and prints its CPU seconds when a value is on the screen that is decrypted, for each of
 * some keys that move, and for each of some that delete an entry and take that back. Python makes the terminal; /proc has
 * the times.
 */
const DRIVER = `
import fcntl, json, os, pty, select, struct, sys, termios, time
argv, keys = json.loads(sys.argv[1]), int(sys.argv[2])
pid, fd = pty.fork()
if pid == 0: os.execvp(argv[0], argv)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
def cpu():
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
def quiet(seconds):
    while select.select([fd], [], [], seconds)[0]: os.read(fd, 65536)
def idle():
    quiet(0.1)
    last = -1
    while last != (last := cpu()): quiet(0.1)
seen = b""
while "characters".encode() not in seen: seen += os.read(fd, 65536)
shown, key, change = cpu(), 0, 0
def each(pressed):
    before = cpu()
    for one in pressed:
        os.write(fd, one)
        idle()
    return (cpu() - before) / len(pressed)
if keys:
    quiet(2)
    key = each([b"\\x1b[6~" if i % 5 == 4 else b"j" for i in range(keys)])
    change = each([b"d", b"u"] * (keys // 2))
os.write(fd, b"q")
try:
    while os.read(fd, 65536): pass
except OSError: pass
os.waitpid(pid, 0)
print(json.dumps([shown, key, change]))
`;

/** What the first screen of a file and a key cost, against node itself, decrypting, and what nobody notices. */
export function measureEditor({ launcher, small, large, cwd, env }: EditorFiles): Line[] {
  const decrypt: Command = { argv: [process.execPath, launcher, "decrypt", large], cwd, env };
  const node: Command = { argv: [process.execPath, "-e", "0"], env };
  const times = {
    first: [] as number[],
    node: [] as number[],
    large: [] as number[],
    decrypt: [] as number[],
    key: [] as number[],
    change: [] as number[],
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const [first] = opened(launcher, small, { cwd, env, keys: 0 });
    const [all, key, change] = opened(launcher, large, { cwd, env, keys: round === 0 ? 0 : KEYS });
    const others = { node: cpuSeconds(node), decrypt: cpuSeconds(decrypt) };
    // the first round reads files and caches in
    if (round === 0) continue;
    for (const [name, value] of Object.entries({ ...others, first, large: all, key, change }))
      times[name as keyof typeof times].push(value);
  }
  const of = (name: keyof typeof times): number => times[name].sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  return [
    {
      what: "the editor's first screen, 10 values",
      against: "`node -e 0`",
      ours: of("first"),
      theirs: of("node"),
      target: 3.5,
    },
    {
      what: "the editor's first screen, 100,000 values",
      against: "`tsops decrypt`",
      ours: of("large"),
      theirs: of("decrypt"),
      target: 1.5,
    },
    {
      what: "a key in the editor, 100,000 values, 80×24",
      against: "30 ms",
      ours: of("key"),
      theirs: KEY_SECONDS,
      target: 1,
    },
    {
      what: "deleting an entry of 100,000 in the editor, or taking that back",
      against: "30 ms",
      ours: of("change"),
      theirs: KEY_SECONDS,
      target: 2.5,
    },
  ];
}

function opened(
  launcher: string,
  file: string,
  { cwd, env, keys }: Pick<EditorFiles, "cwd" | "env"> & { keys: number },
): [shown: number, key: number, change: number] {
  const argv = [process.execPath, launcher, "edit", "--tui", file];
  const output = execFileSync("python3", ["-c", DRIVER, JSON.stringify(argv), String(keys)], {
    cwd,
    env: { ...process.env, ...env, TERM: "xterm" },
    encoding: "utf8",
  });
  return JSON.parse(output);
}
