import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkConfig } from "../../src/config/check.ts";
import { Configurations, readConfigFile } from "../../src/config/find.ts";
import { ruleGroups } from "../../src/config/groups.ts";
import { creationRule } from "../../src/config/match.ts";
import { chooseSelector } from "../../src/config/selectors.ts";
import { TsopsError } from "../../src/errors.ts";
import { formatOfFile, loadFormat } from "../../src/formats/index.ts";
import { groupsFromMetadata } from "../../src/keys/groups.ts";
import { readMetadata } from "../../src/sops/metadata.ts";
import { DEFAULT_SELECTOR, type SelectorKind } from "../../src/sops/selection.ts";

/**
 * The golden cases with a `.sops.yaml`: the rule that is found for the file that a step encrypts gives the
 * recipients, the threshold and the selector that SOPS wrote, or the exit code that it ended with.
 */

interface Case {
  env: Record<string, string | null>;
  steps: { argv: string[]; cwd?: string; rc: number; stdout?: string }[];
}

const GOLDEN = fileURLToPath(new URL("../../fixtures/golden", import.meta.url));

const OPTIONS_WITH_VALUE =
  /^--(?:config|filename-override|age|encrypted-regex|shamir-secret-sharing-threshold)$/;

function parseArguments(argv: readonly string[]) {
  const options = new Map<string, string>();
  const files: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (OPTIONS_WITH_VALUE.test(word)) options.set(word, argv[++i]!);
    else if (!word.startsWith("-")) files.push(word);
  }
  return { options, files };
}

async function outcome(folder: string, test: Case, step: Case["steps"][number]) {
  const { options, files } = parseArguments(step.argv.slice(1));
  const cwd = resolve(folder, "in", step.cwd ?? "");
  const env = Object.fromEntries(Object.entries(test.env).map(([name, value]) => [name, value ?? undefined]));
  const file = resolve(cwd, options.get("--filename-override") ?? files[0]!);
  const configurations = new Configurations({ cwd, env, option: options.get("--config") });
  const { config } = await configurations.load(file);
  const rule = config && (await creationRule(config, file));
  const flags: Partial<Record<SelectorKind, string>> = { encrypted_regex: options.get("--encrypted-regex") };
  const ownKeys = options.has("--age") || env.SOPS_AGE_RECIPIENTS !== undefined;
  if (!rule && !ownKeys) throw new TsopsError("config", "no rule and no keys");
  return { rule, selector: chooseSelector(rule, flags) ?? DEFAULT_SELECTOR, ownKeys, options };
}

const cases = readdirSync(GOLDEN).filter((name) => existsSync(join(GOLDEN, name, "in")) && hasConfig(name));

function hasConfig(name: string): boolean {
  const found = readdirSync(join(GOLDEN, name, "in"), { recursive: true });
  return name.startsWith("config-") || found.some((path) => String(path).endsWith(".sops.yaml"));
}

test("the golden cases are there", () => assert.ok(cases.length >= 30, String(cases.length)));

for (const name of cases) {
  const folder = join(GOLDEN, name);
  const golden: Case = JSON.parse(readFileSync(join(folder, "case.json"), "utf8"));
  golden.steps.forEach((step, i) => {
    if (step.argv[0] !== "encrypt" || (step.stdout !== "enc" && step.rc === 0)) return;
    test(`${name}, step ${i + 1}`, async () => {
      if (step.rc !== 0) {
        const result = await outcome(folder, golden, step).catch((thrown: unknown) => thrown);
        if (name === "keys-groups-thr1") {
          // a threshold that cannot be is noticed where the data key is shared; `config check` says it before
          const config = await readConfigFile(join(folder, "in", ".sops.yaml"));
          assert.equal(
            (await checkConfig(config)).map(({ severity }) => severity),
            ["error"],
          );
          return;
        }
        assert.instance(result, TsopsError);
        assert.is((result as TsopsError).exitCode, step.rc);
        return;
      }
      const { rule, selector, ownKeys, options } = await outcome(folder, golden, step);
      const file = options.get("--filename-override") ?? step.argv.at(-1)!;
      const format = await loadFormat(formatOfFile(file));
      const text = readFileSync(join(folder, "exp", `${i + 1}.stdout`), "utf8");
      const reading = (format.wrapper ?? format).read(text);
      const metadata = readMetadata(reading.metadata!.tree);
      const written = groupsFromMetadata(metadata.tree);
      if (!ownKeys) {
        const names = (groups: readonly (readonly { kind: string; id: string }[])[]) =>
          groups.map((group) => group.map(({ kind, id }) => `${kind} ${id}`).sort());
        assert.equal(names(ruleGroups(rule!)), names(written.groups));
        // all groups are needed where the rule gives no threshold, and that number is written
        const all = rule!.groups.length > 1 ? rule!.groups.length : 0;
        assert.is(
          Number(options.get("--shamir-secret-sharing-threshold") ?? (rule!.threshold || all)),
          written.threshold,
        );
      }
      if (!format.wrapper)
        assert.equal({ ...metadata.selector }, { kind: selector.kind, value: selector.value });
      assert.is(rule?.macOnlyEncrypted ?? false, metadata.macOnlyEncrypted);
    });
  });
}

test.run();
