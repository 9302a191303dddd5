// Runs the built program as a reader of the documentation would, and shows what it prints: for the demo and the README.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Gives `show` an empty folder, with a home of its own beside it, and removes both. Builds the program if it is missing. */
export function inEmptyFolder(show) {
  if (!existsSync(join(root, "dist", "start.js")))
    execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "tsops-shown-"));
  try {
    return show(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the built program in a folder that is HOME, too; both outputs. Any exit code but 0 is an error. */
export function tsops(folder, ...argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin", "tsops.js"), ...argv], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  if (status !== 0) throw new Error(`tsops ${argv[0]} ended with exit code ${status}\n${stderr}`);
  return { stdout, stderr: stderr.toString() };
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
