// Writes schema/tsopsrc.schema.json from the description in src/config/schema.ts. A test says when it is due.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tsImport } from "tsx/esm/api";

const { sopsrcSchema } = await tsImport("../src/config/schema.ts", import.meta.url);
const root = new URL("..", import.meta.url);
const target = fileURLToPath(new URL("schema/tsopsrc.schema.json", root));
writeFileSync(target, `${JSON.stringify(sopsrcSchema(), null, 2)}\n`);
const biome = fileURLToPath(new URL("node_modules/@biomejs/biome/bin/biome", root));
execFileSync(process.execPath, [biome, "format", "--write", target], { cwd: fileURLToPath(root) });
