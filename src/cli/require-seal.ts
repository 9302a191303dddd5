import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import type { Metadata } from "../sops/metadata.ts";
import { sealOf } from "../sops/seal.ts";
import type { Run } from "./command.ts";
import { homeOf, truthOf } from "./io.ts";
import { settingsForReading } from "./settings.ts";

/**
 * Refuses a file without a seal where seals are required: by the option, the variable or the configuration. Whether the
 * seal holds is for those to find out who have the data key.
 * @throws TsopsError("seal-missing")
 */
export async function checkSealThere(name: string, metadata: Metadata, run: Run): Promise<void> {
  if (sealOf(metadata) !== undefined) return;
  const by = await requiredBy(name, run);
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
async function requiredBy(name: string, run: Run): Promise<string | undefined> {
  if (run.given("require-seal")) return run.args["require-seal"] ? "--require-seal" : undefined;
  const variable = run.io.env.TSOPS_REQUIRE_SEAL;
  if (variable !== undefined && variable !== "")
    return truthOf("TSOPS_REQUIRE_SEAL", variable) ? "TSOPS_REQUIRE_SEAL" : undefined;
  const { userConfig } = await import("../config/user.ts");
  const own = await userConfig(run.io.env, homeOf(run.io));
  if (own.requireSeal) return own.path;
  const { config } = await settingsForReading(resolve(run.io.cwd, name), run);
  return config?.requireSeal ? config.path : undefined;
}
