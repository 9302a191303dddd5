import { allowedBy } from "../config/allow.ts";
import { Configurations } from "../config/find.ts";
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
