import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { editorCommand } from "../../src/editor/command.ts";
import type { TsopsError } from "../../src/errors.ts";
import { KINDS } from "../../src/keys/table.ts";
import { withoutSecrets } from "../../src/programs/secret-variables.ts";
import { scratchFolder } from "../support/scripts.ts";

const test = suite("editor command");
const scratch = scratchFolder();

function programs(folder: string, ...names: string[]): string {
  const path = join(scratch, folder);
  mkdirSync(path);
  for (const name of names) writeFileSync(join(path, name), "", { mode: 0o755 });
  return path;
}

async function failure(env: Record<string, string>): Promise<TsopsError> {
  return (await editorCommand(env).catch((error: unknown) => error)) as TsopsError;
}

test("SOPS_EDITOR comes before EDITOR, and an empty variable is none", async () => {
  assert.equal(await editorCommand({ SOPS_EDITOR: "one", EDITOR: "two" }), ["one"]);
  assert.equal(await editorCommand({ SOPS_EDITOR: "", EDITOR: "two" }), ["two"]);
});

test("is split as a shell splits", async () => {
  const EDITOR = `"/my programs/ed" -a 'b c' d\\ e "f \\"g\\""`;
  assert.equal(await editorCommand({ EDITOR }), ["/my programs/ed", "-a", "b c", "d e", 'f "g"']);
});

test("without a variable the first of vim, nano and vi on PATH, but never one of the working folder", async () => {
  const both = programs("both", "nano", "vi");
  const vi = programs("vi", "vi");
  assert.equal(await editorCommand({ PATH: `${vi}:${both}` }), [join(both, "nano")]);
  assert.equal(await editorCommand({ PATH: `.::relative:${vi}` }), [join(vi, "vi")]);
  const error = await failure({ PATH: ".::relative" });
  assert.equal([error.code, error.exitCode], ["editor", 201]);
  assert.match(error.hint ?? "", "SOPS_EDITOR");
});

test("a variable that is no command is an error that names it", async () => {
  for (const value of ["'unclosed", "ends with \\", "# nothing", "  "]) {
    const error = await failure({ SOPS_EDITOR: value, EDITOR: "vi" });
    assert.is(error.exitCode, 201);
    assert.match(error.message, /^SOPS_EDITOR /);
  }
});

test("an editor gets no identities and no credentials of key services", () => {
  const secrets = [
    "SOPS_AGE_KEY",
    "SOPS_AGE_KEY_CMD",
    "SOPS_AGE_KEY_FILE",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
    "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "sops_age_key",
  ];
  const env: Record<string, string> = {
    PATH: "/bin",
    TERM: "xterm",
    SOPS_AGE_RECIPIENTS: "age1",
    __proto__: "x",
  };
  const all = { ...env, ...Object.fromEntries(secrets.map((name) => [name, "s"])) };
  assert.equal(withoutSecrets(all, "edits", KINDS), env);
});

test.run();
