import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, takingTurns } from "./measure.ts";
import type { Line } from "./report.ts";

/*
 * `git log -p` through textconv, which starts the program twice for each version of a file, and `tsops log -p`, which is
 * one process. The identity comes from a
 * command, as from a password manager: that is what each start has to wait for without the agent. (A passphrase
 * would need somebody who types it, each time.)
 */

const COMMITS = 100;
/** Node alone takes more than twice as long to start as SOPS takes for all of it; `tsops log -p` starts once. */
const AGAINST_SOPS = 4;

export interface GitLogOptions {
  readonly launcher: string;
  readonly sops: string;
  /** The folder of the golden keys. */
  readonly keys: string;
  /** For the repository. */
  readonly folder: string;
}

export function measureGitLog({ launcher, sops, keys, folder }: GitLogOptions): Line[] {
  const repository = join(folder, "git-log");
  const runtime = join(folder, "runtime");
  mkdirSync(repository);
  mkdirSync(runtime, { mode: 0o700 });
  const script = (name: string, line: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${line}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    SOPS_DISABLE_VERSION_CHECK: "1",
    SOPS_AGE_RECIPIENTS: readFileSync(join(keys, "age1.pub"), "utf8").trim(),
    SOPS_AGE_KEY_CMD: script("identities.sh", `cat '${join(keys, "age1.txt")}'`),
    XDG_RUNTIME_DIR: runtime,
  };
  const run = (program: string, ...argv: string[]): string =>
    execFileSync(program, argv, { cwd: repository, env, encoding: "utf8" });
  const tsops = (...argv: string[]): string => run(process.execPath, launcher, ...argv);
  const textconvs = {
    ours: script("ours.sh", `exec '${process.execPath}' '${launcher}' git textconv "$1"`),
    theirs: script("theirs.sh", `exec '${sops}' decrypt "$1"`),
  };

  run("git", "init", "--quiet");
  writeFileSync(join(repository, ".git", "info", "attributes"), "*.yaml diff=plain\n");
  writeFileSync(join(repository, "s.yaml"), "value: number 0\n");
  tsops("encrypt", "--in-place", "s.yaml");
  for (let i = 1; i <= COMMITS; i++) {
    tsops("set", "s.yaml", '["value"]', `"number ${i}"`);
    run("git", "add", "s.yaml");
    run("git", "-c", "user.name=b", "-c", "user.email=b@b.invalid", "commit", "--quiet", "-m", `${i}`);
  }

  const log = (textconv: string, more: Readonly<Record<string, string>> = {}): Command => ({
    argv: ["git", "-c", `diff.plain.textconv=${textconv}`, "--no-pager", "log", "-p", "s.yaml"],
    cwd: repository,
    env: { ...env, ...more },
  });
  tsops("agent", "start", "--exit-when-idle");
  try {
    // each of these is hundreds of starts already
    const times = takingTurns(1, {
      agent: log(textconvs.ours),
      alone: log(textconvs.ours, { TSOPS_AGENT: "off" }),
      sops: log(textconvs.theirs),
      own: {
        argv: [process.execPath, launcher, "log", "-p", "--reveal", "s.yaml"],
        cwd: repository,
        env: { ...env, TSOPS_AGENT: "off" },
      } as Command,
    });
    const what = `\`git log -p\` over ${COMMITS} commits, identity from a command, tsops as textconv`;
    return [
      {
        what: `${what}, with the agent`,
        against: "without it",
        ours: times.agent,
        theirs: times.alone,
        target: 1,
      },
      { what, against: "SOPS as textconv", ours: times.alone, theirs: times.sops, target: AGAINST_SOPS },
      {
        what: `${what}, with the agent`,
        against: "SOPS as textconv",
        ours: times.agent,
        theirs: times.sops,
        target: AGAINST_SOPS,
      },
      {
        what: `\`tsops log -p\` over ${COMMITS} commits, identity from a command`,
        against: "`git log -p` with SOPS as textconv",
        ours: times.own,
        theirs: times.sops,
        target: 1 / 5,
      },
    ];
  } finally {
    tsops("agent", "stop");
  }
}
