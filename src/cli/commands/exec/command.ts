import type { Description, RunOf } from "../../command.ts";
import { ALLOW_ENV, DOCUMENT, flag, IGNORE_MAC, preset, TYPES, text } from "../../options.ts";

export const EXEC_ENV = {
  usage: "exec-env <file> [command]",
  summary: "run a shell command with the values as environment variables",
  missingFileExits: 1,
  options: {
    "input-type": TYPES["input-type"],
    "filename-override": TYPES["filename-override"],
    ...IGNORE_MAC,
    ...ALLOW_ENV,
    background: flag("do not wait for the command"),
    pristine: flag("pass only the file's variables"),
    user: text("run the command as this user"),
    "same-process": flag("run the command in the place of tsops, as far as Node can"),
    ...DOCUMENT,
  },
  examples: [["tsops exec-env secrets.env 'psql \"$DATABASE_URL\"'", "SOPS's form: one command string"]],
  runsProgram: true,
} as const satisfies Description;

export type ExecEnvRun = RunOf<typeof EXEC_ENV>;

export const EXEC_FILE = {
  usage: "exec-file <file> [command]",
  summary: "run a shell command with the plaintext in a temporary file",
  missingFileExits: 1,
  options: {
    ...TYPES,
    ...IGNORE_MAC,
    background: flag("do not wait for the command"),
    "no-fifo": flag("use a regular file instead of a named pipe"),
    user: text("run the command as this user"),
    filename: text("name of the temporary file"),
  },
  examples: [["tsops exec-file secrets.json 'app --config {}'", "{} is the file's path"]],
  runsProgram: true,
} as const satisfies Description;

export type ExecFileRun = RunOf<typeof EXEC_FILE>;

export const EXEC = {
  usage: "exec <files..>",
  summary: "run a program, without a shell, with the values of several files as environment variables",
  options: {
    ...IGNORE_MAC,
    ...ALLOW_ENV,
    "input-type": TYPES["input-type"],
    pristine: flag("pass only the files' variables"),
    separator: preset("put between the names of nested keys", "_"),
    uppercase: flag("write the variables' names in upper case"),
    "dotenv-dialect": preset("how dotenv values are understood: sops or standard", "sops"),
    ...DOCUMENT,
  },
  examples: [
    ["tsops exec app.yaml db.env -- node server.js --port 80", "everything after -- is the program"],
  ],
  runsProgram: true,
} as const satisfies Description;

export type ExecRun = RunOf<typeof EXEC>;
