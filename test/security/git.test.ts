import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RECIPIENT } from "../support/cli.ts";
import { type GitBox, inGit } from "../support/with-git.ts";

/* A repository that somebody else made, with its configuration: a folder that was unpacked, or one on a shared disk. */

/** A program that leaves a trace; each of git's settings that names a program names it. */
function trap(repository: GitBox): { wasRun(): string } {
  const { box } = repository;
  const program = join(box.root, "trap.sh");
  const trace = join(box.root, "trace");
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> '${trace}'\ncat\n`);
  chmodSync(program, 0o755);
  const hooks = join(box.root, "hooks");
  mkdirSync(hooks);
  for (const hook of ["pre-commit", "post-index-change", "reference-transaction", "post-checkout"])
    symlinkSync(program, join(hooks, hook));
  const sections: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    core: {
      ...{ fsmonitor: program, pager: program, editor: program, askPass: program, sshCommand: program },
      ...{ hooksPath: hooks, gitProxy: program, alternateRefsCommand: program },
    },
    pager: { log: program, diff: program, config: program, grep: program },
    diff: { external: program },
    'diff "evil"': { textconv: program, command: program, cachetextconv: "true" },
    'filter "evil"': { clean: program, smudge: program, process: program, required: "true" },
    'merge "evil"': { driver: program },
    gpg: { program },
    log: { showSignature: "true" },
    credential: { helper: program },
    alias: { log: `!${program}`, "ls-files": `!${program}`, config: `!${program}` },
    'hook "evil"': { command: program, event: "post-index-change" },
    'remote "origin"': { url: `ext::${program}`, promisor: "true", partialclonefilter: "blob:none" },
    extensions: { partialClone: "origin" },
    protocol: { allow: "always" },
    'protocol "ext"': { allow: "always" },
  };
  const text = Object.entries(sections).map(([name, values]) => {
    const lines = Object.entries(values).map(([key, value]) => `\t${key} = ${JSON.stringify(value)}\n`);
    return `[${name}]\n${lines.join("")}`;
  });
  appendFileSync(box.path(".git/config"), text.join(""));
  mkdirSync(box.path(".git/info"), { recursive: true });
  writeFileSync(box.path(".git/info/attributes"), "* diff=evil filter=evil merge=evil\n");
  return { wasRun: () => (existsSync(trace) ? readFileSync(trace, "utf8") : "") };
}

const RULES = `creation_rules:\n  - path_regex: \\.yaml$\n    age: ${RECIPIENT}\n`;

test(
  "no command runs a program that a repository's configuration, attributes or hooks name",
  inGit(async (repository) => {
    const { box } = repository;
    box.write(".sops.yaml", RULES);
    for (const name of ["a.yaml", "b.yaml"]) {
      box.write(name, "a: 1\n");
      await repository.tsops("encrypt", "-i", name);
    }
    repository.commit("one");
    await repository.tsops("set", "a.yaml", '["a"]', "2");
    repository.commit("two");
    await repository.tsops("set", "a.yaml", '["a"]', "3");
    repository.git("add", "a.yaml");
    await repository.tsops("set", "a.yaml", '["a"]', "4");
    box.write("new.txt", "x\n");
    const { wasRun } = trap(repository);
    const commands = [
      ["git", "status"],
      ["git", "install", "--dry-run"],
      ["git", "install", "--force"],
      ["git", "textconv", "a.yaml"],
      ["git", "uninstall"],
      ["check"],
      ["check", "--staged"],
      ["check", "--merges", "--decrypt"],
      ["diff"],
      ["diff", "--staged"],
      ["diff", "HEAD~1"],
      ["diff", "HEAD~1", "HEAD"],
      ["log", "-p"],
      ["log", "--follow", "--", "a.yaml"],
      ["status"],
      ["recipients"],
      ["doctor"],
      ["decrypt", "a.yaml"],
      ["set", "a.yaml", '["a"]', "5"],
      ["rotate", "-i", "."],
      ["updatekeys", "-y", "."],
      ["encrypt", "-i", "."],
    ];
    for (const argv of commands) {
      // git trusts no time that is not older than that of its index, and compares contents
      utimesSync(box.path(".git/index"), 1, 1);
      const { stderr } = await box.run(argv);
      assert.is(wasRun(), "", `tsops ${argv.join(" ")}: ${wasRun()}`);
      assert.not.match(stderr, "internal error", argv.join(" "));
    }
    // it would run
    repository.try("diff");
    assert.is.not(wasRun(), "");
  }),
);

if (existsSync("/dev/zero")) {
  test(
    "a configuration that is a link to what never ends is not read",
    inGit(async (repository) => {
      const { box } = repository;
      box.write("a.yaml", "a: 1\n");
      await repository.tsops("encrypt", "-i", "a.yaml");
      for (const name of [".sops.yaml", ".sopsrc"]) {
        symlinkSync("/dev/zero", box.path(name));
        repository.commit(name);
        for (const argv of [
          ["status"],
          ["check"],
          ["check", "--staged"],
          ["diff", "HEAD"],
          ["log", "-p"],
          ["git", "textconv", "a.yaml"],
          ["git", "status"],
          ["encrypt", "a.yaml"],
          ["allow"],
          ["config", "check"],
          ["doctor"],
          ["decrypt", "a.yaml"],
        ]) {
          const { stdout, stderr } = await box.run(argv);
          assert.not.match(stderr, "internal error", argv.join(" "));
          if (["check", "encrypt a.yaml", "allow", "config check", "doctor"].includes(argv.join(" ")))
            assert.match(stdout + stderr, "the configuration cannot be read: it is larger than 16 MiB");
        }
        unlinkSync(box.path(name));
      }
    }),
  );
}

test(
  "an object that is missing in a partial clone is named, and not fetched by a program of the repository's choice",
  inGit(async (repository) => {
    const { box } = repository;
    box.write(".sops.yaml", RULES);
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.commit("one");
    const id = repository.git("rev-parse", "HEAD:a.yaml").trim();
    await repository.tsops("set", "a.yaml", '["a"]', "2");
    repository.commit("two");
    const { wasRun } = trap(repository);
    process.getBuiltinModule("node:fs").rmSync(box.path(`.git/objects/${id.slice(0, 2)}/${id.slice(2)}`));
    const { code, stdout } = await box.run(["diff", "HEAD~1", "HEAD"]);
    assert.is.not(code, 0);
    assert.match(stdout, id);
    assert.is(wasRun(), "");
  }),
);

test.run();
