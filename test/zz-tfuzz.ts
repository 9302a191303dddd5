import fc from "fast-check";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { buildTrees } from "../src/formats/build.ts";
import { toml } from "../src/formats/toml.ts";
import { TreeList, TreeMap } from "../src/formats/tree.ts";
import { Time } from "../src/formats/scalar.ts";
import { tomlTexts } from "./formats/toml-texts.ts";
import { mutated } from "./formats/json-texts.ts";
const n = Number(process.argv[2] ?? 1000), seed = Number(process.argv[3] ?? 1);
let ok = 0, bad = 0, diff = 0;
const norm = (v: any): any => {
  if (v instanceof TreeMap) return ["m", v.entries().map((e) => [e.key, norm(e.value)]).sort((a: any, b: any) => a[0] < b[0] ? -1 : 1)];
  if (v instanceof TreeList) return ["l", v.values().map(norm)];
  if (v instanceof Time) return ["d", Date.parse(v.text)];
  if (typeof v === "bigint") return ["n", String(Number(v))];
  if (typeof v === "number") return ["n", String(v)];
  if (Array.isArray(v)) return ["l", v.map(norm)];
  if (v instanceof Date) return ["date"];
  if (typeof v === "object" && v) return ["m", Object.entries(v).map(([k, x]) => [k, norm(x)]).sort((a: any, b: any) => a[0] < b[0] ? -1 : 1)];
  return v;
};
for (const text of fc.sample(fc.oneof(tomlTexts, tomlTexts, mutated(tomlTexts)), { numRuns: n, seed })) {
  let mine: any, err = "", theirs: any, terr = "";
  try { mine = toml.read(text); } catch (e: any) { err = e.message + JSON.stringify(e.place); if (e.code !== "parse") console.log(e, JSON.stringify(text)); }
  try { const ast = parseTOML(text.replace(/^\ufeff/, " ")); theirs = getStaticTOMLValue(ast); } catch (e: any) { terr = e.message + e.lineNumber + ":" + e.column; }
  if (!err !== !terr) { diff++; if (diff < 15) console.log("DIFF", JSON.stringify(text), "| ours:", err || "ok", "| lib:", terr || "ok"); continue; }
  if (err) { bad++; continue; }
  ok++;
}
console.log({ ok, bad, diff });
