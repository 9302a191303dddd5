import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  asRoot,
  decrypts,
  MANIFEST,
  PLAINTEXT,
  ROOT,
  released,
  run,
  SUMS,
  unpacked,
} from "../support/release.ts";
import { scratchFolder } from "../support/scripts.ts";

/* deb and rpm: what they say of themselves, what they would put where, and that it works from there. */

const { version, description, license } = MANIFEST;
/** The program's own name of each machine, beside those of Debian and Fedora. */
const MACHINES = { "linux-x64": ["amd64", "x86_64"], "linux-arm64": ["arm64", "aarch64"] } as const;
const made = Object.entries(MACHINES).filter(([target]) => SUMS.has(`tsops-${version}-${target}.tar.gz`));

const COMMON = [
  "/usr/bin/tsops",
  "/usr/share/bash-completion/completions/tsops",
  "/usr/share/fish/vendor_completions.d/tsops.fish",
  "/usr/share/man/man1/tsops.1.gz",
];
const OF_DEB = [
  "/usr/share/doc/tsops/LICENSES.txt",
  "/usr/share/doc/tsops/copyright",
  "/usr/share/zsh/vendor-completions/_tsops",
];
const OF_RPM = [
  "/usr/share/licenses/tsops/LICENSE",
  "/usr/share/licenses/tsops/LICENSES.txt",
  "/usr/share/zsh/site-functions/_tsops",
];

test("there is a deb and an rpm for each Linux with glibc", () => {
  assert.ok(made.length > 0);
  for (const [target, [debian, fedora]] of made) {
    assert.ok(SUMS.has(`tsops_${version}-1_${debian}.deb`), target);
    assert.ok(SUMS.has(`tsops-${version}-1.${fedora}.rpm`), target);
  }
});

test("a deb names version, machine, licence and nothing that it needs but the C library", () => {
  for (const [, [machine]] of made) {
    const field = (name: string): string =>
      run(["dpkg-deb", "--field", released(`_${machine}.deb`), name]).trim();
    assert.is(field("Package"), "tsops");
    assert.is(field("Version"), `${version}-1`);
    assert.is(field("Architecture"), machine);
    assert.is(field("Depends"), "libc6 (>= 2.17)");
    assert.is(field("Description"), description);
    assert.is(field("License"), license);
    for (const other of ["Recommends", "Suggests", "Pre-Depends"]) assert.is(field(other), "");
    // no script runs when it is installed or removed
    assert.equal(run(["dpkg-deb", "--ctrl-tarfile", released(`_${machine}.deb`)]).match(/\.\/\w+\0/g), [
      "./control\0",
      "./md5sums\0",
    ]);
  }
});

test("a deb puts these files there, and the program runs and its manual page can be read", () => {
  for (const [target, [machine]] of made) {
    const root = scratchFolder();
    run(["dpkg-deb", "--extract", released(`_${machine}.deb`), root]);
    assert.equal(filesBelow(root), [...COMMON, ...OF_DEB].sort());
    assertWorks(root, target);
    assert.is(
      readFileSync(join(root, "usr/share/doc/tsops/copyright"), "utf8"),
      readFileSync(join(ROOT, "LICENSE"), "utf8"),
    );
  }
});

test("apt would install the deb for this machine: nothing is missing", () => {
  const said = run(["apt-get", "install", "--simulate", released("_amd64.deb")]);
  assert.match(said, new RegExp(`^Inst tsops \\(${version.replaceAll(".", "\\.")}-1 `, "m"));
  assert.is(said.match(/^Inst /gm)?.length, 1);
});

test("an rpm says the same", () => {
  for (const [, [, machine]] of made) {
    const file = released(`.${machine}.rpm`);
    const asked = ["%{NAME}", "%{VERSION}-%{RELEASE}", "%{ARCH}", "%{LICENSE}", "%{SUMMARY}", "%{BUILDHOST}"];
    const query = (format: string): string[] => run(["rpm", "-qp", "--qf", format, file]).trim().split("\n");
    assert.equal(query(asked.join("\\n")), [
      "tsops",
      `${version}-1`,
      machine,
      license,
      description,
      "reproducible",
    ]);
    assert.equal(query("[%{REQUIRENAME} %{REQUIREVERSION}\\n]"), ["glibc 2.17"]);
    assert.is(run(["rpm", "-qp", "--scripts", file]), "");
    assert.equal(query("[%{FILENAMES}\\n]").sort(), [...COMMON, ...OF_RPM].sort());
    assert.equal(new Set(query("[%{FILEUSERNAME}:%{FILEGROUPNAME}\\n]")), new Set(["root:root"]));
  }
});

test("rpm installs it into an empty folder, finds every file whole there, and the program runs", () => {
  for (const [target, [, machine]] of made) {
    const root = scratchFolder();
    // the C library is not there, nor a machine of the other kind
    const argv = ["rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--nodeps"] as const;
    asRoot([...argv, "--ignorearch", "--install", released(`.${machine}.rpm`)]);
    assert.is(asRoot([...argv, "--verify", "tsops"]), "");
    asRoot(["rm", "-r", join(root, "var")]);
    assert.equal(filesBelow(root), [...COMMON, ...OF_RPM].sort());
    assertWorks(root, target);
    asRoot(["rm", "-r", join(root, "usr")]);
  }
});

test("the executable asks for no newer C library than the packages say, and for nothing else", () => {
  for (const [target] of made) {
    const program = readFileSync(join(unpacked(target), "tsops")).toString("latin1");
    const versions = [...program.matchAll(/\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)/g)].map(
      ([, a, b]) => Number(a) * 1000 + Number(b),
    );
    assert.ok(versions.length > 0, target);
    assert.is(Math.max(...versions), 2017, target);
  }
  const needed = run(["ldd", join(unpacked("linux-x64"), "tsops")]).match(/^\t\S+/gm)!;
  const libraries = needed.map((name) => name.trim().replace(/^.*\//, "")).sort();
  const ofLibc = ["ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"];
  assert.equal(libraries, [...ofLibc, "linux-vdso.so.1"]);
});

function filesBelow(root: string): string[] {
  const found = run(["find", ".", "-not", "-type", "d"], root).trim().split("\n");
  return found.map((path) => path.slice(1)).sort();
}

function assertWorks(root: string, target: string): void {
  const page = gunzipSync(readFileSync(join(root, "usr/share/man/man1/tsops.1.gz"))).toString();
  assert.is(page, readFileSync(join(ROOT, "man", "tsops.1"), "utf8"));
  const program = join(root, "usr/bin/tsops");
  assert.is(statSync(program).mode & 0o7777, 0o755);
  assert.is(statSync(join(root, "usr/share/man/man1/tsops.1.gz")).mode & 0o7777, 0o644);
  if (target === `linux-${process.arch}`) assert.is(decrypts(program), PLAINTEXT);
}

test.run();
