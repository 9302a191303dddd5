import { documentTrees, type OpenDocument } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { readStandardDotenv } from "../../../exec/dotenv-dialect.ts";
import { nameWarnings, withoutReturns } from "../../../exec/names.ts";
import { run as runProgram } from "../../../exec/run.ts";
import { checkSteering } from "../../../exec/steering.ts";
import {
  childEnvironment,
  flattenVariables,
  mergeVariables,
  type Variables,
} from "../../../exec/variables.ts";
import { chosenDocument } from "../../documents.ts";
import { endRun } from "../../ends.ts";
import { openFile, readInput, warnOfOneText } from "../../files.ts";
import { note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { allowedNames, ofFile, ownEnvironment } from "./child.ts";
import type { ExecRun } from "./command.ts";

/**
 * `exec A.yaml B.env -- PROGRAM ARGUMENTS`: runs a program, without a shell, with the values of all files as variables.
 * Nested values get the names of their keys, joined; of equal names the later file counts.
 */
export async function exec(run: ExecRun): Promise<number> {
  const [program, ...rest] = run.args["--"];
  if (program === undefined) {
    throw new TsopsError("usage", "no program to run", { hint: "tsops exec FILE… -- PROGRAM ARGUMENTS" });
  }
  const dialect = run.args["dotenv-dialect"];
  if (dialect !== "sops" && dialect !== "standard") {
    throw new TsopsError("usage", "the dotenv dialect is sops or standard", {
      hint: "sops: quotes are part of the value; standard: they are not, and values may span lines",
    });
  }
  const allowed = allowedNames(run.args);
  const session = await sessionOf(run);
  // --document is for the files that have several
  const treeOf = async (open: OpenDocument, file: string) => {
    const several = open.decrypted.reading.documents > 1;
    return documentTrees(open.decrypted)[several ? await chosenDocument(open, file, run) : 0]!;
  };
  const variablesIn = async (file: string): Promise<Variables> => {
    const { bytes } = await readInput(file, run.io);
    const open = await openFile(file, bytes, run, session);
    open.close();
    await warnOfOneText(open, file, run.io);
    const standard = open.format.name === "dotenv" && dialect === "standard";
    const dotenv = open.format.name === "dotenv";
    const flat = standard
      ? readStandardDotenv(open.decrypted.text)
      : flattenVariables(await treeOf(open, file), run.args.separator);
    const variables: Variables = dotenv ? withoutReturns(flat) : flat;
    for (const warning of nameWarnings(variables, dotenv)) await note(run.io, `warning: ${file}: ${warning}`);
    const upper = run.args.uppercase;
    const named = upper ? upperCase(variables) : variables;
    const nameOf = (path: readonly (string | number)[]): string => {
      const name = path.join(run.args.separator);
      return upper ? name.toUpperCase() : name;
    };
    checkSteering(named, { file, decrypted: open.decrypted, nameOf, byEntry: !standard }, allowed);
    return named;
  };
  const sources = await Promise.all(
    run.args.files.map(async (file) => ({ file, variables: await ofFile(file, () => variablesIn(file)) })),
  );
  const warnings: string[] = [];
  const variables = mergeVariables(sources, (message) => warnings.push(message));
  for (const warning of warnings) await note(run.io, `warning: ${warning}`);
  const own = await ownEnvironment(run.args.files, session, run);
  const env = childEnvironment(own, variables, { pristine: run.args.pristine });
  endRun(run.io);
  return await runProgram([program, ...rest], { env, ownEnv: run.io.env, cwd: run.io.cwd });
}

function upperCase(variables: Variables): Variables {
  const upper: Variables = new Map();
  for (const [name, value] of variables) {
    const other = name.toUpperCase();
    if (upper.has(other)) {
      throw new TsopsError("bad-variable", `two values would both be ${other}`, {
        hint: "leave out --uppercase, or rename one of the keys",
      });
    }
    upper.set(other, value);
  }
  return upper;
}
