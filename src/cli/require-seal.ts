import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import type { Metadata } from "../sops/metadata.ts";
import { sealOf } from "../sops/seal.ts";
import type { Args } from "./args.ts";
import { homeOf, type Io } from "./io.ts";
import { settingsForReading } from "./settings.ts";

/**
 * Refuses a file without a seal where seals are required: by the option, the variable or the configuration. Whether the
 * seal holds is for those to find out who have the data key.
 * @throws TsopsError("seal-missing")
 */
export async function checkSealThere(name: string, metadata: Metadata, args: Args, io: Io): Promise<void> {
  if (sealOf(metadata) !== undefined) return;
  const by = await requiredBy(name, args, io);
  if (by === undefined) return;
  throw new TsopsError("seal-missing", `the file has no seal, and ${by} requires one`, {
    hint:
      "SOPS wrote it, or somebody removed the seal: compare it with git's history.\n" +
      "If it is right, tsops rotate -i --require-seal=false seals it again",
  });
}

/**
 * What says that a file must have a seal; undefined if nothing does. The nearest word counts. A configuration that cannot
 * be read says nothing: whoever could break it could as well take the field out.
 */
async function requiredBy(name: string, args: Args, io: Io): Promise<string | undefined> {
  if (args.has("require-seal")) return args.flag("require-seal") ? "--require-seal" : undefined;
  const variable = io.env.TSOPS_REQUIRE_SEAL;
  if (variable !== undefined && variable !== "") return truth(variable) ? "TSOPS_REQUIRE_SEAL" : undefined;
  const { userConfig } = await import("../config/user.ts");
  const own = await userConfig(io.env, homeOf(io));
  if (own.requireSeal) return own.path;
  const { config } = await settingsForReading(resolve(io.cwd, name), args, io);
  return config?.requireSeal ? config.path : undefined;
}

function truth(text: string): boolean {
  if (/^(1|t|true|T|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|false|F|FALSE|False)$/.test(text)) return false;
  throw new TsopsError("usage", "TSOPS_REQUIRE_SEAL is neither true nor false");
}
