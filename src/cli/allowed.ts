import { resolve } from "node:path";
import { allowedBy, masterVariablesOf } from "../config/allow.ts";
import { Configurations } from "../config/find.ts";
import { TsopsError } from "../errors.ts";
import { ALLOW_NOTHING, type Allow, allowAll, namedByKeys } from "../keys/allow.ts";
import { textField } from "../keys/fields.ts";
import type { Args } from "./args.ts";
import { keysFrom } from "./creation.ts";
import type { Io } from "./io.ts";

/**
 * What the configuration that the person went to names, and what the options and variables name. A configuration that
 * was only found beside the file does not count: whoever hands over a file may hand over its folder, too.
 */
export async function allowedHere(args: Args, io: Io): Promise<Allow> {
  const { config } = await new Configurations({
    cwd: io.cwd,
    env: io.env,
    option: args.text("config"),
  }).load();
  const named = ["", "add-"].flatMap((prefix) => keysFrom(args, prefix, io.env));
  const keys = named.map(({ kind, id, fields }) => {
    return { kind, id, role: textField(fields, "role"), profile: textField(fields, "aws_profile") };
  });
  return allowAll([config ? allowedBy(config) : ALLOW_NOTHING, namedByKeys(keys)]);
}

/**
 * The variables that hold master keys which the configuration names, for the working folder or for one of these files.
 * A configuration that cannot be read names none: whoever needs it says so.
 */
export async function masterVariables(args: Args, io: Io, files: readonly string[] = []): Promise<string[]> {
  const found = new Configurations({ cwd: io.cwd, env: io.env, option: args.text("config") });
  const paths = [undefined, ...files.map((file) => resolve(io.cwd, file))];
  const names = paths.map(async (path) => {
    try {
      const { config } = await found.load(path);
      return config ? masterVariablesOf(config) : [];
    } catch (error) {
      if (error instanceof TsopsError) return [];
      throw error;
    }
  });
  return [...new Set((await Promise.all(names)).flat())];
}
