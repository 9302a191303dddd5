import { fileURLToPath } from "node:url";
import { test } from "uvu";
import { unreachable } from "uvu/assert";
import { type CaseFolder, readCases } from "../support/golden/cases.ts";
import { inProcess, spawned } from "../support/golden/programs.ts";
import { type Failure, needsReal, runCase, type Tally } from "../support/golden/walker.ts";
import { makeWorld, type World } from "../support/golden/world.ts";
import { DIFFERENCES } from "./differences.ts";

/*
 * Walks the golden cases. Variables, for `node scripts/test.mjs` and for trying things:
 *   GOLDEN_PROGRAM   the program to test, in processes of its own; without it the command line runs in this process
 *   GOLDEN_DIR       another folder of cases
 *   GOLDEN_CASES     only cases with this in their name
 *   GOLDEN_PART      2/3: the second third of the cases
 *   GOLDEN_STRICT=1  every byte counts: to judge the real SOPS, and so this test
 *   REAL_SOPS        the real SOPS, for the steps that it does
 *   QUIRKS=1         also the cases that pin down plain bugs of SOPS
 */
const {
  GOLDEN_PROGRAM,
  GOLDEN_DIR,
  GOLDEN_CASES = "",
  GOLDEN_PART = "1/1",
  GOLDEN_STRICT,
  REAL_SOPS,
  QUIRKS,
} = process.env;
const root = GOLDEN_DIR ?? fileURLToPath(new URL("../../fixtures/golden", import.meta.url));
const launcher = fileURLToPath(new URL("../../bin/tsops.js", import.meta.url));
const options = {
  program: GOLDEN_PROGRAM ? spawned(GOLDEN_PROGRAM) : inProcess(launcher),
  real: REAL_SOPS ? spawned(REAL_SOPS) : undefined,
  lossless: GOLDEN_STRICT !== "1",
};
const tally: Tally = { bytes: 0, content: 0 };

let world: World | undefined;
let worldError: unknown;
try {
  world = makeWorld(`${root}/keys`);
} catch (error) {
  worldError = error;
}

const [part, parts] = GOLDEN_PART.split("/").map(Number) as [number, number];
const named = readCases(root).filter(({ name }) => name.includes(GOLDEN_CASES));
const left = named.filter((golden) => (golden.quirk && QUIRKS !== "1") || (needsReal(golden) && !REAL_SOPS));
const cases = named.filter((golden) => !left.includes(golden)).filter((_, i) => i % parts === part - 1);

for (const golden of cases) {
  test(`${golden.name}: ${golden.desc}`, async () => {
    if (!world) throw worldError;
    report(golden, await runCase(golden, world, options, tally));
  });
}

/** Fails the test for what is not as expected, save what is so on purpose. */
function report(golden: CaseFolder, failures: readonly Failure[]): void {
  const difference = options.lossless ? DIFFERENCES.get(golden.name) : undefined;
  const problems = failures.filter(({ step }) => !difference?.steps.includes(step)).map(({ text }) => text);
  for (const number of difference?.steps ?? []) {
    const runs = golden.steps[number - 1]?.bin !== "real" || REAL_SOPS !== undefined;
    if (runs && !failures.some(({ step }) => step === number)) {
      problems.push(`step ${number} is listed in differences.ts, but does not differ`);
    }
  }
  if (problems.length > 0) unreachable(problems.join("\n    "));
}

test.after(() => {
  world?.close();
  process.stdout.write(
    `\n  outputs with the same bytes: ${tally.bytes}, with the same content only: ${tally.content}\n`,
  );
  if (left.length > 0)
    process.stdout.write(
      `  left out: ${left.map(({ name, quirk }) => `${name} (${quirk ?? "needs the real SOPS"})`).join(", ")}\n`,
    );
});

test.run();
