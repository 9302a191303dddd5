import type { OpenDocument } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { readStandardDotenv } from "../../exec/dotenv-dialect.ts";
import { run } from "../../exec/run.ts";
import { childEnvironment, flattenVariables, mergeVariables, type Variables } from "../../exec/variables.ts";
import { environmentFor, findProgram } from "../../keys/program.ts";
import type { Args } from "../args.ts";
import { chosenDocument } from "../documents.ts";
import { openFile, readInput } from "../files.ts";
import { type Io, visible } from "../io.ts";
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
      const standard = open.format.name === "dotenv" && dialect === "standard";
      const variables: Variables = standard
        ? readStandardDotenv(open.decrypted.text)
        : flattenVariables(await treeOf(open, file), args.text("separator"));
      return { file, variables: args.flag("uppercase") ? upperCase(variables) : variables };
    }),
  );
  const variables = mergeVariables(sources, (message) => note(io, `warning: ${message}`));
  // identities are for tsops; exec-env hands them on, as SOPS does
  const own = environmentFor(session.context);
  const env = childEnvironment(own, variables, { pristine: args.flag("pristine") });
  return await run([await programPath(program, io), ...rest], { env, cwd: io.cwd });
}

/** The program that the person named, found on their own PATH: one that a file sets is for the program. */
async function programPath(program: string, io: Io): Promise<string> {
  if (/[\\/]/.test(program) || process.platform === "win32") return program;
  const path = await findProgram(program, io.env);
  if (path !== undefined) return path;
  throw new TsopsError("generic", `there is no program ${visible(program)}`, {
    exit: 127,
    hint: "it is looked for in the absolute folders of PATH",
  });
}

function upperCase(variables: Variables): Variables {
  const upper: Variables = new Map();
  for (const [name, value] of variables) {
    const other = name.toUpperCase();
    if (upper.has(other)) {
      throw new TsopsError("generic", `two values would both be ${visible(other)}`, {
        hint: "leave --uppercase away, or rename one of the keys",
      });
    }
    upper.set(other, value);
  }
  return upper;
}
