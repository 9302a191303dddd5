import { Readable, Writable } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { valuesOf } from "../../src/cli/args.ts";
import type { Run } from "../../src/cli/command.ts";
import { EDIT } from "../../src/cli/commands/edit/command.ts";
import { TABLE } from "../../src/cli/commands.ts";
import { EditHost } from "../../src/cli/edit-host.ts";
import { endRun } from "../../src/cli/ends.ts";
import { GLOBAL } from "../../src/cli/options.ts";
import { inSandbox, RECIPIENT } from "../support/cli.ts";
import { closeDoubles, double } from "../support/servers/aws.ts";
import { ARN, answerOf, awsEnvironment } from "../support/servers/counting-kms.ts";

/** The editor is open for hours: what a service did before somebody connected or logged in must not count for ever. */
test("after failures a service is asked again when the person tries again, also one that was given up", () =>
  inSandbox(async (box) => {
    let works = false;
    const kms = await double((asked) => (works ? answerOf(asked) : { silent: true }));
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write("a.yaml", "a: 1\n");
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    // the same data key is wrapped for another key
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n    kms: ${ARN}\n`);
    const out = new Writable({ write: (_chunk, _encoding, done) => done() });
    const io = {
      env: { ...box.env, ...awsEnvironment(kms), TSOPS_KMS_TIMEOUT: "0.2" },
      cwd: box.folder,
      stdin: Readable.from([]),
      stdout: out,
      stderr: out,
    };
    const args = { ...valuesOf(GLOBAL), ...valuesOf(EDIT.options), file: "a.yaml", files: ["a.yaml"] };
    const run = { io, args, given: () => false, table: TABLE } as unknown as Run;
    const host = await EditHost.open("a.yaml", run, async () => "");
    const open = await host.open(await host.load());
    const change = () => host.changeKeys(open, { kind: "rule" }, true);
    for (let i = 0; i < 4; i++) {
      let message = "";
      const before = kms.asked.length;
      await change().catch((error: Error) => (message = error.message));
      assert.match(message, "cannot wrap the data key");
      assert.ok(kms.asked.length > before, "it was asked again");
    }
    works = true;
    await change();
    assert.match(box.read("a.yaml"), ARN);
    endRun(io);
  }));

test.after(closeDoubles);
test.run();
