import fc from "fast-check";
import { tomlDocuments } from "../formats/toml-texts.ts";
import { documents as yamlDocuments } from "../formats/yaml-texts.ts";
import { generateDotenv, generateIni, generateJson } from "./others.ts";
import { generateYaml } from "./yaml.ts";

const seeds = fc.nat(1_000_000);

/** Plaintexts of each format. */
export const TEXTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  yaml: fc.oneof(seeds.map(generateYaml), yamlDocuments),
  json: seeds.map(generateJson),
  json5: seeds.map(
    (seed) => `// note ${seed}\n{x_unencrypted: 'p', /* b */ a: +${seed}, b: ["x", 0x1F,],}\n`,
  ),
  toml: tomlDocuments,
  ini: seeds.map(generateIni),
  dotenv: seeds.map(generateDotenv),
};
