import type { OpenDocument, Session } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { readStandardDotenv } from "../../exec/dotenv-dialect.ts";
import { nameWarnings, withoutReturns } from "../../exec/names.ts";
import { run } from "../../exec/run.ts";
import { checkSteering } from "../../exec/steering.ts";
import { childEnvironment, flattenVariables, mergeVariables, type Variables } from "../../exec/variables.ts";
import { environmentFor } from "../../keys/environment.ts";
import { withoutSecrets } from "../../programs/secret-variables.ts";
import { masterVariables } from "../allowed.ts";
import type { Args } from "../args.ts";
import { chosenDocument } from "../documents.ts";
import { openFile, readInput, warnOfOneText } from "../files.ts";
import type { Io } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { documentTrees } from "./decrypt.ts";

/**
 * `exec A.yaml B.env -- PROGRAM ARGUMENTS`: runs a program, without a shell, with the values of all files as variables.
 * Nested values get the names of their keys, joined; of equal names the later file counts.
 */
export async function exec(args: Args, io: Io): Promise<number> {
  const [program, ...rest] = args.list("--");
  if (program === undefined) {
    throw new TsopsError("usage", "no program to run", { hint: "tsops exec FILE… -- PROGRAM ARGUMENTS" });
  }
  const dialect = args.text("dotenv-dialect");
  if (dialect !== "sops" && dialect !== "standard") {
    throw new TsopsError("usage", "the dotenv dialect is sops or standard", {
      hint: "sops: quotes are part of the value; standard: they are not, and values may span lines",
    });
  }
  const allowed = allowedNames(args);
  const session = await makeSession(args, io);
  // --document is for the files that have several
  const treeOf = async (open: OpenDocument, file: string) => {
    const several = open.decrypted.reading.documents > 1;
    return documentTrees(open)[several ? await chosenDocument(open, file, args, io) : 0]!;
  };
  const sources = await Promise.all(
    args.list("files").map(async (file) => {
      const { bytes } = await readInput(file, io);
      const open = await openFile(file, bytes, args, io, session);
      open.close();
      await warnOfOneText(open, file, io);
      const standard = open.format.name === "dotenv" && dialect === "standard";
      const dotenv = open.format.name === "dotenv";
      const flat = standard
        ? readStandardDotenv(open.decrypted.text)
        : flattenVariables(await treeOf(open, file), args.text("separator"));
      const variables: Variables = dotenv ? withoutReturns(flat) : flat;
      for (const warning of nameWarnings(variables, dotenv)) await note(io, `warning: ${file}: ${warning}`);
      const upper = args.flag("uppercase");
      const named = upper ? upperCase(variables) : variables;
      const nameOf = (path: readonly (string | number)[]): string => {
        const name = path.join(args.text("separator"));
        return upper ? name.toUpperCase() : name;
      };
      checkSteering(named, { file, decrypted: open.decrypted, nameOf, byEntry: !standard }, allowed);
      return { file, variables: named };
    }),
  );
  const variables = mergeVariables(sources, (message) => note(io, `warning: ${message}`));
  const own = await ownEnvironment(args.list("files"), session, args, io);
  const env = childEnvironment(own, variables, { pristine: args.flag("pristine") });
  return await run([program, ...rest], { env, ownEnv: io.env, cwd: io.cwd });
}

/** What the command gets of this process's environment: identities and master keys are for tsops. */
export async function ownEnvironment(
  files: readonly string[],
  { context }: Session,
  args: Args,
  io: Io,
): Promise<Record<string, string | undefined>> {
  const masters = await masterVariables(args, io, files);
  return withoutSecrets(await environmentFor(context, "logs in"), "logs in", context.kinds.all, masters);
}

/** The names of `--allow-env NAME[,NAME…]`. */
export function allowedNames(args: Args): Set<string> {
  return new Set(args.list("allow-env").flatMap((list) => list.split(",").map((name) => name.trim())));
}

function upperCase(variables: Variables): Variables {
  const upper: Variables = new Map();
  for (const [name, value] of variables) {
    const other = name.toUpperCase();
    if (upper.has(other)) {
      throw new TsopsError("generic", `two values would both be ${other}`, {
        hint: "leave out --uppercase, or rename one of the keys",
      });
    }
    upper.set(other, value);
  }
  return upper;
}
