import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { asRoot, MANIFEST, PLAINTEXT, ROOT, run, unpacked } from "../support/release.ts";
import { scratchFolder } from "../support/scripts.ts";

/*
 * The container image is not built by tests: its base is in a registry. What the Dockerfile says is looked at, and what it
 * copies is put into a folder that has nothing else but the C library, and run there as the user of the image.
 */

const lines = readFileSync(join(ROOT, "Dockerfile"), "utf8")
  .replace(/^#.*\n/gm, "")
  .replace(/\\\n\s*/g, " ")
  .split("\n")
  .filter(Boolean);
const of = (word: string): string[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
const folder = unpacked("linux-x64");

test("the base is one image, by its digest, and nothing is run or fetched to build upon it", () => {
  assert.equal(
    new Set(lines.map((line) => line.split(" ")[0])),
    new Set(["FROM", "LABEL", "ARG", "COPY", "USER", "WORKDIR", "ENTRYPOINT"]),
  );
  assert.is(of("FROM").length, 1);
  assert.match(of("FROM")[0]!, /^gcr\.io\/distroless\/base-nossl-debian12:nonroot@sha256:[0-9a-f]{64}$/);
});

test("it runs as a user without rights, by number, so that Kubernetes can tell", () => {
  assert.equal(of("USER"), ["65532:65532"]);
  assert.equal(of("ENTRYPOINT"), ['["/usr/bin/tsops"]']);
});

test("its labels are the words of package.json", () => {
  const labels = Object.fromEntries(
    [...of("LABEL")[0]!.matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  assert.equal(labels, {
    title: MANIFEST.name,
    description: MANIFEST.description,
    licenses: MANIFEST.license,
  });
});

/** As the Dockerfile has it. */
const ARCHIVE = ["$", "{FOLDER}/"].join("");

test("what it copies is in the archives of a release, and works for that user with nothing but the C library", () => {
  assert.equal(of("ARG"), ["FOLDER"]);
  const image = scratchFolder();
  for (const copied of of("COPY")) {
    const words = copied.split(" ");
    const to = words.pop()!;
    for (const word of words) {
      const source = join(folder, word.slice(ARCHIVE.length));
      assert.ok(word.startsWith(ARCHIVE) && existsSync(source), word);
      const target = join(image, to.endsWith("/") ? join(to, word.split("/").at(-1)!) : to);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(source, target);
    }
  }
  const program = join(image, "usr/bin/tsops");
  for (const [library] of run(["ldd", program]).matchAll(/\/lib\S+/g)) {
    mkdirSync(join(image, dirname(library)), { recursive: true });
    cpSync(library, join(image, library), { dereference: true });
  }
  const golden = join(ROOT, "fixtures", "golden");
  mkdirSync(join(image, "work"));
  cpSync(join(golden, "keys-age-two", "in", "golden.enc.yaml"), join(image, "work", "a.yaml"));
  cpSync(join(golden, "keys", "age1.txt"), join(image, "work", "key.txt"));
  chmodSync(image, 0o755);
  // every container has /proc, and bun does not start without it; it is seen by this command alone
  mkdirSync(join(image, "proc"));
  const inside =
    'mount --rbind /proc "$1/proc" && exec chroot --userspec=65532:65532 "$1" /usr/bin/tsops decrypt /work/a.yaml';
  const key = ["SOPS_AGE_KEY_FILE=/work/key.txt", "HOME=/home/nonroot", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
  assert.is(asRoot(["env", "-i", ...key, "unshare", "--mount", "sh", "-c", inside, "sh", image]), PLAINTEXT);
});

test.run();
