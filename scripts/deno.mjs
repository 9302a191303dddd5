// Deno, for tests of the library: a package of the registry for each machine, installed once, in the cache of the tests.
import { install, npm } from "./servers.mjs";

const VERSION = "2.9.6";

/** Its path. @throws if there is no build for this machine. */
export async function installDeno() {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("the tests take the build of Deno for Linux on x64");
  const name = "@deno/linux-x64-glibc";
  return await install({ by: npm, packages: [`${name}@${VERSION}`], program: `node_modules/${name}/deno` });
}
