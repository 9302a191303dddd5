// Runs the built program as a reader of the documentation would, and shows what it prints: for the demo and the README.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Gives `show` an empty folder, with a home beside it, and removes both. Builds the program if it is missing. */
export function inEmptyFolder(show) {
  if (!existsSync(join(root, "dist", "program.cjs")))
    execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: "inherit" });
  const both = mkdtempSync(join(tmpdir(), "tsops-shown-"));
  const folder = join(both, "work");
  try {
    mkdirSync(folder);
    mkdirSync(homeOf(folder));
    mkdirSync(binOf(folder));
    const program = join(binOf(folder), "tsops");
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "bin", "tsops.js")}" "$@"\n`);
    chmodSync(program, 0o755);
    return show(folder);
  } finally {
    rmSync(both, { recursive: true, force: true });
  }
}

const homeOf = (folder) => join(folder, "..", "home");
/** Where git finds tsops. */
const binOf = (folder) => join(folder, "..", "bin");

/** Runs the built program: its standard output. Any exit code but 0 is an error. */
export function tsops(folder, ...argv) {
  return run(folder, process.execPath, [join(root, "bin", "tsops.js"), ...argv]).stdout;
}

/** What a terminal shows of the built program: both outputs as they come, and the home as people write it. */
export function shownOf(folder, ...argv) {
  const own = [process.execPath, join(root, "bin", "tsops.js"), ...argv];
  const { stdout } = run(folder, "sh", ["-c", 'exec "$@" 2>&1', "sh", ...own]);
  return stdout
    .toString()
    .replaceAll(homeOf(folder), "~")
    .replaceAll(binOf(folder), "/usr/local/bin")
    .trimEnd();
}

/** The same of any program, however it ends. */
export function shownOfAny(folder, argv, own = {}) {
  const env = { PATH: process.env.PATH, HOME: homeOf(folder), GIT_CONFIG_NOSYSTEM: "1", ...own };
  const { stdout } = spawnSync("sh", ["-c", 'exec "$@" 2>&1', "sh", ...argv], { cwd: folder, env });
  return stdout.toString().replaceAll(homeOf(folder), "~").trimEnd();
}

/** The built program, as a command line. */
export const PROGRAM = [process.execPath, join(root, "bin", "tsops.js")];

/** Runs git as somebody without settings. */
export function git(folder, ...argv) {
  return run(folder, "git", ["-c", "user.name=Alice", "-c", "user.email=alice@example.com", ...argv]).stdout;
}

function run(folder, program, argv) {
  const env = {
    PATH: `${binOf(folder)}:${process.env.PATH}`,
    HOME: homeOf(folder),
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd: folder, env });
  if (status !== 0) throw new Error(`${program} ${argv.join(" ")}: exit code ${status}\n${stdout}${stderr}`);
  return { stdout };
}

/** A command line as a shell takes it. */
export const line = (...argv) =>
  ["$ tsops", ...argv.map((argument) => (/^[\w./-]+$/.test(argument) ? argument : `'${argument}'`))].join(
    " ",
  );

/** Ciphertexts cut to a length that a terminal shows. */
export function shortened(text) {
  return text.replace(/(ENC\[AES256_GCM,data:[^,]{1,8}).*?(,type:\w+\])/g, "$1…$2");
}

/** The lines that differ, as git shows them. */
export function difference(folder, before, after) {
  writeFileSync(join(folder, "before"), before);
  writeFileSync(join(folder, "after"), after);
  const { stdout } = spawnSync("git", ["diff", "--no-index", "--no-color", "-U1", "before", "after"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (!stdout) throw new Error("git shows no difference");
  return shortened(stdout.slice(stdout.indexOf("@@")));
}
