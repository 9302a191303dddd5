import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decrypts, MANIFEST, PLAINTEXT, released, run, SUMS, unpacked } from "../support/release.ts";
import { scratchFolder } from "../support/scripts.ts";

/* The formula, run by Ruby with just as much of Homebrew around it as it uses. */

const HOMEBREW = `
require "fileutils"
$found = []
$said = {}
$system = nil
class Place
  def initialize(name) = @path = File.join(ENV.fetch("PREFIX"), name)
  def to_s = @path
  def install(what)
    from, to = what.is_a?(Hash) ? what.first : [what, File.basename(what)]
    FileUtils.mkdir_p(@path)
    FileUtils.cp(from, File.join(@path, to), preserve: true)
  end
end
class Formula
  class << self
    %w[desc homepage version license].each { |name| define_method(name) { |value| $said[name] = value } }
    def on_macos(&block) = ($system = "darwin"; block.call)
    def on_linux(&block) = ($system = "linux"; block.call)
    def on_arm(&block) = ($machine = "arm64"; block.call)
    def on_intel(&block) = ($machine = "x64"; block.call)
    def url(value) = $found << { target: "#{$system}-#{$machine}", url: value }
    def sha256(value) = $found.last[:sha256] = value
    def test(&block) = define_method(:check, &block)
  end
  %w[bin man1 bash_completion zsh_completion fish_completion doc].each { |name| define_method(name) { Place.new(name) } }
  def version = $said["version"]
  def shell_output(command) = \`#{command}\`
  def assert_match(expected, text) = text.include?(expected) || raise("#{text} has no #{expected}")
end
require "json"
load ENV.fetch("FORMULA")
Dir.chdir(ENV.fetch("UNPACKED"))
formula = Tsops.new
formula.install
formula.check
puts JSON.generate({ said: $said, found: $found })
`;

interface Answer {
  readonly said: Readonly<Record<string, string>>;
  readonly found: readonly { readonly target: string; readonly url: string; readonly sha256: string }[];
}

const prefix = scratchFolder();
const script = join(scratchFolder(), "homebrew.rb");
writeFileSync(script, HOMEBREW);
mkdirSync(join(prefix, "bin"));
const env = { PREFIX: prefix, FORMULA: released("tsops.rb"), UNPACKED: unpacked("linux-x64") };
const answer = JSON.parse(
  run(["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`), "ruby", script]),
) as Answer;

test("Ruby reads it, without a warning", () => {
  assert.is(run(["ruby", "-wc", released("tsops.rb")]), "Syntax OK\n");
});

test("each machine of Homebrew gets the archive for it, with the checksum of the file in this release", () => {
  const targets = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"];
  const archive = (target: string): string => `tsops-${MANIFEST.version}-${target}.tar.gz`;
  assert.equal(
    answer.found.map(({ target }) => target),
    targets.filter((target) => SUMS.has(archive(target))),
  );
  for (const { target, url, sha256 } of answer.found) {
    assert.ok(url.endsWith(`/releases/download/v${MANIFEST.version}/${archive(target)}`), url);
    assert.is(sha256, SUMS.get(archive(target)));
  }
});

test("it says what package.json says", () => {
  assert.is(answer.said.version, MANIFEST.version);
  assert.is(answer.said.license, MANIFEST.license);
  // what Homebrew asks of a description
  assert.ok(answer.said.desc!.length < 80 && !/^(?:an?|the) |\.$|tsops/i.test(answer.said.desc!));
});

test("what it installs is there, and works", () => {
  assert.is(decrypts(join(prefix, "bin", "tsops")), PLAINTEXT);
  for (const path of [
    "man1/tsops.1",
    "bash_completion/tsops",
    "zsh_completion/_tsops",
    "fish_completion/tsops.fish",
  ])
    assert.ok(existsSync(join(prefix, path)), path);
  assert.match(readFileSync(join(prefix, "doc", "LICENSES.txt"), "utf8"), "bun");
});

test.run();
