import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "./cli.ts";

/** Runs git in a sandbox, as somebody without settings of their own. */
export function gitIn(box: Sandbox, ...args: readonly string[]): string {
  return execFileSync(
    "git",
    ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always", ...args],
    {
      cwd: box.folder,
      env: { PATH: process.env.PATH, HOME: box.home, GIT_CONFIG_NOSYSTEM: "1" },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
}

/** A program that stands before git on the sandbox's PATH, and writes down each start. @returns that file's path. */
export function watchedGit(box: Sandbox): string {
  const folder = join(box.root, "watched");
  const seen = join(box.root, "git-starts");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  mkdirSync(folder);
  writeFileSync(join(folder, "git"), `#!/bin/sh\necho "$*" >> '${seen}'\nexec '${real}' "$@"\n`);
  chmodSync(join(folder, "git"), 0o755);
  writeFileSync(seen, "");
  box.env.PATH = `${folder}:${box.env.PATH}`;
  return seen;
}
