import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { programOf, startDetached } from "../../src/agent/detached.ts";
import { TsopsError } from "../../src/errors.ts";
import { emptyFolder } from "../support/keys/contexts.ts";
import { until } from "../support/pace.ts";

test("a program is started as this one was: by Node with its script, or by itself; never open to a debugger", () => {
  const node = { execPath: "/bin/node", argv: ["/bin/node", "/lib/tsops.js", "decrypt", "f"] };
  assert.equal(programOf({ ...node, execArgv: [] }), ["/bin/node", "/lib/tsops.js"]);
  const execArgv = [
    "--import",
    "x",
    "--inspect=0.0.0.0:1",
    "--heapsnapshot-signal=SIGUSR2",
    "--report-on-signal",
  ];
  assert.equal(programOf({ ...node, execArgv }), ["/bin/node", "--import", "x", "/lib/tsops.js"]);
  const exe = { execPath: "/bin/tsops", execArgv: ["--smol"] };
  for (const script of ["/bin/tsops", "/$bunfs/root/tsops"])
    assert.equal(programOf({ ...exe, argv: ["/bin/tsops", script, "decrypt"] }), ["/bin/tsops"]);
});

if (process.platform !== "win32") {
  test("one that does not come up is an error with what it said, and does not stay", async () => {
    const fails = async (script: string): Promise<TsopsError> => {
      const error: unknown = await startDetached([process.execPath, "-e", script]).catch((reason) => reason);
      assert.instance(error, TsopsError);
      return error as TsopsError;
    };
    const said = await fails('require("node:fs").writeSync(3, "the folder is somebody else\'s")');
    assert.is(said.code, "program-failed");
    assert.is(said.message, "the agent does not start: the folder is somebody else's");
    assert.match(said.hint!, /--foreground/);
    const hinted = await fails('require("node:fs").writeSync(3, "it is not a folder\\nremove it")');
    assert.equal(
      [hinted.message, hinted.hint],
      ["the agent does not start: it is not a folder", "remove it"],
    );
    assert.is((await fails("")).message, "the agent does not start: it says nothing");
    // it hangs up, and goes on running
    const file = join(emptyFolder(), "pid");
    await fails(`const fs = require("node:fs"); fs.writeFileSync(${JSON.stringify(file)}, String(process.pid));
      fs.closeSync(3); setInterval(() => undefined, 1000);`);
    const pid = Number(readFileSync(file, "utf8"));
    const lives = (): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await until(() => !lives(), "its end");
  });
}

test.run();
