import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { MANIFEST, ROOT } from "../support/release.ts";

/* The workflows of .github: nothing runs them here, so that what they may do and what they take is looked at as text. */

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions?: Readonly<Record<string, string>>;
        readonly uses?: string;
        readonly needs?: string | readonly string[];
        readonly steps?: readonly Step[];
      }
    >
  >;
}

const folder = join(ROOT, ".github", "workflows");
const texts = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
const workflows = new Map([...texts].map(([name, text]) => [name, parse(text) as Workflow]));
const release = workflows.get("release.yml")!;

test("actionlint finds nothing, nor does shellcheck in what is run", () => {
  const program = process.env.ACTIONLINT;
  assert.ok(program, "run it with node scripts/test.mjs --release");
  const argv = ["-shellcheck", "shellcheck", ...[...texts.keys()].map((name) => join(folder, name))];
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd: ROOT, encoding: "utf8" });
  assert.is(`${stdout}${stderr}`, "");
  assert.is(status, 0);
  // actionlint goes without it if it is not there
  assert.is(spawnSync("shellcheck", ["--version"]).status, 0, "shellcheck is not installed");
});

test("each action is one commit, with its version beside it, and the same one everywhere", () => {
  const pins = new Map<string, string>();
  for (const [name, text] of texts)
    for (const [line, used] of text.matchAll(/^ *(?:- )?uses: (.*)$/gm)) {
      if (used!.startsWith("./.github/workflows/")) continue;
      const pin = /^([\w-]+\/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$/.exec(used!);
      assert.ok(pin, `${name}: ${line}`);
      assert.is(pins.get(pin[1]!) ?? pin[2], pin[2], `${name}: ${line}`);
      pins.set(pin[1]!, pin[2]!);
    }
  // only those of GitHub itself
  assert.equal(
    [...pins.keys()].filter((action) => !action.startsWith("actions/")),
    [],
  );
  assert.ok(pins.size >= 5);
});

/** What each job may do. A job that is not here, or may do more, has to be thought about first. */
const PERMISSIONS: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  "ci.yml": { run: { contents: "read" } },
  "release.yml": {
    test: { contents: "read" },
    build: { contents: "read" },
    attest: { contents: "read", "id-token": "write", attestations: "write" },
    container: { contents: "read", packages: "write", "id-token": "write", attestations: "write" },
    npm: { contents: "read", "id-token": "write" },
    github: { contents: "write" },
  },
};

test("a workflow may do nothing, and each job just what it needs", () => {
  assert.equal([...workflows.keys()].sort(), Object.keys(PERMISSIONS));
  for (const [name, { permissions, jobs }] of workflows) {
    assert.equal(permissions, {}, name);
    const found = Object.entries(jobs).map(([job, each]) => [job, each.permissions]);
    assert.equal(Object.fromEntries(found), PERMISSIONS[name]);
  }
});

test("no checkout leaves a token behind, and no workflow has a secret", () => {
  for (const [name, { jobs }] of workflows)
    for (const { steps = [] } of Object.values(jobs))
      for (const { uses, with: inputs } of steps)
        if (uses?.startsWith("actions/checkout@")) assert.is(inputs?.["persist-credentials"], false, name);
  for (const [name, text] of texts) {
    assert.not.match(text, /\bsecrets\b/, name);
    // what others write never becomes part of a script
    assert.not.match(text, /pull_request_target|github\.event\.|github\.head_ref/, name);
  }
});

test("nothing is published before all tests have passed and all is attested", () => {
  const { jobs } = release;
  const behind = (job: string): string[] =>
    [jobs[job]!.needs ?? []].flat().flatMap((each) => [each, ...behind(each)]);
  for (const job of ["container", "npm", "github"])
    for (const first of ["test", "build", "attest"])
      assert.ok(behind(job).includes(first), `${job}: ${first}`);
  assert.is(jobs.test!.uses, "./.github/workflows/ci.yml");
  const ci = workflows.get("ci.yml")!.jobs.run!.steps!.map((step) => step.run);
  assert.ok(ci.includes(".ci/run"));
});

test("only a tag of a version starts a release, and what is published was checked by its sums in that job", () => {
  assert.equal(release.on, { push: { tags: ["v[0-9]+.[0-9]+.[0-9]+*"] } });
  for (const [name, { steps = [] }] of Object.entries(release.jobs)) {
    const got = steps.findIndex(({ uses }) => uses?.startsWith("actions/download-artifact@"));
    if (got < 0) continue;
    assert.match(steps[got + 1]!.run!, "sha256sum --check --strict SHA256SUMS", name);
  }
  const scripts = Object.values(release.jobs).flatMap(({ steps = [] }) => steps.map(({ run = "" }) => run));
  const one = (text: string): string => scripts.find((each) => each.includes(text)) ?? "";
  assert.match(one("release:dry"), '--tag "$GITHUB_REF_NAME" --twice');
  assert.match(one("npm publish"), "--provenance --access public --ignore-scripts");
  assert.match(one("npm publish"), `./release/${MANIFEST.name}-$version.tgz`);
  assert.match(one("gh release create"), "--verify-tag");
});

test("the Node that builds and publishes is named", () => {
  for (const [name, { jobs }] of workflows)
    for (const { steps = [] } of Object.values(jobs))
      for (const { uses, with: inputs } of steps)
        if (uses?.startsWith("actions/setup-node@")) {
          assert.ok(inputs?.["node-version"], name);
          assert.is(inputs?.["package-manager-cache"], false, name);
        }
});

test.run();
