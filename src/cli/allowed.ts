import { allowedBy } from "../config/allow.ts";
import { Configurations, type LoadedConfig } from "../config/find.ts";
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
  const search = new Configurations({ cwd: io.cwd, env: io.env, option: args.text("config") });
  // one that is broken vouches for nothing, and does not stop what needs none
  const { config } = await search.load().catch((error): LoadedConfig => {
    if (error instanceof TsopsError) return { warnings: [] };
    throw error;
  });
  const named = ["", "add-"].flatMap((prefix) => keysFrom(args, prefix, io.env));
  const keys = named.map(({ kind, id, fields }) => {
    return { kind, id, role: textField(fields, "role"), profile: textField(fields, "aws_profile") };
  });
  return allowAll([config ? allowedBy(config) : ALLOW_NOTHING, namedByKeys(keys)]);
}
