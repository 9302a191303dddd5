import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { createFile, createNew, replaceFile } from "../../src/files/atomic.ts";
import { readDocument } from "../../src/files/read.ts";
import { node, othersIn, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("atomic");
const scratch = scratchFolder();
const ROOT = process.getuid?.() === 0;
let folders = 0;

function folder(): string {
  const path = join(scratch, `f${++folders}`);
  mkdirSync(path);
  return path;
}

async function failure(work: Promise<unknown>): Promise<TsopsError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

const text = (path: string): string => readFileSync(path, "utf8");
const mode = (path: string): number => statSync(path).mode & 0o7777;

test("replaces the content and keeps the mode, also one that the umask would not give", async () => {
  const dir = folder();
  const path = join(dir, "a.yaml");
  for (const wanted of [0o644, 0o600, 0o666, 0o640]) {
    writeFileSync(path, "old");
    chmodSync(path, wanted);
    await replaceFile(path, Buffer.from("new"));
    assert.is(text(path), "new");
    assert.is(mode(path), wanted);
  }
  assert.equal(othersIn(dir, "a.yaml"), []);
});

test("keeps the owner where that is allowed", async () => {
  if (!ROOT) return;
  const path = join(folder(), "a");
  writeFileSync(path, "old");
  chownSync(path, 12345, 23456);
  await replaceFile(path, Buffer.from("new"));
  assert.equal([statSync(path).uid, statSync(path).gid], [12345, 23456]);
});

test("replaces the target of a symbolic link, through folders and where nothing is yet", async () => {
  const dir = folder();
  const other = folder();
  writeFileSync(join(other, "real"), "old");
  symlinkSync(join(other, "real"), join(dir, "one"));
  symlinkSync("one", join(dir, "two"));
  await replaceFile(join(dir, "two"), Buffer.from("new"));
  assert.ok(lstatSync(join(dir, "one")).isSymbolicLink() && lstatSync(join(dir, "two")).isSymbolicLink());
  assert.is(text(join(other, "real")), "new");
  symlinkSync(join(other, "missing"), join(dir, "ahead"));
  await replaceFile(join(dir, "ahead"), Buffer.from("first"));
  assert.ok(lstatSync(join(dir, "ahead")).isSymbolicLink());
  assert.is(text(join(other, "missing")), "first");
  symlinkSync("loop", join(dir, "loop"));
  assert.match((await failure(replaceFile(join(dir, "loop"), Buffer.from("x")))).message, "circle");
});

test("follows a link that leads nowhere yet as the system does, through the parents of linked folders", async () => {
  const dir = folder();
  const other = folder();
  mkdirSync(join(other, "inner"));
  symlinkSync(join(other, "inner"), join(dir, "linked"));
  symlinkSync("linked/../missing", join(dir, "ahead"));
  await replaceFile(join(dir, "ahead"), Buffer.from("new"));
  assert.is(text(join(other, "missing")), "new");
  assert.equal(readdirSync(dir).sort(), ["ahead", "linked"]);
});

test("writes only what was expected to be there", async () => {
  const path = join(folder(), "a");
  writeFileSync(path, "old");
  const { fingerprint } = await readDocument(path);
  // the same content again, by somebody else, is no change
  writeFileSync(path, "old");
  await replaceFile(path, Buffer.from("new"), { expected: fingerprint });
  assert.is(text(path), "new");
  writeFileSync(path, "n3w");
  const error = await failure(
    replaceFile(path, Buffer.from("mine"), {
      expected: (await readDocument(path)).fingerprint && fingerprint,
    }),
  );
  assert.is(error.code, "changed-on-disk");
  assert.is(text(path), "n3w");
  assert.equal(othersIn(join(path, ".."), "a"), []);
});

test("files of plaintext are for their owner alone, others follow the umask", async () => {
  const dir = folder();
  await createFile(join(dir, "plain"), Buffer.from("x"), { plaintext: true });
  await createFile(join(dir, "cipher"), Buffer.from("x"), { plaintext: false });
  assert.is(mode(join(dir, "plain")), 0o600);
  assert.is(mode(join(dir, "cipher")), 0o666 & ~process.umask());
  // what is there keeps its mode: somebody chose it
  chmodSync(join(dir, "plain"), 0o640);
  await createFile(join(dir, "plain"), Buffer.from("y"), { plaintext: true });
  assert.is(mode(join(dir, "plain")), 0o640);
  assert.is(
    (await failure(createFile(join(dir, "no/where"), Buffer.from("x"), { plaintext: true }))).code,
    "write",
  );
  await createFile(join(dir, "made/for/it"), Buffer.from("x"), { plaintext: true, parents: true });
  assert.is(mode(join(dir, "made/for")), 0o700);
  assert.is(mode(join(dir, "made/for/it")), 0o600);
});

test("plaintext does not go to somebody who put a file in its place, where everybody can write", async () => {
  if (!ROOT) return;
  const dir = folder();
  const path = join(dir, "out");
  writeFileSync(path, "");
  chownSync(path, 12345, 23456);
  chmodSync(path, 0o666);
  // in a folder that is closed to others it is nobody's trick
  await createFile(path, Buffer.from("secret"), { plaintext: true });
  writeFileSync(path, "");
  chmodSync(dir, 0o1777);
  assert.is((await failure(createFile(path, Buffer.from("secret"), { plaintext: true }))).code, "write");
  assert.is(readFileSync(path, "utf8"), "");
});

test("what replaces a ciphertext with plaintext is for the owner alone, and says whom it shut out", async () => {
  const path = join(folder(), "a");
  for (const [before, after, narrowed] of [
    [0o644, 0o600, true],
    [0o664, 0o600, true],
    [0o755, 0o700, true],
    [0o600, 0o600, false],
    [0o4750, 0o700, true],
  ] as const) {
    writeFileSync(path, "x");
    chmodSync(path, before);
    assert.is((await replaceFile(path, Buffer.from("y"), { plaintext: true })).narrowed, narrowed);
    assert.is(mode(path), after);
  }
});

test("says how many other names a file had", async () => {
  const path = join(folder(), "a");
  assert.is((await replaceFile(path, Buffer.from("new"))).otherNames, 0);
  linkSync(path, `${path}-2`);
  linkSync(path, `${path}-3`);
  const { ino } = statSync(path);
  const { otherNames, inode } = await replaceFile(path, Buffer.from("newer"));
  assert.equal([otherNames, inode], [2, ino]);
  assert.is(text(`${path}-2`), "new");
});

test("members of a group get no plaintext by a file that they put into a shared folder", async () => {
  if (!ROOT) return;
  const dir = folder();
  chmodSync(scratch, 0o755);
  const member = script(
    folder(),
    `import { createFile, replaceFile } from "./src/files/atomic.ts";
     process.setgroups([777]); process.setgid(1001); process.setuid(1001);
     for (const path of process.argv.slice(2)) {
       const done = (way) => () => console.log(way, "written");
       const not = (way) => (error) => console.log(way, error.message);
       await createFile(path, Buffer.from("secret"), { plaintext: true }).then(done("create"), not("create"));
       await replaceFile(path, Buffer.from("secret"), { plaintext: true }).then(done("replace"), not("replace"));
     }`,
  );
  chownSync(dir, 0, 777);
  chmodSync(dir, 0o2775);
  for (const [name, uid] of [
    ["theirs", 1002],
    ["mine", 1001],
  ] as const) {
    writeFileSync(join(dir, name), "");
    chownSync(join(dir, name), uid, 777);
    chmodSync(join(dir, name), 0o666);
  }
  const run = (name: string) => start(node(member, join(dir, name))).ended;
  const theirs = await run("theirs");
  assert.is(
    theirs.stdout.match(/somebody else's, in a folder that others can write to/g)?.length,
    2,
    theirs.stderr,
  );
  assert.is(text(join(dir, "theirs")), "");
  assert.is((await run("mine")).stdout, "create written\nreplace written\n");
  assert.is(mode(join(dir, "mine")), 0o600);
});

test("writes to devices and pipes as they are", async () => {
  const dir = folder();
  const path = script(
    dir,
    `import { createFile } from "./src/files/atomic.ts";
     await createFile("/dev/stdout", Buffer.from("through"), { plaintext: true });`,
  );
  const { stdout } = await start(["sh", "-c", `"${process.execPath}" "${path}" | cat`]).ended;
  assert.is(stdout, "through");
  await createFile("/dev/null", Buffer.from("x"), { plaintext: true });
  assert.ok(lstatSync("/dev/null").isCharacterDevice());
  if (existsSync("/dev/full")) {
    const error = await failure(createFile("/dev/full", Buffer.from("x"), { plaintext: true }));
    assert.match(error.message, "the disk is full");
  }
});

test("/dev/stdout is what is open there, also a file that has no name any more or that others write to", async () => {
  if (!existsSync("/proc/self/fd")) return;
  const dir = folder();
  const path = script(
    dir,
    `import { createFile } from "./src/files/atomic.ts";
     await createFile("/dev/fd/1", Buffer.from("first\\n"), { plaintext: true });
     await createFile("/dev/stdout", Buffer.from("second\\n"), { plaintext: true });`,
  );
  const program = `"${process.execPath}" "${path}"`;
  const sh = (line: string) => start(["sh", "-c", line], { cwd: dir }).ended;
  await sh(`{ echo before; ${program}; echo after; } > shared`);
  assert.is(text(join(dir, "shared")), "before\nfirst\nsecond\nafter\n");
  await sh(`exec 3> gone 4< gone; rm gone; ${program} >&3; cat <&4 > read`);
  assert.is(text(join(dir, "read")), "first\nsecond\n");
  assert.equal(readdirSync(dir).sort(), ["read", basename(path), "shared"]);
});

test("never overwrites with createNew", async () => {
  const dir = folder();
  const path = join(dir, "key");
  await createNew(path, Buffer.from("first"));
  assert.is(mode(path), 0o600);
  const error = await failure(createNew(path, Buffer.from("second")));
  assert.is(error.code, "write");
  assert.match(error.message, "exists already");
  assert.is(text(path), "first");
  symlinkSync(join(dir, "elsewhere"), join(dir, "link"));
  await failure(createNew(join(dir, "link"), Buffer.from("x")));
  assert.not.ok(existsSync(join(dir, "elsewhere")));
  assert.equal(othersIn(dir, "key", "link"), []);
});

test("says what is wrong with a folder, a missing folder, a name that is too long", async () => {
  const dir = folder();
  assert.match((await failure(replaceFile(dir, Buffer.from("x")))).message, "a folder");
  assert.match(
    (await failure(replaceFile(join(dir, "a/b"), Buffer.from("x")))).message,
    "no such file or folder",
  );
  const long = join(dir, "n".repeat(300));
  assert.match((await failure(replaceFile(long, Buffer.from("x")))).message, "too long");
  // the longest name that the file system takes leaves room for the temporary file's
  await replaceFile(join(dir, "n".repeat(255)), Buffer.from("x"));
  assert.is(othersIn(dir).length, 1);
});

test("refuses a file or folder that must not be written, and leaves all as it was", async () => {
  const dir = folder();
  const path = script(
    folder(),
    `import { replaceFile } from "./src/files/atomic.ts";
     if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
     for (const path of process.argv.slice(2)) {
       await replaceFile(path, Buffer.from("new")).then(() => console.log("written"), (e) => console.log(e.code, e.message, "|", e.hint));
     }`,
  );
  chmodSync(scratch, 0o755);
  writeFileSync(join(dir, "readonly"), "old", { mode: 0o444 });
  mkdirSync(join(dir, "closed"));
  writeFileSync(join(dir, "closed/file"), "old");
  chmodSync(join(dir, "closed/file"), 0o666);
  chmodSync(join(dir, "closed"), 0o555);
  chmodSync(dir, 0o777);
  const { stdout } = await start(node(path, join(dir, "readonly"), join(dir, "closed/file"))).ended;
  assert.is(
    stdout.match(/^write the file cannot be written: permission denied \| check the permissions/gm)?.length,
    2,
    stdout,
  );
  assert.is(text(join(dir, "readonly")), "old");
  assert.is(text(join(dir, "closed/file")), "old");
  assert.equal(othersIn(dir, "readonly", "closed"), []);
  assert.equal(othersIn(join(dir, "closed"), "file"), []);
  chmodSync(join(dir, "closed"), 0o755);
});

test("a write that the system cuts short leaves the old file and no other", async () => {
  const dir = folder();
  const path = join(dir, "a");
  writeFileSync(path, "old");
  const child = script(
    folder(),
    `import { replaceFile } from "./src/files/atomic.ts";
     await replaceFile(process.argv[2], Buffer.alloc(1_000_000, 65)).then(() => console.log("written"), (e) => console.log(e.code, e.message));`,
  );
  // a file size limit stands in for a full disk: a first write is cut short, a second one fails
  const { stdout } = await start([
    "sh",
    "-c",
    `ulimit -f 200; exec "${process.execPath}" "${child}" "${path}"`,
  ]).ended;
  assert.match(stdout, /^write the file cannot be written: it would be larger/);
  assert.is(text(path), "old");
  assert.equal(othersIn(dir, "a"), []);
});

test("a kill at any moment leaves the old content or the new one", async () => {
  const dir = folder();
  const path = join(dir, "a");
  const version = (n: number): string => `${n}:${String(n % 10).repeat(300_000)}:${n}\n`;
  const child = script(
    folder(),
    `import { replaceFile } from "./src/files/atomic.ts";
     for (let n = 1; ; n++) {
       await replaceFile(process.argv[2], Buffer.from(n + ":" + String(n % 10).repeat(300_000) + ":" + n + "\\n"));
       if (n === 1) console.log("going");
     }`,
  );
  for (let round = 0; round < 8; round++) {
    writeFileSync(path, version(0));
    const running = start(node(child, path));
    await running.printed("going");
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    running.child.kill("SIGKILL");
    await running.ended;
    const content = text(path);
    const n = Number(content.split(":")[0]);
    assert.ok(content === version(n), `a torn file of ${content.length} characters in round ${round}`);
  }
  // at most one temporary file is left, however often that happened, and the next writer clears it when it is old
  const left = othersIn(dir, "a").filter((name) => /^\.tsops-.{16}\.tmp$/.test(name));
  for (const name of left) utimesSync(join(dir, name), 0, 0);
  await replaceFile(path, Buffer.from("after"));
  assert.is(text(path), "after");
  assert.ok(othersIn(dir, "a").length <= left.length - (left.length > 0 ? 1 : 0));
});

test("a signal takes the temporary file away and then has its usual effect", async () => {
  const dir = folder();
  const path = join(dir, "a");
  const child = script(
    folder(),
    `import { replaceFile } from "./src/files/atomic.ts";
     const big = Buffer.alloc(8_000_000, 65);
     console.log("going");
     for (;;) await replaceFile(process.argv[2], big);`,
  );
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    const running = start(node(child, path));
    await running.printed("going");
    while (othersIn(dir, "a").length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    running.child.kill(signal);
    assert.is((await running.ended).signal, signal);
    assert.equal(othersIn(dir, "a"), []);
  }
});

test("nothing is left listening when the work is done", async () => {
  await replaceFile(join(folder(), "a"), Buffer.from("x"));
  for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
    assert.is(process.listenerCount(event), 0, event);
});

test.run();
