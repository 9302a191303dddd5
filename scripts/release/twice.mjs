// Whether a release can be made again: builds it in another folder, and compares each file.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** @returns the names of the files that are not the same to the byte, or are in one of the two only. */
export function builtAgain(root, targets, time) {
  const copy = join(mkdtempSync(join(tmpdir(), "tsops-again-")), "another-name-of-the-folder");
  // what a machine may have otherwise: rights of new files, and the time zone
  const umask = process.umask(0o077);
  try {
    mkdirSync(copy);
    const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const files = execFileSync("git", listed, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
    for (const file of files) {
      mkdirSync(join(copy, dirname(file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
      chmodSync(join(copy, file), statSync(join(root, file)).mode & 0o700);
    }
    cpSync(join(root, "node_modules"), join(copy, "node_modules"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    execFileSync(process.execPath, [join(copy, "scripts", "release.mjs"), ...targets], {
      cwd: copy,
      env: { ...process.env, SOURCE_DATE_EPOCH: `${time}`, TZ: "Pacific/Kiritimati" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    return differing(sumsIn(root), sumsIn(copy));
  } finally {
    process.umask(umask);
    rmSync(dirname(copy), { recursive: true, force: true });
  }
}

function sumsIn(root) {
  const lines = readFileSync(join(root, "build", "release", "SHA256SUMS"), "utf8")
    .trim()
    .split("\n");
  return new Map(lines.map((line) => line.split("  ").reverse()));
}

function differing(one, other) {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => one.get(name) !== other.get(name)).sort();
}
