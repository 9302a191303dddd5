// The formula for Homebrew: takes the archives of a release, by their checksums.
import { COMPLETIONS } from "./archives.mjs";

/** Homebrew's words for the machines that it runs on. */
const MACHINES = {
  on_macos: { on_arm: "darwin-arm64", on_intel: "darwin-x64" },
  on_linux: { on_arm: "linux-arm64", on_intel: "linux-x64" },
};

/** @param sums the checksum of each file of the release, by its name. Machines without an archive are left out. */
export function formula({ name, version, license, url }, sums) {
  const source = (target) => {
    const file = `${name}-${version}-${target}.tar.gz`;
    return sums[file] && [`url "${url}/releases/download/v${version}/${file}"`, `sha256 "${sums[file]}"`];
  };
  const systems = Object.entries(MACHINES).flatMap(([system, machines]) => {
    const found = Object.entries(machines)
      .map(([machine, target]) => [machine, source(target)])
      .filter(([, lines]) => lines);
    if (found.length === 0) return [];
    return [
      "",
      ...block(
        system,
        found.flatMap(([machine, lines]) => block(machine, lines)),
      ),
    ];
  });
  const body = [
    'desc "Keeps secrets in git, in the files of SOPS"',
    `homepage "${url}"`,
    `version "${version}"`,
    `license "${license}"`,
    ...systems,
    "",
    ...block("def install", [
      'bin.install "tsops"',
      'man1.install "man/tsops.1"',
      `bash_completion.install "${COMPLETIONS.bash}" => "tsops"`,
      `zsh_completion.install "${COMPLETIONS.zsh}"`,
      `fish_completion.install "${COMPLETIONS.fish}"`,
      'doc.install "LICENSES.txt"',
    ]),
    "",
    ...block("test do", ['assert_match "tsops #{version}", shell_output("#{bin}/tsops --version")']),
  ];
  return `${block("class Tsops < Formula", body).join("\n")}\n`;
}

function block(head, lines) {
  const opened = head.startsWith("on_") ? `${head} do` : head;
  return [opened, ...lines.map((line) => (line === "" ? "" : `  ${line}`)), "end"];
}
