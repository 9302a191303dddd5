import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import type { Sandbox } from "./cli.ts";
import { PROGRAM } from "./program.ts";

export interface GitResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A repository of real git in a sandbox, without any settings of this machine. */
export class TestRepository {
  readonly folder: string;
  readonly env: Record<string, string | undefined>;

  constructor(box: Sandbox, folder = box.folder) {
    this.folder = folder;
    this.env = {
      ...box.env,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@b",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@b",
      GIT_EDITOR: "true",
    };
  }

  /** Runs git, whatever comes of it. */
  try(...args: readonly string[]): GitResult {
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: this.folder,
      env: this.env as NodeJS.ProcessEnv,
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  }

  /** Runs git, which has to succeed. @returns what it prints. */
  git(...args: readonly string[]): string {
    const { code, stdout, stderr } = this.try(...args);
    assert.is(code, 0, `git ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), content);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  /** Has git run tsops in a hook, from these sources. */
  hook(name: string, ...args: readonly string[]): void {
    const folder = join(this.git("rev-parse", "--absolute-git-dir").trim(), "..", ".git", "hooks");
    mkdirSync(folder, { recursive: true });
    const words = [...PROGRAM, ...args].map((word) => `'${word}'`).join(" ");
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\nexec ${words}\n`);
    chmodSync(path, 0o755);
  }
}
