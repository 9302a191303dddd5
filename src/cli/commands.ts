import type { Options } from "yargs";
import type { Args } from "./args.ts";
import type { Io } from "./io.ts";
import {
  ADD_REMOVE,
  ALLOW_ENV,
  BATCH,
  DOCUMENT,
  flag,
  IGNORE_MAC,
  JSON_OUTPUT,
  KEYS,
  LOOK_ONLY,
  NO_THRESHOLD,
  OUTPUT,
  SELECTORS,
  SHOW_KEYS,
  THRESHOLD,
  TYPES,
  text,
  UPDATE_SELECTOR,
  VALUE,
  YES,
} from "./options.ts";

/** Runs a command and gives the exit code. */
export type Handler = (args: Args, io: Io) => Promise<number>;

export interface Command {
  /** yargs's form: name, then positionals. The name alone is the first word. */
  readonly usage: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Options>>;
  readonly examples?: readonly (readonly [string, string])[];
  /** The module is loaded only when the command runs. */
  readonly load: () => Promise<Handler>;
  readonly subcommands?: readonly Command[];
  /** What stands behind `--` is a program with its arguments, which the command runs. */
  readonly runsProgram?: true;
  /** What stands below its help. */
  readonly notes?: () => Promise<string>;
  /** Exit code where no file is named, if it is not 100 as with most commands of SOPS. */
  readonly missingFileExits?: number;
}

export const COMMANDS: readonly Command[] = [
  {
    usage: "encrypt [files..]",
    summary: "encrypt files, or standard input",
    options: {
      ...OUTPUT,
      ...TYPES,
      ...KEYS,
      ...SELECTORS,
      ...THRESHOLD,
      ...BATCH,
      ...YES,
      update: text("encrypted version to start from: what did not change keeps its ciphertext"),
      check: flag(
        "only say which files are not encrypted, or not as their rule has it; exit 1 if there are any",
      ),
      json: flag("with --check: print the result as JSON"),
    },
    examples: [
      ["tsops encrypt -i secrets.yaml", "encrypt in place, with the keys of the matching creation rule"],
      ["tsops encrypt --age age1… < a.json --filename-override a.json", "from standard input"],
      ["tsops encrypt -i --key awskms://arn:… --key env://MASTER a.yaml", "for keys of any kind"],
      ["tsops encrypt --update old.enc.yaml new.yaml", "only what changed gets a new ciphertext"],
    ],
    load: async () => (await import("./commands/encrypt.ts")).encrypt,
  },
  {
    usage: "decrypt [files..]",
    summary: "decrypt files, or standard input",
    options: {
      ...OUTPUT,
      ...TYPES,
      ...IGNORE_MAC,
      ...BATCH,
      extract: text('only this part, e.g. \'["db"]["password"]\''),
      ...DOCUMENT,
    },
    examples: [
      ["tsops decrypt secrets.yaml", "show the plaintext"],
      ['tsops decrypt --extract \'["db"]["password"]\' secrets.yaml', "one value"],
      ["tsops decrypt --output plain/ config/", "every encrypted file below a folder"],
    ],
    load: async () => (await import("./commands/decrypt.ts")).decrypt,
  },
  {
    usage: "edit <file>",
    summary: "open the plaintext in your editor and encrypt what changed",
    options: { ...TYPES, ...KEYS, ...SELECTORS, ...THRESHOLD, ...IGNORE_MAC, ...SHOW_KEYS, ...YES },
    examples: [["EDITOR='code --wait' tsops edit secrets.yaml", "with an editor of your choice"]],
    load: async () => (await import("./commands/edit.ts")).edit,
  },
  {
    usage: "set <file> <index> [value]",
    summary: "set one value, given as JSON",
    options: { ...TYPES, ...VALUE, ...DOCUMENT, ...IGNORE_MAC, ...YES, ...NO_THRESHOLD },
    examples: [
      ['tsops set secrets.yaml \'["db"]["password"]\' \'"s3cret"\'', "a text is JSON, so it has quotes"],
      ["tsops set secrets.yaml '[\"token\"]'", "asks for the value without showing it"],
      [
        "openssl rand -base64 32 | tsops set --value-stdin --raw secrets.yaml '[\"key\"]'",
        "a text from a pipe",
      ],
    ],
    load: async () => (await import("./commands/set.ts")).set,
  },
  {
    usage: "unset <file> <index>",
    summary: "remove one value",
    options: {
      ...TYPES,
      idempotent: VALUE.idempotent!,
      ...DOCUMENT,
      ...IGNORE_MAC,
      ...YES,
      ...NO_THRESHOLD,
    },
    examples: [["tsops unset secrets.yaml '[\"users\"][0]'", "the first item of a list"]],
    load: async () => (await import("./commands/set.ts")).unset,
  },
  {
    usage: "rotate [files..]",
    summary: "make a new data key, and add or remove master keys",
    options: {
      ...OUTPUT,
      ...TYPES,
      ...ADD_REMOVE,
      ...UPDATE_SELECTOR,
      ...IGNORE_MAC,
      ...YES,
      "encryption-context": KEYS["encryption-context"]!,
    },
    examples: [
      ["tsops rotate -i --rm-age age1… secrets.yaml", "remove a person's key"],
      ["tsops rotate -i --add-key gcpkms://projects/… --rm-key pgp:D2FD… *.yaml", "keys of any kind"],
    ],
    load: async () => (await import("./commands/rotate.ts")).rotate,
  },
  {
    usage: "updatekeys <files..>",
    summary: "give files the master keys that their creation rule names",
    options: {
      ...YES,
      ...LOOK_ONLY,
      ...UPDATE_SELECTOR,
      "input-type": TYPES["input-type"]!,
      ...THRESHOLD,
      ...JSON_OUTPUT,
    },
    examples: [
      ["tsops updatekeys secrets.yaml", "shows the difference and asks"],
      ["tsops updatekeys --update-selector secrets.yaml", "the rule's selector, too"],
      ["tsops updatekeys -y config/*.yaml", "without asking"],
      ["tsops updatekeys --check .", "for CI: exit 1 if a file does not have the keys of its rule"],
    ],
    load: async () => (await import("./commands/updatekeys.ts")).updatekeys,
  },
  {
    usage: "groups",
    summary: "add or delete a file's key groups",
    options: {},
    load: async () => (await import("./commands/groups.ts")).groups,
    subcommands: [
      {
        usage: "add",
        summary: "add a key group",
        options: {
          file: text("the file", { alias: "f" }),
          "in-place": OUTPUT["in-place"]!,
          ...KEYS,
          ...THRESHOLD,
          ...YES,
        },
        examples: [["tsops groups add -i -f secrets.yaml --age age1…", "a second group"]],
        load: async () => (await import("./commands/groups.ts")).addGroup,
      },
      {
        usage: "delete [index]",
        summary: "delete a key group by its number, from 0: what is shown as Group 1 has the number 0",
        options: {
          file: text("the file", { alias: "f" }),
          "in-place": OUTPUT["in-place"]!,
          ...THRESHOLD,
          ...YES,
        },
        examples: [["tsops groups delete -i -f secrets.yaml 1", "the second group; asks before"]],
        load: async () => (await import("./commands/groups.ts")).deleteGroup,
      },
    ],
  },
  {
    usage: "filestatus <file>",
    summary: "say as JSON whether a file is encrypted",
    options: { "input-type": TYPES["input-type"]!, json: flag("accepted: it is always JSON") },
    load: async () => (await import("./commands/filestatus.ts")).filestatus,
  },
  {
    usage: "publish <files..>",
    summary: "put encrypted files where the configuration's destinations say",
    options: {
      ...YES,
      ...BATCH,
      recursive: flag("publish every encrypted file below a folder, under its path there"),
      "omit-extensions": flag("leave the extensions out of the names there"),
      "input-type": TYPES["input-type"]!,
    },
    examples: [
      ["tsops publish secrets.yaml", "asks before it uploads"],
      ["tsops publish --recursive --dry-run prod/", "what would go where; nothing is sent"],
      ["tsops publish -y --recursive prod/", "a whole folder; what did not change is left alone"],
    ],
    load: async () => (await import("./commands/publish.ts")).publish,
  },
  {
    usage: "doctor [files..]",
    summary: "say which keys files need, and which of them this machine can use, without decrypting",
    options: { "input-type": TYPES["input-type"]!, ...JSON_OUTPUT },
    examples: [
      ["tsops doctor secrets.yaml", "credentials, region, permission and network for each of its keys"],
      ["tsops doctor", "the same for the keys that the configuration names"],
    ],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "exec-env <file> [command]",
    summary: "run a shell command with the values as environment variables",
    missingFileExits: 1,
    options: {
      "input-type": TYPES["input-type"]!,
      "filename-override": TYPES["filename-override"]!,
      ...IGNORE_MAC,
      ...ALLOW_ENV,
      background: flag("do not wait for the command"),
      pristine: flag("pass only the file's variables"),
      user: text("run the command as this user"),
      "same-process": flag("run the command in the place of tsops, as far as Node can"),
      ...DOCUMENT,
    },
    examples: [["tsops exec-env secrets.env 'psql \"$DATABASE_URL\"'", "SOPS's form: one command string"]],
    load: async () => (await import("./commands/exec-env.ts")).execEnv,
    runsProgram: true,
  },
  {
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
    load: async () => (await import("./commands/exec-file.ts")).execFile,
    runsProgram: true,
  },
  {
    usage: "exec <files..>",
    summary: "run a program, without a shell, with the values of several files as environment variables",
    options: {
      ...IGNORE_MAC,
      ...ALLOW_ENV,
      "input-type": TYPES["input-type"]!,
      pristine: flag("pass only the files' variables"),
      separator: text("put between the names of nested keys", { default: "_" }),
      uppercase: flag("write the variables' names in upper case"),
      "dotenv-dialect": text("how dotenv values are understood: sops or standard", { default: "sops" }),
      ...DOCUMENT,
    },
    examples: [
      ["tsops exec app.yaml db.env -- node server.js --port 80", "everything after -- is the program"],
    ],
    load: async () => (await import("./commands/exec.ts")).exec,
    runsProgram: true,
  },
  {
    usage: "keygen",
    summary: "make an age key, or a master key for a secret store",
    options: {
      output: text("write it to this file; never overwrites", { alias: "o" }),
      "post-quantum": flag("make a hybrid key that quantum computers cannot break", { alias: "pq" }),
      master: flag("make a master key to keep in a secret store (env://, vaultkv://, keywhiz://)"),
      key: text("with --master: wrap it with the key of this URI, which is then needed to use it"),
    },
    examples: [
      ["tsops keygen -o key.txt", "the recipient is printed"],
      ["tsops keygen --master --key awskms://arn:…", "what is printed is useless without that key"],
    ],
    load: async () => (await import("./commands/keygen.ts")).keygen,
  },
  {
    usage: "init [patterns..]",
    summary:
      "make an age key where you have none, and a .sopsrc for this folder where there is no configuration",
    options: {},
    examples: [
      ["tsops init", "for files called secrets.*, *.enc.*, .env and the like; never overwrites anything"],
      ["tsops init 'config/*.yaml'", "for these files"],
      ["tsops init", "in a clone that has a configuration: makes your key, and says how to get access"],
    ],
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    usage: "config",
    summary: "explain or check the configuration",
    options: {},
    load: async () => (await import("./commands/config.ts")).config,
    notes: async () => (await import("../config/help.ts")).fieldsHelp(),
    subcommands: [
      {
        usage: "explain <files..>",
        summary: "which rule a file gets, why not the others, and for whom it is encrypted",
        options: { ...JSON_OUTPUT },
        examples: [["tsops config explain prod/db.yaml", "works for files that do not exist yet"]],
        load: async () => (await import("./commands/config.ts")).explain,
      },
      {
        usage: "check",
        summary: "check the configuration file",
        options: { ...JSON_OUTPUT },
        examples: [["tsops config check", "exit 1 if something is wrong"]],
        load: async () => (await import("./commands/config.ts")).check,
      },
    ],
  },
  {
    usage: "allow [file]",
    summary: "approve the servers, roles, profiles and plugins that a configuration names",
    options: {
      "dry-run": flag("only show what the configuration names"),
      list: flag("list the configurations that you approved"),
      revoke: flag("withdraw the approval"),
    },
    examples: [
      ["tsops allow --dry-run", "what the configuration of this folder names"],
      ["tsops allow", "approve it as it is; any change of the file withdraws that"],
      ["tsops allow /srv/app/.sops.yaml", "another one"],
    ],
    load: async () => (await import("./commands/allow.ts")).allow,
  },
  {
    usage: "keyservice",
    summary: "let other machines and users use the master keys of this machine, and serve a cluster's keys",
    options: {
      network: text("tcp or unix", { alias: "net", default: "tcp" }),
      address: text("HOST:PORT to listen on, or the path of a socket", {
        alias: "addr",
        default: "127.0.0.1:5000",
      }),
      prompt: flag("ask before each use of a key"),
      "tls-cert": text("PEM file with the certificate of this service; it speaks TLS then"),
      "tls-key": text("PEM file with the certificate's private key"),
      "tls-client-ca": text("PEM file with the authority that clients' certificates must come from"),
      "master-secret": text(
        "variable with the secret that the keys of a cluster are derived from; several for rotation, newest first",
        { array: true, nargs: 1 },
      ),
      "allow-anyone": flag("let whoever can connect use the cluster's keys, without a certificate"),
    },
    examples: [
      ["tsops keyservice --network unix --address ~/.tsops.sock --prompt", "for other programs of yours"],
      ["tsops decrypt --keyservice unix:///home/me/.tsops.sock secrets.yaml", "the client's side"],
      [
        "tsops keyservice --address :5000 --tls-cert s.pem --tls-key s.key --tls-client-ca ca.pem --master-secret env://SECRET",
        "for a cluster",
      ],
    ],
    load: async () => (await import("./commands/keyservice.ts")).keyservice,
  },
  {
    usage: "completion [shell]",
    summary: "print a completion script for bash, zsh or fish",
    options: {},
    examples: [["source <(tsops completion bash)", "in ~/.bashrc"]],
    load: async () => (await import("./commands/completion.ts")).completion,
  },
];

/** SOPS's old style, without a command: `tsops -d file`, or `tsops file` to edit. */
export const LEGACY: Command = {
  usage: "$0 [files..]",
  summary: "edit a file; or SOPS's old style: -e, -d, -r, --set",
  options: hidden({
    encrypt: flag("encrypt", { alias: "e" }),
    decrypt: flag("decrypt", { alias: "d" }),
    rotate: flag("rotate", { alias: "r" }),
    set: text("set a value: '[\"key\"] JSON'"),
    extract: text("only this part"),
    ...OUTPUT,
    ...TYPES,
    ...KEYS,
    ...SELECTORS,
    ...THRESHOLD,
    ...ADD_REMOVE,
    ...IGNORE_MAC,
    ...SHOW_KEYS,
    ...YES,
  }),
  load: async () => (await import("./commands/legacy.ts")).legacy,
};

/** They would drown the commands in `tsops --help`; each command's own help has them. */
function hidden(options: Command["options"]): Command["options"] {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, { ...option, hidden: true }]),
  );
}
