import fc from "fast-check";
import type { Format, FormatName } from "../../../src/formats/format.ts";
import { documents, JSON_NOTATION } from "../formats/json-texts.ts";
import { tomlDocuments } from "../formats/toml-texts.ts";
import { documents as yamlDocuments } from "../formats/yaml-texts.ts";
import { generateDotenv, generateIni, generateJson } from "../generate/others.ts";
import { generateYaml } from "../generate/yaml.ts";

const seeds = fc.nat();

const TEXTS: Readonly<Record<FormatName, fc.Arbitrary<string>>> = {
  yaml: fc.oneof(seeds.map(generateYaml), yamlDocuments),
  json: fc.oneof(seeds.map(generateJson), documents(JSON_NOTATION)),
  json5: fc.oneof(seeds.map(generateJson), documents({ ...JSON_NOTATION, trailingCommas: true })),
  dotenv: seeds.map(generateDotenv),
  ini: seeds.map(generateIni),
  toml: tomlDocuments,
  binary: fc.string(),
};

/** Texts that are read, without metadata and without keys that occur twice. */
export function readable(format: Format): fc.Arbitrary<string> {
  return TEXTS[format.name].filter((text) => {
    try {
      const { metadata, duplicates = [] } = format.read(text);
      return !metadata && duplicates.length === 0;
    } catch {
      return false;
    }
  });
}
