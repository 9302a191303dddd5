import { once } from "node:events";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TreeMap } from "../../src/formats/tree.ts";
import { environmentFor, keepFromPrograms } from "../../src/keys/environment.ts";
import { end, findProgram, run, start } from "../../src/programs/run.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { ending, until } from "../support/pace.ts";
import { node, scratchFolder, script, start as startScript } from "../support/scripts.ts";

const env = { PATH: process.env.PATH };
const sh = (script: string): readonly string[] => ["sh", "-c", script];

test("output, exit code, input", async () => {
  const { code, stdout, stderr } = await run({
    argv: sh("cat; echo problem >&2; exit 3"),
    env,
    input: Buffer.from("in"),
    limit: 10,
  });
  assert.equal([code, stdout.toString(), stderr], [3, "in", "problem\n"]);
});

test("arguments reach the program as they are", async () => {
  const args = ["a b", "$HOME", "`id`", "", "*", 'q"q', "-x"];
  const { stdout } = await run({ argv: ["printf", "%s|", ...args], env, limit: 10 });
  assert.is(stdout.toString(), `${args.join("|")}|`);
});

test("only the environment that is given", async () => {
  const { stdout } = await run({ argv: ["env"], env: { ...env, A: "1", B: undefined }, limit: 10 });
  assert.equal(stdout.toString().trim().split("\n").sort(), ["A=1", `PATH=${process.env.PATH}`].sort());
});

test("a program that does not read its input", async () => {
  const { code } = await run({ argv: ["true"], env, input: Buffer.alloc(1_000_000), limit: 10 });
  assert.is(code, 0);
});

test("a program that takes too long is ended, even if it does not listen", async () => {
  const error: unknown = await run({ argv: sh("trap '' TERM; sleep 20"), env, limit: 0.2 }).catch(
    (e: unknown) => e,
  );
  assert.match(String(error), "sh did not answer within 0.2 seconds");
  const child = start({
    argv: ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
    env,
  });
  await once(child.stdout!, "data");
  const exit = once(child, "exit");
  end(child);
  try {
    assert.equal(await ending(exit), [null, "SIGKILL"]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a program that does not listen does not outlive the one that ended it", async () => {
  const module = new URL("../../src/programs/run.ts", import.meta.url).href;
  // it prints its number, and would go on for minutes
  const stubborn = "trap '' TERM; echo $$; for i in $(seq 6000); do sleep 0.05; done";
  const script = `
    const { end, start } = await import(${JSON.stringify(module)});
    const child = start({ argv: ["/bin/sh", "-c", ${JSON.stringify(stubborn)}], env: process.env });
    child.stdout.once("data", (pid) => {
      process.stdout.write(pid);
      end(child);
      process.exit(0);
    });`;
  const argv = [process.execPath, "--import", "tsx", "--input-type=module", "-e", script];
  const { code, stdout, stderr } = await run({ argv, env: process.env, limit: 120 });
  assert.is(code, 0, stderr);
  const pid = Number(stdout.toString());
  assert.ok(pid > 0);
  const gone = () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  await until(gone, "its end").finally(() => gone() || process.kill(pid, "SIGKILL"));
});

test("many programs that are ended at once cause no warning", async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on("warning", note);
  const children = Array.from({ length: 20 }, () => start({ argv: ["/bin/sh", "-c", "exec sleep 60"], env }));
  await Promise.all(children.map((child) => once(child, "spawn")));
  const exits = Promise.all(children.map((child) => once(child, "exit")));
  for (const child of children) end(child);
  await ending(exits);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  assert.equal(warnings, []);
});

test("a program that prints without end is ended", async () => {
  const error: unknown = await run({ argv: ["yes"], env, limit: 20 }).catch((e: unknown) => e);
  assert.match(String(error), "yes printed more than 16 MiB");
});

if (process.platform !== "win32") {
  test("a program waits until there is room for its pipes, and one that finds none is an error", async () => {
    const folder = scratchFolder();
    const file = script(
      folder,
      `import fs from "node:fs";
       import { run, start } from "./src/programs/run.ts";
       const open = [];
       try {
         for (;;) open.push(fs.openSync("/dev/null", "r"));
       } catch {}
       const program = { argv: ["/bin/echo", "here"], env: {}, limit: 20, third: true };
       const count = () => Array.from({ length: 64 }, (_, i) => i).filter((i) => isOpen(i)).length;
       const isOpen = (i) => {
         try {
           return Boolean(fs.fstatSync(i));
         } catch {
           return false;
         }
       };
       // whatever step of starting it finds no room, nothing stays open
       for (let room = 0; room < 10; room++) {
         const before = count();
         try {
           start(program);
         } catch ({ code, message, cause }) {
           if (room === 0) console.log(code, message, cause.code);
         }
         if (count() !== before) console.log("left open", room);
         fs.closeSync(open.pop());
       }
       setTimeout(() => open.splice(0).forEach((fd) => fs.closeSync(fd)), 100);
       const { code, stdout } = await run(program);
       console.log(code, stdout.toString());`,
    );
    const running = startScript(["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", ...node(file)]);
    const { code, stdout, stderr } = await running.ended;
    assert.is(code, 0, stderr);
    assert.is(
      stdout,
      "program-failed /bin/echo cannot be started: too many files are open EMFILE\n0 here\n\n",
    );
  });
}

test("a run that was stopped before it began", async () => {
  const signal = AbortSignal.abort();
  const error: unknown = await run({ argv: ["true"], env, limit: 1, signal }).catch((e: unknown) => e);
  assert.is((error as { code: string }).code, "aborted");
});

test("identities are taken from the environment of others", async () => {
  const context = contextWith({
    SOPS_AGE_KEY: "x",
    SOPS_AGE_KEY_CMD: "x",
    SOPS_AGE_SSH_PRIVATE_KEY_CMD: "x",
    A: "1",
  });
  assert.equal(await environmentFor(context, "logs in", { B: "2" }), {
    PATH: process.env.PATH,
    A: "1",
    B: "2",
  });
});

test("gpg and plugins get no variables of services, but a plugin those of its own", async () => {
  const aws = { AWS_SECRET_ACCESS_KEY: "x", AWS_PROFILE: "x" };
  const context = contextWith({ ...aws, VAULT_TOKEN: "x", SOPS_AGE_KEY_FILE: "x", OTHER: "1", M: "x" });
  keepFromPrograms([[{ kind: "env", id: "env://M", fields: TreeMap.of([]) }]], context);
  const rest = { PATH: process.env.PATH, OTHER: "1" };
  assert.equal(await environmentFor(context, "gpg"), rest);
  assert.equal(await environmentFor(context, { plugin: "yubikey" }), rest);
  assert.equal(await environmentFor(context, { plugin: "awskms" }), { ...rest, ...aws });
  assert.not.ok("M" in (await environmentFor(context, "logs in")));
});

test("programs on PATH", async () => {
  assert.match(findProgram("sh", env)!, /^\/.*\/sh$/);
  assert.is(findProgram("no-such-program-here", env), undefined);
  assert.is(findProgram("sh", {}), undefined);
  assert.is(findProgram("bin", { PATH: "/usr" }), undefined, "a folder is no program");
  const relative = await run({ argv: ["sh"], env: { PATH: ":.:bin" }, limit: 10 }).catch((e: unknown) => e);
  assert.match(String(relative), "sh cannot be started: there is no such program");
});

test.run();
