// What is released: the words of package.json, the time of the commit, and what CHANGELOG.md says of the version.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Stands where a repository's address is needed while package.json names none: an address that leads nowhere. */
const NOWHERE = "https://tsops.invalid";

/** @returns name, version, description and license, and `url` of the repository; `released` says whether that is real. */
export function product(root) {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { name, version, description, license, repository } = manifest;
  return {
    ...{ name, version, description, license },
    released: repository !== undefined,
    url: repository === undefined ? NOWHERE : addressOf(repository),
  };
}

/** npm's `git+https://host/owner/name.git` as people write it. */
export function addressOf(repository) {
  const text = (repository.url ?? repository).replace(/^git\+/, "").replace(/\.git$/, "");
  if (!/^https:\/\/[^/\s]+\/[^/\s]+\/[^/\s]+$/.test(text))
    throw new Error(`package.json: repository has to be git+https://HOST/OWNER/NAME.git, not ${text}`);
  return text;
}

/** @throws if a tag is not for what is in this checkout: what is published cannot be taken back. */
export function refuseOtherTag(tag, { version, released, url }, env) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, and package.json has version ${version}`);
  if (!released)
    throw new Error("package.json names no repository: npm's provenance and the formula need it");
  const here = env.GITHUB_REPOSITORY && `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}`;
  if (here && here !== url)
    throw new Error(`package.json names ${url} as the repository, and this is ${here}`);
}

/** Seconds since 1970: what every file of a release has as its time. */
export function timeOf(root, env) {
  const given = env.SOURCE_DATE_EPOCH;
  const text = given || execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  if (!/^\d+\s*$/.test(text)) throw new Error(`SOURCE_DATE_EPOCH is not a number of seconds: ${text}`);
  return Number(text);
}

/** The section of CHANGELOG.md of this version. `## Unreleased` counts only if there is no tag. */
export function notesOf(changelog, version, tagged) {
  const sections = changelog.split(/^## /m).slice(1);
  const titled = (title) => sections.find((each) => each.split("\n", 1)[0].split(" ")[0] === title);
  const section = titled(version) ?? (tagged ? undefined : titled("Unreleased"));
  if (!section) throw new Error(`CHANGELOG.md has no section "## ${version}"`);
  const text = section.slice(section.indexOf("\n") + 1).trim();
  if (!text) throw new Error(`CHANGELOG.md says nothing of version ${version}`);
  return `${text}\n`;
}
