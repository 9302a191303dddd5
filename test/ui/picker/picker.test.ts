import { test } from "uvu";
import * as assert from "uvu/assert";
import { listedFiles } from "../../../src/cli/listed.ts";
import { type Listed, type PickerState, pick, pickerScreen } from "../../../src/ui/picker/picker.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../../support/cli.ts";

const FILES: readonly Listed[] = [
  { name: "a.yaml", state: "encrypted", remarks: [] },
  { name: "b/plain.env", state: "plain", remarks: ["a creation rule is for it, and it is not encrypted"] },
  {
    name: "b/prod.json",
    state: "closed",
    remarks: ["no key of this machine opens it: age age1x: no identity"],
  },
];

const start: PickerState = {
  folder: ".",
  files: FILES,
  query: "",
  at: 0,
  top: 0,
  size: { width: 80, height: 24 },
  message: undefined,
};

const press = (state: PickerState, ...names: string[]) =>
  names.reduce(
    (last, name) => pick(last.state, { type: "key", key: { name } }),
    pick(state, { type: "resize", size: state.size }),
  );

const text = (state: PickerState): string =>
  pickerScreen(state)
    .lines.map((line) => line.map(({ text }) => text).join(""))
    .join("\n");

test("files are shown with what they are, and of the chosen one why", () => {
  assert.match(text(start), /> a\.yaml.*secret\n.*plain\.env.*PLAIN!\n.*prod\.json.*no key/);
  assert.match(
    text(press(start, "down", "down").state),
    /no key of this machine opens it: age age1x: no identity/,
  );
});

test("typing searches, Enter opens, Esc only takes the search back", () => {
  const found = press(start, "p", "r", "d").state;
  assert.match(text(found), /1 of 3/);
  assert.is(press(found, "return").open, "b/prod.json");
  assert.is(press(found, "escape").state.query, "");
  assert.is(press(start, "escape").quit, undefined);
  assert.is(pick(start, { type: "key", key: { name: "c", ctrl: true } }).quit, true);
});

test("what is not encrypted does not open, and is said", () => {
  const { state, open } = press(start, "down", "return");
  assert.is(open, undefined);
  assert.match(text(state), /it is not encrypted: tsops encrypt -i/);
});

test("a long list scrolls, and names steer nothing", () => {
  const many = Array.from({ length: 100 }, (_, i): Listed => ({ ...FILES[0]!, name: `f${i}\x1b[31m` }));
  const state = press({ ...start, files: many }, "end").state;
  assert.match(text(state), /> f99␛\[31m/);
  assert.not.match(text(state), /\x1b/);
});

test("the files of a repository: encrypted, plain although a rule is for them, without a key here", async () => {
  await inSandbox(async (box) => {
    box.write(
      ".sops.yaml",
      `creation_rules:\n  - path_regex: foreign\n    age: ${OTHER_RECIPIENT}\n  - path_regex: \\.yaml$\n    age: ${RECIPIENT}\n`,
    );
    box.env = { ...box.env, SOPS_AGE_RECIPIENTS: undefined };
    for (const name of ["mine.yaml", "foreign.yaml", "plain.yaml"]) box.write(name, "a: secret\n");
    await box.run(["encrypt", "-i", "mine.yaml", "foreign.yaml"]);
    box.write("cut.yaml", box.read("mine.yaml").replace(/^sops:[\s\S]*/m, ""));
    const io = { env: box.env, cwd: box.folder, ...({} as { stdin: never; stdout: never; stderr: never }) };
    const { sessionOf } = await import("../../../src/cli/session.ts");
    const { Writable, Readable } = await import("node:stream");
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const args = { keyservice: [], "decryption-order": undefined } as never;
    const run = {
      io: { ...io, stdin: Readable.from([]), stdout: sink, stderr: sink },
      args,
      given: () => false,
      table: { commands: [], legacy: undefined as never },
    };
    const listed = await listedFiles(undefined, run, await sessionOf(run, { asks: false }));
    const states = Object.fromEntries(listed.map(({ name, state }) => [name, state]));
    assert.equal(states, {
      "cut.yaml": "damaged",
      "foreign.yaml": "closed",
      "mine.yaml": "encrypted",
      "plain.yaml": "plain",
    });
  });
});

test.run();
