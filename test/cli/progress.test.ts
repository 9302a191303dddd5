import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox } from "../support/cli.ts";

test("a bar is for runs on a terminal that take more than a moment, and for no log", () =>
  inSandbox(async (box) => {
    for (const name of ["a.yaml", "b.yaml", "c.yaml"]) box.write(name, "a: x\n");
    const argv = ["encrypt", "--output", "out", "a.yaml", "b.yaml", "c.yaml"];
    const BAR = /\[[#.]{25}\]/;
    assert.match((await box.run(argv, { terminal: true, slow: true })).stderr, BAR);
    assert.not.match((await box.run(argv, { slow: true })).stderr, BAR, "no terminal");
    for (const [name, value] of [
      ["CI", "true"],
      ["TERM", "dumb"],
    ] as const) {
      box.env[name] = value;
      const { stderr } = await box.run(argv, { terminal: true, slow: true });
      assert.not.match(stderr, BAR, name);
      assert.match(stderr, /encrypted 3 of 3 files\n$/);
      box.env[name] = undefined;
    }
    box.env.NO_COLOR = "1";
    const plain = await box.run(argv, { terminal: true, slow: true });
    assert.match(plain.stderr, BAR);
    assert.not.match(plain.stderr, /\x1b\[\d+m/, "it has no colours");
  }));

test.run();
