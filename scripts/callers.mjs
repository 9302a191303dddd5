// Programs and libraries of others that call SOPS or read its files, for test/callers: installed once on a machine, each
// into a folder of its own in the cache of the tests.
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, npm, python, run } from "./servers.mjs";

const source = (name) => fileURLToPath(new URL(`../test/callers/${name}`, import.meta.url));

/** Name of the variable that tells the tests where it is, its way of installing, packages, what has to be there then. */
const PROGRAMS = [
  {
    variable: "PYTHON_PROGRAMS",
    by: ansible,
    packages: [
      "ansible-core==2.19.4",
      "sopsy==1.3.0",
      "isops==0.3.0",
      "pre-commit-hook-ensure-sops==1.1",
      "sops-checker==0.2.0",
    ],
    program: "ansible-playbook",
  },
  {
    variable: "SOPS_AGE",
    by: npm,
    packages: ["sops-age@4.0.2"],
    program: "node_modules/sops-age/package.json",
  },
  { variable: "ROPS", by: rops, packages: ["rops-reader@0.1.7"], program: "rops-reader" },
  { variable: "GO_READER", by: goReader, packages: ["go-reader@v3.13.3"], program: "reader" },
];

/** The collection community.sops comes in this package, which is too large to be unpacked for it. */
const COLLECTIONS = "ansible==12.3.0";

/** Where each one is, by variable. Installs what is missing, which takes minutes. @throws if that does not work. */
export async function installCallers() {
  const found = {};
  // one after the other: compilers use all of the machine
  for (const program of PROGRAMS)
    found[program.variable] = await install({ ...program, bin: program.by === ansible });
  return found;
}

async function ansible(folder, packages) {
  await python(folder, packages);
  const pip = [join(folder, "bin", "python"), "-m", "pip", "--disable-pip-version-check"];
  const wheels = join(folder, "wheels");
  await run(pip[0], [...pip.slice(1), "download", "--quiet", "--no-deps", "--dest", wheels, COLLECTIONS]);
  const unpack = `import glob, sys, zipfile
with zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]) as wheel:
    for name in wheel.namelist():
        if name.startswith("ansible_collections/community/sops/"): wheel.extract(name, sys.argv[2])`;
  await run(pip[0], ["-c", unpack, wheels, join(folder, "collections")]);
  rmSync(wheels, { recursive: true });
}

async function rops(folder) {
  cpSync(source("rops-reader"), folder, { recursive: true });
  await run("cargo", ["build", "--quiet", "--locked"], {
    cwd: folder,
    env: { ...process.env, CARGO_TARGET_DIR: join(folder, "target") },
  });
  renameSync(join(folder, "target", "debug", "rops-reader"), join(folder, "rops-reader"));
  rmSync(join(folder, "target"), { recursive: true });
}

async function goReader(folder) {
  cpSync(source("go-reader"), folder, { recursive: true });
  await run("go", ["build", "-o", "reader", "."], {
    cwd: folder,
    env: { ...process.env, GOFLAGS: "-mod=mod" },
  });
}
