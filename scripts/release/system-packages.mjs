// The executable as deb and rpm, made by nfpm. It is installed with Go, once on a machine.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { go, install } from "../servers.mjs";
import { COMPLETIONS } from "./archives.mjs";

const NFPM = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0";
/** Go's name of each target's machine, from which nfpm makes those of Debian and Fedora. musl has packages of its own. */
export const MACHINES = { "linux-x64": "amd64", "linux-arm64": "arm64" };
/** The oldest C library that has all that the executable asks for; see test/release/packages.test.ts. */
const LIBC = "2.17";

export async function installNfpm() {
  return await install({ by: go, packages: [NFPM], program: "nfpm" });
}

/** @param folder what unpack (archives.mjs) made for the target; the packages are put into the folder `into`. */
export function makePackages(nfpm, { product, target, folder, into, time }) {
  const scratch = `${folder}-packages`;
  mkdirSync(scratch);
  // Debian wants pages compressed. The time in the header stays 0
  const page = join(scratch, "tsops.1.gz");
  writeFileSync(page, gzipSync(readFileSync(join(folder, "man", "tsops.1")), { level: 9 }));
  chmodSync(page, 0o644);
  const config = join(scratch, "nfpm.json");
  writeFileSync(config, JSON.stringify(description({ product, target, folder, page, time })));
  for (const packager of ["deb", "rpm"])
    execFileSync(nfpm, ["package", "--config", config, "--packager", packager, "--target", into], {
      stdio: ["ignore", "ignore", "inherit"],
    });
}

function description({ product, target, folder, page, time }) {
  const mtime = new Date(time * 1000).toISOString();
  const file = (source, dst, more) => ({
    src: source,
    dst,
    file_info: { mode: 0o644, owner: "root", group: "root", mtime },
    ...more,
  });
  const ofFolder = (source, dst, more) => file(join(folder, source), dst, more);
  const program = ofFolder("tsops", "/usr/bin/tsops");
  program.file_info.mode = 0o755;
  return {
    ...{ name: product.name, version: product.version, release: "1", arch: MACHINES[target], mtime },
    ...{ platform: "linux", section: "utils", priority: "optional", umask: 0o022 },
    ...{ maintainer: "the tsops authors", description: product.description, license: product.license },
    ...(product.released && { homepage: product.url }),
    overrides: {
      deb: { depends: [`libc6 (>= ${LIBC})`] },
      rpm: { depends: [`glibc >= ${LIBC}`] },
    },
    rpm: { buildhost: "reproducible", summary: product.description },
    contents: [
      program,
      file(page, "/usr/share/man/man1/tsops.1.gz"),
      ofFolder(COMPLETIONS.bash, "/usr/share/bash-completion/completions/tsops"),
      ofFolder(COMPLETIONS.fish, "/usr/share/fish/vendor_completions.d/tsops.fish"),
      ofFolder(COMPLETIONS.zsh, "/usr/share/zsh/vendor-completions/_tsops", { packager: "deb" }),
      ofFolder(COMPLETIONS.zsh, "/usr/share/zsh/site-functions/_tsops", { packager: "rpm" }),
      ofFolder("LICENSE", "/usr/share/doc/tsops/copyright", { packager: "deb" }),
      ofFolder("LICENSES.txt", "/usr/share/doc/tsops/LICENSES.txt", { packager: "deb" }),
      ofFolder("LICENSE", "/usr/share/licenses/tsops/LICENSE", { packager: "rpm", type: "license" }),
      ofFolder("LICENSES.txt", "/usr/share/licenses/tsops/LICENSES.txt", {
        packager: "rpm",
        type: "license",
      }),
    ],
  };
}
