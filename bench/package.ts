/*
 * node --import tsx bench/package.ts: what an installation is, and what a start costs with each release of Node. Packs
 * what was built, installs it into an empty place, and writes the tables into docs/performance.md and docs/installation.md.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realSopsPath } from "../scripts/real-sops.mjs";
import { yamlDocument } from "./documents.ts";
import { type Command, cpuSeconds, takingTurns } from "./measure.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const keys = join(root, "fixtures", "golden", "keys");
const RELEASES = [20, 22, 24, 26];
const INSTALLS = 5;
const ROUNDS = 15;
/** What Node reads at each start if it is set, which takes longer than the start itself. */
const authorities = process.env.NODE_EXTRA_CA_CERTS;

const folder = mkdtempSync(join(tmpdir(), "tsops-package-"));
try {
  const installed = install();
  writeInto("docs/installation.md", sizes(installed));
  writeInto("docs/performance.md", [...sizes(installed), "", ...starts(installed.launcher)]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Installed {
  readonly launcher: string;
  readonly packages: number;
  readonly files: number;
  readonly bytes: number;
  readonly tarball: number;
  readonly seconds: number;
}

/** The tarball in an empty prefix with an empty home, several times; npm's cache is filled by the first. */
function install(): Installed {
  const pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const tarball = join(folder, execFileSync("npm", pack, { cwd: root, encoding: "utf8" }).trim());
  const home = join(folder, "home");
  mkdirSync(home);
  const seconds: number[] = [];
  let prefix = "";
  for (let i = 0; i <= INSTALLS; i++) {
    prefix = join(folder, `prefix-${i}`);
    const argv = ["npm", "install", "--global", "--prefix", prefix, tarball] as const;
    const spent = cpuSeconds({ argv, env: { HOME: home, NODE_EXTRA_CA_CERTS: "" } });
    if (i > 0) seconds.push(spent);
  }
  const modules = join(prefix, "lib", "node_modules");
  const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const sizeOf = (path: string): number => statSync(path).size;
  return {
    launcher: join(modules, "tsops", "bin", "tsops.js"),
    packages: files.filter(
      ({ name, parentPath }) => name === "package.json" && /node_modules\/[^/]+$/.test(parentPath),
    ).length,
    files: files.length,
    bytes: files.reduce((sum, { name, parentPath }) => sum + sizeOf(join(parentPath, name)), 0),
    tarball: sizeOf(tarball),
    seconds: seconds.sort((a, b) => a - b)[INSTALLS >> 1]!,
  };
}

function sizes({ packages, files, bytes, tarball, seconds }: Installed): string[] {
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  return [
    "| | now | before bundling (2026-11-28) |",
    "|---|---|---|",
    `| packages | ${packages} | 294 |`,
    `| files | ${files} | 18,035 |`,
    `| installed | ${megabytes(bytes)} | 188 MB |`,
    `| tarball | ${megabytes(tarball)} | 1.4 MB, without its dependencies |`,
    `| \`npm install -g\`, npm's cache filled | ${seconds.toFixed(1)} s of CPU | 28 s |`,
  ];
}

/** Decrypting a file of ten values, beside Node alone and SOPS. */
function starts(launcher: string): string[] {
  const env = { HOME: folder, SOPS_AGE_KEY_FILE: join(keys, "age1.txt"), SOPS_DISABLE_VERSION_CHECK: "1" };
  const recipient = readFileSync(join(keys, "age1.pub"), "utf8").trim();
  const file = join(folder, "ten.yaml");
  writeFileSync(file, yamlDocument(10));
  cpuSeconds({
    argv: [process.execPath, launcher, "encrypt", "-i", "--age", recipient, file],
    cwd: folder,
    env,
  });
  const rows = RELEASES.map((release) => {
    const node = join(
      execFileSync(process.execPath, [join(root, "scripts", "nodes.mjs"), `${release}`], {
        encoding: "utf8",
      }).trim(),
      "node",
    );
    const commands = (more: Record<string, string>) => ({
      bare: alone([node, "-e", "0"], more),
      ours: alone([node, launcher, "decrypt", file], { ...env, ...more }),
    });
    const sops = alone([realSopsPath(), "decrypt", file], env);
    const { bare, ours, theirs } = takingTurns(ROUNDS, { ...commands({}), theirs: sops });
    const ms = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;
    const cells = [
      ms(bare),
      ms(ours),
      `**× ${(ours / bare).toFixed(2)}**`,
      `× ${(ours / theirs).toFixed(2)}`,
    ];
    if (authorities) {
      const more = takingTurns(ROUNDS, commands({ NODE_EXTRA_CA_CERTS: authorities }));
      cells.push(`× ${(more.ours / more.bare).toFixed(2)}`);
    }
    return `| ${release} | ${cells.join(" | ")} |`;
  });
  const more = authorities ? " with `NODE_EXTRA_CA_CERTS` |" : "";
  return [
    `| Node | \`node -e 0\` | tsops | ratio | beside SOPS |${more}`,
    `|---|---|---|---|---|${authorities ? "---|" : ""}`,
    ...rows,
  ];
}

function alone(argv: Command["argv"], env: Record<string, string>): Command {
  const withoutAuthorities: Record<string, string> = { NODE_EXTRA_CA_CERTS: "", ...env };
  return { argv, cwd: folder, env: withoutAuthorities };
}

/** Between the two comments that stand there for it. */
function writeInto(page: string, lines: readonly string[]): void {
  const path = join(root, page);
  if (!existsSync(path)) throw new Error(`there is no ${page}`);
  const [begin, end] = ["<!-- made by bench/package.ts -->", "<!-- end -->"];
  const text = readFileSync(path, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`${page} has no place for the tables`);
  writeFileSync(path, `${text.slice(0, from)}\n\n${lines.join("\n")}\n\n${text.slice(to)}`);
}
