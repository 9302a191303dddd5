import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { IDENTITY, installed, Project } from "../support/callers.ts";

/* Libraries that read SOPS's files themselves read what tsops wrote, also after `set`, `edit` and `rotate`. */

const VALUES = {
  user: "alice",
  password: 's3 "cret" ü',
  port: 5432,
  ratio: 2.5,
  on: true,
  list: ["one", "two"],
  deep: { a: { b: "c" } },
};
const YAML = `# a comment
user: alice
password: "s3 \\"cret\\" ü"   # another
port: 5432
ratio: 2.5

on: true
list:
    - one
    - two
deep: {a: {b: c}}
`;
const TEXTS = {
  "a.yaml": YAML,
  "a.json": `${JSON.stringify(VALUES, null, 2)}\n`,
  "a.env": "# a comment\nUSER=alice\nPASSWORD=s3 cret\n",
  "a.ini": "[s]\nuser = alice\n",
};

const sopsAge = installed("SOPS_AGE");
const { exports: entries, main } = JSON.parse(readFileSync(sopsAge, "utf8"));
const entry = entries?.["."]?.import?.default ?? entries?.["."]?.import ?? main;
const { decryptSops } = await import(pathToFileURL(join(dirname(sopsAge), entry)).href);

type Reader = (project: Project, file: string) => Promise<unknown>;
const READERS: Record<string, { reads: readonly string[]; read: Reader }> = {
  "sops-age": {
    reads: ["a.yaml", "a.json", "a.env"],
    read: (project, file) => decryptSops({ path: project.path(file), secretKey: IDENTITY }),
  },
  rops: {
    reads: ["a.yaml", "a.json"],
    read: async (project, file) => {
      const text = project.out([installed("ROPS"), file], "", { ROPS_AGE: IDENTITY });
      const { sops, ...values } = parse(text);
      assert.ok(sops);
      return values;
    },
  },
  "SOPS's Go library": {
    reads: Object.keys(TEXTS),
    read: async (project, file) => {
      const text = project.out([installed("GO_READER"), file]);
      return file.endsWith("yaml") || file.endsWith("json") ? parse(text) : text;
    },
  },
};

const CHANGES: Record<string, (project: Project, file: string) => void> = {
  encrypt: () => undefined,
  set: (project, file) => {
    const path = { "a.env": '["USER"]', "a.ini": '["s"]["user"]' }[file] ?? '["deep"]["a"]["b"]';
    project.out(["sops", "set", file, path, '"changed"']);
  },
  edit: (project, file) => {
    project.out(["sops", "edit", file], "", { EDITOR: "sed -i s/alice/bob/" });
  },
  rotate: (project, file) => {
    project.out(["sops", "rotate", "-i", file]);
  },
};

for (const [name, { reads, read }] of Object.entries(READERS)) {
  for (const file of reads) {
    for (const [change, apply] of Object.entries(CHANGES)) {
      test(`${name} reads ${file} after ${change}`, async () => {
        // both write, so that what the reader itself cannot read is told from what we write otherwise
        const [theirs, ours] = await Promise.all(
          (["sops", "tsops"] as const).map(async (side) => {
            const project = new Project(side);
            project.write(file, TEXTS[file as keyof typeof TEXTS]);
            project.out(["sops", "encrypt", "-i", file]);
            apply(project, file);
            return await read(project, file);
          }),
        );
        assert.equal(ours, theirs);
        if (change === "encrypt" && /yaml|json/.test(file)) assert.equal(ours, VALUES);
      });
    }
  }
}

test.run();
