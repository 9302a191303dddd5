import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  decrypts,
  MANIFEST,
  PLAINTEXT,
  RELEASE,
  ROOT,
  released,
  run,
  SUMS,
  unpacked,
} from "../support/release.ts";

/* The files of a release: that they are what their names say, and work. */

const version = MANIFEST.version;
const archives = [...SUMS.keys()].filter((name) => name.endsWith(".tar.gz"));

test("every file has its checksum in SHA256SUMS, as sha256sum reads it", () => {
  assert.equal(readdirSync(RELEASE).sort(), [...SUMS.keys(), "SHA256SUMS"].sort());
  for (const [name, sum] of SUMS)
    assert.is(
      createHash("sha256")
        .update(readFileSync(join(RELEASE, name)))
        .digest("hex"),
      sum,
      name,
    );
  assert.match(run(["sha256sum", "--check", "--strict", "SHA256SUMS"], RELEASE), "tsops.rb: OK");
});

test("each archive has these files, of root, with the time of a commit, and only the executable can be executed", () => {
  const times = new Set<number>();
  assert.ok(archives.length > 0);
  for (const archive of archives) {
    const folder = archive.replace(".tar.gz", "");
    const program = folder.includes("windows") ? "tsops.exe" : "tsops";
    const listed = run([
      "tar",
      "--list",
      "--verbose",
      "--full-time",
      "--utc",
      "--numeric-owner",
      "-zf",
      join(RELEASE, archive),
    ]);
    const rows = listed
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    const paths = rows.map((row) => row[5]!);
    const around = [
      "LICENSE",
      "LICENSES.txt",
      "completions/",
      "completions/_tsops",
      "completions/tsops.bash",
    ];
    assert.equal(
      paths,
      ["", ...around, "completions/tsops.fish", "man/", "man/tsops.1", program].map(
        (path) => `${folder}/${path}`,
      ),
    );
    for (const [mode, owner, , day, hour, path] of rows) {
      const file = path!.endsWith(`/${program}`) ? "-rwxr-xr-x" : "-rw-r--r--";
      assert.is(mode, path!.endsWith("/") ? "drwxr-xr-x" : file, path);
      assert.is(owner, "0/0", path);
      times.add(Date.parse(`${day}T${hour}Z`) / 1000);
    }
  }
  assert.is(times.size, 1);
  const commits = run(["git", "log", "--format=%ct"]).split("\n");
  const given = process.env.SOURCE_DATE_EPOCH;
  assert.ok(
    [...commits, given].includes(`${[...times][0]}`),
    "the release was not made of a commit of this checkout",
  );
});

test("the executable of the archive for this machine decrypts, and says its version", () => {
  const folder = unpacked("linux-x64");
  const program = join(folder, "tsops");
  assert.is(decrypts(program), PLAINTEXT);
  assert.match(run([program, "--version"]), `\ntsops ${version},`);
  assert.is(readFileSync(join(folder, "LICENSE"), "utf8"), readFileSync(join(ROOT, "LICENSE"), "utf8"));
  for (const name of ["bun 1.", "openpgp ", "@aws-sdk/client-kms "])
    assert.match(readFileSync(join(folder, "LICENSES.txt"), "utf8"), name);
  for (const [shell, file] of [
    ["bash", "tsops.bash"],
    ["zsh", "_tsops"],
    ["fish", "tsops.fish"],
  ] as const)
    assert.is(readFileSync(join(folder, "completions", file), "utf8"), run([program, "completion", shell]));
});

test("executables are for the machines that their names say", () => {
  const magic: Readonly<Record<string, RegExp>> = {
    "linux-x64": /^7f454c460201.{20}0[23]003e00/,
    "linux-arm64": /^7f454c460201.{20}0[23]00b700/,
    "darwin-x64": /^cffaedfe07000001/,
    "darwin-arm64": /^cffaedfe0c000001/,
    windows: /^4d5a/,
  };
  for (const archive of archives) {
    const target = archive.slice(`tsops-${version}-`.length, -".tar.gz".length);
    const folder = unpacked(target);
    const start = readFileSync(join(folder, target.startsWith("windows") ? "tsops.exe" : "tsops")).subarray(
      0,
      4096,
    );
    const key = Object.keys(magic).find((each) => target.startsWith(each))!;
    assert.match(start.toString("hex"), magic[key]!, target);
    const loader = /\/lib(?:64)?\/ld-[\w.-]+/.exec(start.toString("latin1"))?.[0] ?? "";
    if (target.startsWith("linux"))
      assert.is(loader.includes("musl"), target.endsWith("musl"), `${target}: ${loader}`);
  }
});

test("no file names the folder where it was made", () => {
  const folder = unpacked("linux-x64");
  for (const path of [
    join(folder, "tsops"),
    join(folder, "LICENSES.txt"),
    released("tsops.rb"),
    released("-npm.cdx.json"),
  ])
    assert.not.ok(readFileSync(path, "latin1").includes(ROOT), path);
});

test("the npm package is the one of this version, with rights that everybody can read it", () => {
  const rows = run(["tar", "--list", "--verbose", "-zf", released(`tsops-${version}.tgz`)])
    .trim()
    .split("\n");
  assert.ok(rows.length > 100);
  for (const row of rows)
    assert.match(row, / package\/bin\/tsops\.js$/.test(row) ? /^-rwxr-xr-x/ : /^-rw-r--r--/);
  assert.ok(statSync(released(`tsops-${version}.tgz`)).size < 3_000_000);
});

test("the bills of materials say what is in which: bun is in the executables only", () => {
  const names = (end: string): string[] =>
    JSON.parse(readFileSync(released(end), "utf8")).components.map(({ purl }: { purl: string }) => purl);
  const npm = names("-npm.cdx.json");
  const executables = names("-executables.cdx.json");
  const bun = executables.filter((purl) => purl.startsWith("pkg:npm/bun@"));
  assert.is(bun.length, 1);
  assert.not.ok(npm.includes(bun[0]!));
  for (const bill of [npm, executables])
    for (const name of ["openpgp", "%40aws-sdk/client-kms", "sshpk"])
      assert.ok(
        bill.some((purl) => purl.startsWith(`pkg:npm/${name}@`)),
        name,
      );
});

test("the notes are what the changelog says of this version", () => {
  const notes = readFileSync(join(ROOT, "build", "release-notes.md"), "utf8");
  const [, said, tools] = /^([\s\S]+)\n\n(.+)\n$/.exec(notes)!;
  assert.ok(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8").includes(said!));
  assert.not.match(said!, /^## /m);
  assert.match(tools!, /^Made with Node \d+\.\d+\.\d+, npm \d+\.\d+\.\d+ and go1\.\d+/);
});

test.run();
