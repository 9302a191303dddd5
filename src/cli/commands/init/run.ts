import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { Configurations } from "../../../config/find.ts";
import { matchingRule } from "../../../config/match.ts";
import type { Config } from "../../../config/model.ts";
import { TsopsError } from "../../../errors.ts";
import { createNew } from "../../../files/atomic.ts";
import { makePrivateFolder } from "../../../files/folder.ts";
import { statOf } from "../../../files/stat.ts";
import { generateIdentity, recipientOf } from "../../../keys/age/keygen.ts";
import { configFolder } from "../../../keys/age/places.ts";
import { type Io, write } from "../../io.ts";
import { note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import type { InitRun } from "./command.ts";

/** Which files a new rule is for, where the person does not say it: names that say themselves that they are secret. */
const PATTERNS = ["secrets.*", "*.secrets.*", "secrets/**", "*.enc.*", ".env", ".env.*"];

/**
 * `init`: an age key of the person's, where there is none, and a `.sopsrc` for this folder that names it. Where there is
 * a configuration already, the key alone, and how to be let in. Nothing that exists is touched.
 */
export async function init(run: InitRun): Promise<number> {
  const { config, path } = await new Configurations({ cwd: run.io.cwd, env: {} }).load();
  const { context } = await sessionOf(run);
  const keyFile = context.env.SOPS_AGE_KEY_FILE || join(configFolder(context), "sops", "age", "keys.txt");
  const recipient = (await existingRecipient(keyFile)) ?? (await newIdentity(keyFile, run.io));
  await write(run.io.stdout, `${recipient}\n`);
  if (config && isOurs(config, run.io.cwd)) {
    await note(run.io, ...joining(config, path!, recipient));
    return 0;
  }
  const patterns = run.args.patterns.length > 0 ? run.args.patterns : PATTERNS;
  const target = resolve(run.io.cwd, ".sopsrc");
  // never through a link, which somebody else may have put there
  await createNew(target, Buffer.from(configText(recipient, patterns, run.io)), { mode: 0o666 });
  await note(run.io, ...(await nextSteps(target, patterns, run.io)));
  return 0;
}

/** Whether a configuration is this project's: one above the repository, in the home folder perhaps, is not. */
function isOurs({ folder }: Config, cwd: string): boolean {
  let root = cwd;
  while (!statOf(join(root, ".git")) && dirname(root) !== root) root = dirname(root);
  if (!statOf(join(root, ".git"))) root = cwd;
  return folder === root || folder.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** What a person who comes to a folder with a configuration has to do. */
function joining(config: Config, path: string, recipient: string): [string, ...string[]] {
  const ids = [
    ...config.names.map(({ key }) => key.id),
    ...(config.rules ?? []).flatMap(({ groups }) => groups.flat().map(({ id }) => id)),
  ];
  const head = `there is a configuration already, ${path}; it is left as it is`;
  if (ids.includes(recipient))
    return [head, "it names your public key, the line above: try tsops doctor FILE"];
  const entry =
    config.kind === "sopsrc" ? `"age:${recipient}" to the recipients` : `${recipient} to the age keys`;
  return [
    head,
    "your public key is the line above. It is not among those that the configuration names.",
    "Send this to somebody who can read the files:",
    `  please add ${entry} of the rules in ${basename(path)}, then run tsops updatekeys on the encrypted files`,
  ];
}

/** What is (not) encrypted now, and the next command, with a file that is there where one is. */
async function nextSteps(
  config: string,
  patterns: readonly string[],
  io: Io,
): Promise<[string, ...string[]]> {
  const { config: written } = await new Configurations({ cwd: io.cwd, env: {}, option: config }).load();
  const matching: string[] = [];
  for (const name of readdirSync(io.cwd).sort()) {
    const file = resolve(io.cwd, name);
    if (statOf(file)?.isFile() && (await matchingRule(written!, file))) matching.push(name);
  }
  const example = matching[0] ?? (patterns === PATTERNS ? "secrets.yaml" : "FILE");
  return [
    `wrote .sopsrc. Nothing is encrypted yet: it says who can read files called ${patterns.join(", ")}`,
    "once you have encrypted them. Other names need a rule of their own. Next:",
    `  tsops encrypt -i ${example}${matching[0] === undefined ? "   (once there is such a file)" : ""}`,
  ];
}

/** The recipient of the first identity in a key file; undefined if there is no such file. */
async function existingRecipient(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new TsopsError("read", `the age key file ${path} cannot be read`, {
      hint: "check its permissions",
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const identity = text.split(/\s+/).find((word) => word.startsWith("AGE-SECRET-KEY-"));
  if (identity !== undefined) return await recipientOf(identity);
  throw new TsopsError(
    "bad-credentials",
    `${path} holds no age identity that can be read without a passphrase or plugin`,
    { hint: "write the .sopsrc by hand; .sopsrc.example shows how" },
  );
}

async function newIdentity(path: string, io: Io): Promise<string> {
  const { text, recipient } = await generateIdentity(new Date());
  await makePrivateFolder(dirname(path));
  await createNew(path, Buffer.from(text));
  await note(
    io,
    `made an age key: ${path}`,
    `keep that file secret and make a copy of it: without it nothing can be decrypted`,
  );
  return recipient;
}

/** A name for the key that says something to colleagues too, where the system knows one. */
function nameOfPerson({ env }: Io): string {
  const name = env.USER ?? env.LOGNAME ?? env.USERNAME ?? "";
  return /^[a-z][\w.-]{0,31}$/i.test(name) && name !== "root" ? name : "me";
}

/** Names in quotes, so that editors that know JSON with comments are content. */
function configText(recipient: string, patterns: readonly string[], io: Io): string {
  const name = nameOfPerson(io);
  const schema = "node_modules/tsops/schema/tsopsrc.schema.json";
  const known = statOf(resolve(io.cwd, schema)) ? `  "$schema": "./${schema}",\n` : "";
  return `// Who can read which files below this folder, once they are encrypted with: tsops encrypt -i FILE
{
${known}  "keys": {
    "${name}": "age:${recipient}"
  },
  "rules": [
    {
      "glob": ${JSON.stringify(patterns).replaceAll(",", ", ")},
      "recipients": ["${name}"]
    }
  ]
}
`;
}
