// Asks the registry whether there is an advisory about a package whose code is in dist/, by npm audit. What is only
// used to develop tsops does not count: it reaches nobody. A registry that has no answer fails nothing, and is named.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { components } = JSON.parse(readFileSync(join(root, "dist", "sbom.cdx.json"), "utf8"));
const inside = new Set(components.map(({ name, version }) => `${name}@${version}`));
const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;

const { stdout, stderr } = spawnSync("npm", ["audit", "--json", "--audit-level=none"], {
  cwd: root,
  encoding: "utf8",
  shell: process.platform === "win32",
});
const { vulnerabilities } = parsed(stdout);
if (!vulnerabilities) {
  console.log(`audit: cannot tell whether there are advisories: ${whyNot(stderr)}`);
  process.exit(0);
}

const found = Object.values(vulnerabilities).flatMap(({ name, nodes, severity, via }) => {
  const versions = new Set(nodes.map((folder) => locked[folder]?.version));
  // those that depend on a package with an advisory are named by npm, too: they have none of their own
  const advisories = via.filter((each) => typeof each === "object");
  return [...versions]
    .filter((version) => inside.has(`${name}@${version}`) && advisories.length > 0)
    .map(
      (version) =>
        `${name}@${version}, ${severity}: ${advisories.map(({ title, url }) => `${title} (${url})`).join("; ")}`,
    );
});
for (const line of found) console.log(`audit: ${line}`);
console.log(`audit: ${components.length} packages are inside, ${found.length} of them with an advisory`);
process.exit(found.length === 0 ? 0 : 1);

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function whyNot(text) {
  const line = text.split("\n").find((each) => each.includes("audit")) ?? "";
  return line.replace(/^npm (warn|error) (audit )?/, "") || "npm audit gives no answer";
}
