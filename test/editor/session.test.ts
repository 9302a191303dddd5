import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type EditRequest, editText } from "../../src/editor/session.ts";
import { TsopsError } from "../../src/errors.ts";
import { KINDS } from "../../src/keys/table.ts";
import { until } from "../support/pace.ts";
import { node, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("edit session");
const scratch = scratchFolder();
const runtime = join(scratch, "run");
mkdirSync(runtime, { mode: 0o700 });
let editors = 0;

/** An editor that is a shell script; `$1` is the file. */
function editor(commands: string): string {
  const path = join(scratch, `ed-${++editors}`);
  writeFileSync(path, `#!/bin/sh\n${commands}\n`);
  chmodSync(path, 0o755);
  return path;
}

interface Session {
  result?: string;
  error?: TsopsError;
  saved: string[];
  tried: string[];
}

async function edit(
  commands: string,
  more: Partial<EditRequest> & { EDITOR?: string } = {},
): Promise<Session> {
  const session: Session = { saved: [], tried: [] };
  const { EDITOR = editor(commands), ...rest } = more;
  try {
    session.result = await editText({
      text: Buffer.from("a: 1\n"),
      name: "secrets.yaml",
      kinds: KINDS,
      env: {
        PATH: process.env.PATH,
        XDG_RUNTIME_DIR: runtime,
        OUT: scratch,
        EDITOR,
        SOPS_AGE_KEY: "AGE-SECRET-KEY-1",
      },
      encrypt: async (typed) => {
        session.tried.push(typed);
        if (typed.includes("bad"))
          throw new TsopsError("parse", "wrong", { place: { line: 2 }, hint: "mend it" });
        return `ENC ${typed}`;
      },
      save: async (encrypted) => void session.saved.push(encrypted),
      warn: assert.unreachable,
      ...rest,
    });
  } catch (error) {
    session.error = error as TsopsError;
  }
  return session;
}

const left = (): string[] => readdirSync(runtime);

test("the editor gets a private file of the same name, and no identities", async () => {
  const { result } = await edit(
    'basename "$1" > $OUT/seen; ls -ld "$1" "$(dirname "$1")" | cut -c1-10 >> $OUT/seen; cat "$1" >> $OUT/seen; env | grep -c AGE >> $OUT/seen; true',
  );
  assert.is(result, "unchanged");
  assert.is(readFileSync(join(scratch, "seen"), "utf8"), "secrets.yaml\ndrwx------\n-rw-------\na: 1\n0\n");
  assert.equal(left(), []);
});

test("what was typed is encrypted and saved, written in place or by a rename", async () => {
  for (const commands of [
    'echo b >> "$1"',
    'cp "$1" "$1~"; echo b >> "$1~"; mv "$1~" "$1"; touch "$(dirname "$1")/.swp"',
  ]) {
    const { result, saved } = await edit(commands);
    assert.is(result, "saved");
    assert.equal(saved, ["ENC a: 1\nb\n"]);
    assert.equal(left(), []);
  }
});

test("bytes that are not UTF-8 go through", async () => {
  const text = Buffer.from([0x41, 0xff, 0xfe, 0x0a]);
  const { tried } = await edit('printf "\\200" >> "$1"', { text });
  assert.is(tried[0], "A\udcff\udcfe\n\udc80");
});

test("invalid content goes back to the editor with what was typed", async () => {
  const shown: TsopsError[] = [];
  const { result, saved, tried } = await edit(
    'if grep -q bad "$1"; then sed s/bad/good/ "$1" > "$1.new"; mv "$1.new" "$1"; else echo bad >> "$1"; fi',
    {
      retry: async (error) => void shown.push(error),
    },
  );
  assert.is(result, "saved");
  assert.equal(tried, ["a: 1\nbad\n", "a: 1\ngood\n"]);
  assert.equal(saved, ["ENC a: 1\ngood\n"]);
  assert.equal(
    shown.map(({ place }) => place?.line),
    [2],
  );
  assert.equal(left(), []);
});

test("giving up at the question leaves nothing; so does taking everything back", async () => {
  const giveUp = async (): Promise<never> => {
    throw new TsopsError("aborted", "stopped");
  };
  const given = await edit('echo bad >> "$1"', { retry: giveUp });
  assert.is(given.error?.code, "aborted");
  const undone = await edit('if grep -q bad "$1"; then echo "a: 1" > "$1"; else echo bad >> "$1"; fi', {
    retry: async () => undefined,
  });
  assert.is(undone.result, "unchanged");
  assert.equal(left(), []);
});

/** Checks that the typed text is where the error says, for its owner alone, and takes it away. */
function checkKept(error: TsopsError | undefined, text: string): void {
  assert.instance(error, TsopsError);
  const [, path = ""] = /what you typed is kept in (\S+)/.exec(error?.hint ?? "") ?? [];
  assert.match(error?.hint ?? "", `remove the folder ${dirname(path)} `);
  assert.is(readFileSync(path, "utf8"), text);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(statSync(dirname(path)).mode & 0o777, 0o700);
  assert.is(dirname(dirname(path)), runtime);
  rmSync(dirname(path), { recursive: true });
  assert.equal(left(), []);
}

test("where nobody can be asked, the typed text is kept and the error says where", async () => {
  for (const retry of [undefined, async () => false]) {
    const { error } = await edit('echo bad >> "$1"; chmod 666 "$1"', { retry });
    assert.equal([error?.code, error?.message, error?.place?.line], ["parse", "wrong", 2]);
    assert.match(error?.hint ?? "", /^mend it\n/);
    checkKept(error, "a: 1\nbad\n");
  }
});

test("what cannot be saved is kept, and so is what was typed when key services fail", async () => {
  const changed = async (): Promise<never> => {
    throw new TsopsError("changed-on-disk", "the file was changed by somebody else in the meantime");
  };
  const unsaved = await edit('echo b >> "$1"', { save: changed });
  assert.is(unsaved.error?.code, "changed-on-disk");
  checkKept(unsaved.error, "a: 1\nb\n");
  const stop = async (): Promise<never> => {
    throw new TsopsError("aborted", "stopped");
  };
  checkKept(
    (await edit('echo b >> "$1"', { encrypt: stop, retry: async () => assert.unreachable() })).error,
    "a: 1\nb\n",
  );
  const warnings: string[] = [];
  const broken = await edit('echo b >> "$1"', {
    encrypt: async () => Promise.reject(new TypeError("a fault of ours")),
    warn: (message) => warnings.push(message),
  });
  assert.is(broken.error?.message, "a fault of ours");
  checkKept(new TsopsError("generic", "", { hint: warnings[0] }), "a: 1\nb\n");
});

test("an editor that fails saves nothing and leaves nothing", async () => {
  for (const commands of ["exit 9", 'echo b >> "$1"; exit 9', 'echo b >> "$1"; kill -TERM $$']) {
    const { error, tried } = await edit(commands);
    assert.equal([error?.code, error?.exitCode], ["editor", 201]);
    assert.match(error?.message ?? "", /^the editor (ended with exit code 9|was ended by SIGTERM)$/);
    assert.equal(tried, []);
  }
  assert.is((await edit('rm "$1"')).error?.message, "the editor left no file behind");
  const pipe = await edit('rm "$1"; mkfifo "$1"');
  assert.is(pipe.error?.message, "the editor left no file behind", "a pipe is not waited for");
  assert.is((await edit("kill -INT $$")).error?.exitCode, 130);
  assert.equal(left(), []);
});

test("what an editor saved before it crashed is kept", async () => {
  const { error } = await edit('echo b >> "$1"; kill -SEGV $$');
  assert.is(error?.exitCode, 201);
  checkKept(error, "a: 1\nb\n");
  assert.is((await edit("kill -SEGV $$")).error?.exitCode, 201);
  assert.equal(left(), []);
});

test("an editor that does not exist or may not be run is an error with SOPS's code", async () => {
  const missing = await edit("", { EDITOR: "/nonexistent/ed" });
  assert.is(missing.error?.exitCode, 201);
  assert.match(
    missing.error?.message ?? "",
    "could not run the editor /nonexistent/ed: there is no such program",
  );
  writeFileSync(join(scratch, "data"), "");
  assert.match((await edit("", { EDITOR: join(scratch, "data") })).error?.message ?? "", "may not be run");
  assert.equal(left(), []);
});

test("can be stopped from outside", async () => {
  const abort = new AbortController();
  const started = join(scratch, "started");
  const edited = edit(`echo > ${started}; exec sleep 60`, { signal: abort.signal });
  await until(() => existsSync(started), "the start of the editor");
  abort.abort();
  assert.is((await edited).error?.code, "aborted");
  assert.is((await edit("", { signal: abort.signal })).error?.code, "aborted");
  assert.equal(left(), []);
  for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
    assert.is(process.listenerCount(event), 0, event);
});

const CHILD = script(
  scratch,
  `import { editText } from "./src/editor/session.ts";
   import { TsopsError } from "./src/errors.ts";
   const bad = process.argv[2] === "bad";
   await editText({
     text: Buffer.from("a: 1\\n"), name: "s.yaml", env: process.env, warn: console.log, kinds: [],
     encrypt: async (typed) => { if (bad) throw new TsopsError("parse", "wrong"); return typed; },
     save: async () => { console.log("saving"); await new Promise((r) => setTimeout(r, 60_000)); },
     retry: async () => { console.log("asking"); await new Promise((r) => setTimeout(r, 60_000)); },
   });`,
);

const ENDING = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
const TYPING = editor('echo typed >> "$1"');
/** What the program says when it is there, the editor, the program's arguments, the signals to try. */
const MOMENTS: [string, string, string[], readonly NodeJS.Signals[]][] = [
  ["editing", editor('echo typed >> "$1"; echo editing; exec sleep 60'), [], ENDING],
  ["asking", TYPING, ["bad"], ENDING],
  ["saving", TYPING, [], ENDING],
  [
    "editing",
    editor(`trap '' TERM; echo typed >> "$1"; echo editing; while :; do sleep 0.05; done`),
    [],
    ["SIGTERM"],
  ],
];

for (const [moment, EDITOR, args, signals] of MOMENTS) {
  test(`signals while ${moment} leave no plaintext and end the process`, async () => {
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      const own = join(scratch, `run-${++editors}`);
      mkdirSync(own, { mode: 0o700 });
      const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: own, EDITOR };
      const running = start(node(CHILD, ...args), { env });
      await running.printed(moment);
      assert.is(readdirSync(own).length, 1);
      running.child.kill(signal);
      assert.is((await running.ended).signal, signal);
      assert.equal(readdirSync(own), []);
    };
    await Promise.all(signals.map(end));
  });
}

test.run();
