import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { yamlDocument } from "./documents.ts";
import { type Command, takingTurns } from "./measure.ts";
import type { Line } from "./report.ts";

/**
 * What a history of one encrypted file costs: `git log -p` with each program as textconv, which git starts twice for each
 * commit, and `tsops log -p`, which is one process. With the agent, too, where this tsops has one.
 */

const COMMITS = 100;
const VALUES = 50;

interface Programs {
  readonly launcher: string;
  readonly sops: string | undefined;
  /** For the repository. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export function measureGit(programs: Programs): Line[] {
  if (programs.sops === undefined) return [];
  const place = prepare(programs);
  const log = (driver: string): Command => ({
    argv: ["git", "-c", `diff.secrets.textconv=${driver}`, "log", "-p"],
    ...place,
  });
  const commands = {
    sops: log(`"${programs.sops}" decrypt`),
    textconv: log("tsops git textconv"),
    log: { argv: [process.execPath, programs.launcher, "log", "-p", "--reveal"], ...place } as Command,
  };
  const times = takingTurns(1, commands);
  const what = (name: string) => `${name}, ${COMMITS} commits of ${VALUES} values`;
  const against = "`git log -p` with SOPS as textconv";
  const lines: Line[] = [
    { what: what("`tsops log -p`"), against, ours: times.log, theirs: times.sops, target: 1 / 5 },
    // Node starts twice for each commit
    {
      what: what("`git log -p` with tsops as textconv"),
      against,
      ours: times.textconv,
      theirs: times.sops,
      target: 4,
    },
  ];
  const agent = withAgent(programs, place, () => takingTurns(1, { ours: commands.textconv }).ours);
  if (agent !== undefined) {
    const name = what("`git log -p` with tsops as textconv and the agent");
    lines.push({ what: name, against, ours: agent, theirs: times.sops, target: 4 });
  }
  return lines;
}

type Place = Required<Pick<Command, "cwd" | "env">>;

/** A repository in which each commit changed one value. */
function prepare({ launcher, folder, env }: Programs): Place {
  const [cwd, bin, runtime] = ["history", "bin", "runtime"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [cwd, bin, runtime]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(bin, "tsops"), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`);
  chmodSync(join(bin, "tsops"), 0o755);
  const author = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b",
  };
  const PATH = `${bin}${delimiter}${process.env.PATH}`;
  const place = { cwd, env: { ...env, ...author, PATH, XDG_RUNTIME_DIR: runtime, GIT_CONFIG_NOSYSTEM: "1" } };
  const run = (...argv: [string, ...string[]]) =>
    execFileSync(argv[0], argv.slice(1), { ...place, stdio: ["ignore", "pipe", "pipe"] });
  run("git", "init", "-q");
  writeFileSync(join(cwd, ".gitattributes"), "*.yaml diff=secrets\n");
  writeFileSync(join(cwd, "a.yaml"), yamlDocument(VALUES));
  run("tsops", "encrypt", "-i", "a.yaml");
  for (let i = 0; i < COMMITS; i++) {
    if (i > 0) run("tsops", "set", "a.yaml", '["changed"]', String(i));
    run("git", "add", "-A");
    run("git", "commit", "-qm", String(i));
  }
  return place;
}

/** Undefined where there is no agent. */
function withAgent({ launcher }: Programs, { cwd, env }: Place, measure: () => number): number | undefined {
  const agent = (word: string) =>
    spawnSync(process.execPath, [launcher, "agent", word], {
      cwd,
      env: { ...process.env, ...env },
      stdio: "ignore",
    });
  if (agent("start").status !== 0) return undefined;
  try {
    return measure();
  } finally {
    agent("stop");
  }
}
