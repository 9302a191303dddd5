import fc from "fast-check";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { buildTrees } from "../../src/formats/build.ts";
import { type Entry, type PathElement, pathOf } from "../../src/formats/format.ts";
import { type Scalar, Time } from "../../src/formats/scalar.ts";
import { applyEdits } from "../../src/formats/text.ts";
import { toml } from "../../src/formats/toml.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { mutated } from "./json-texts.ts";
import { modelSet, modelUnset, METADATA, pathsOf, replacingLaw, said, spliceLaw, tryRead } from "./laws.ts";
import { tomlTexts } from "./toml-texts.ts";
import { trees } from "./trees.ts";

fc.configureGlobal({ includeErrorInReport: true });

/** What can be compared without an order of keys, which TOML restricts. */
function canonical(value: unknown): unknown {
  if (value instanceof TreeMap) return { map: sorted(value.entries().map(({ key, value: inner }) => [key, inner])) };
  if (value instanceof TreeList) return { list: value.values().map(canonical) };
  if (value instanceof Time) return { time: value.text };
  if (typeof value === "number") return { float: Object.is(value, -0) ? "-0" : String(value) };
  return typeof value === "bigint" ? { integer: String(value) } : value;
}

function sorted(pairs: [string, unknown][]): [string, unknown][] {
  return pairs.map(([key, value]): [string, unknown] => [key, canonical(value)]).sort(([a], [b]) => (a < b ? -1 : 1));
}

function treeOf(text: string): TreeMap {
  return buildTrees(toml.read(text).entries, 1)[0]!;
}
