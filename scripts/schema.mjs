// Writes the JSON Schemas in schema/ from the descriptions in src/config/schema.ts. A test says when it is due.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tsImport } from "tsx/esm/api";

const { sopsrcSchema, userConfigSchema } = await tsImport("../src/config/schema.ts", import.meta.url);
const { reportSchema } = await tsImport("../src/check/report.ts", import.meta.url);
const root = new URL("..", import.meta.url);
const biome = fileURLToPath(new URL("node_modules/@biomejs/biome/bin/biome", root));
const schemas = {
  "tsopsrc.schema.json": sopsrcSchema(),
  "user-config.schema.json": userConfigSchema(),
  "check.schema.json": reportSchema(),
};
for (const [name, schema] of Object.entries(schemas)) {
  const target = fileURLToPath(new URL(`schema/${name}`, root));
  writeFileSync(target, `${JSON.stringify(schema, null, 2)}\n`);
  execFileSync(process.execPath, [biome, "format", "--write", target], { cwd: fileURLToPath(root) });
}
