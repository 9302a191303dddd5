// The real SOPS, for the tests against it and for the benchmark: installed once on a machine, with Go.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export const REAL_SOPS_VERSION = "3.13.3";
const TRIES = 4;

/** Where it is, or will be: `$REAL_SOPS`, else a cache folder of the tests. */
export function realSopsPath() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return process.env.REAL_SOPS || join(cache, "tsops-test", "bin", "sops");
}

/** Its path. Installs it if need be, which takes minutes. @throws if that does not work. */
export function installRealSops() {
  const path = realSopsPath();
  if (existsSync(path)) return checked(path);
  const folder = join(path, "..");
  // built beside the place where it goes, so that an interrupted build leaves nothing that looks complete
  const building = join(folder, `.building-${process.pid}`);
  mkdirSync(building, { recursive: true });
  try {
    install(building);
    renameSync(join(building, "sops"), path);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return checked(path);
}

function install(folder) {
  const what = `github.com/getsops/sops/v3/cmd/sops@v${REAL_SOPS_VERSION}`;
  for (let attempt = 1; ; attempt++) {
    process.stderr.write(
      `installing the real SOPS ${REAL_SOPS_VERSION} with Go, once on this machine (attempt ${attempt})\n`,
    );
    const { error, status } = spawnSync("go", ["install", what], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "" },
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (status === 0) return;
    if (error?.code === "ENOENT") throw new Error("go is not installed, and the real SOPS is built with it");
    if (attempt === TRIES) throw new Error(`the real SOPS could not be installed: see Go's messages above`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, attempt * 10_000);
  }
}

function checked(path) {
  const env = { ...process.env, SOPS_DISABLE_VERSION_CHECK: "1" };
  const version = execFileSync(path, ["--version"], { encoding: "utf8", env }).split(/\s/)[1];
  if (version !== REAL_SOPS_VERSION) {
    throw new Error(
      `${path} is SOPS ${version}, and the tests are for ${REAL_SOPS_VERSION}: remove it to have it installed anew`,
    );
  }
  return path;
}
