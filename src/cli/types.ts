import { FORMAT_NAMES, isFormatName } from "../formats/index.ts";
import { nearest } from "../nearest.ts";
import type { Io } from "./io.ts";
import type { Chosen } from "./parse.ts";
import { note } from "./report.ts";

/** To SOPS a type that it does not know is as good as none: the file's name says it. Here a line says so. */
export async function noteUnknownTypes({ args }: Pick<Chosen, "args">, io: Io): Promise<void> {
  for (const option of ["input-type", "output-type"]) {
    const type = args[option];
    if (typeof type !== "string" || type === "" || isFormatName(type)) continue;
    const meant = type === "env" ? "dotenv" : nearest(type, FORMAT_NAMES);
    await note(
      io,
      `warning: there is no format ${JSON.stringify(type)}, so --${option} is ignored`,
      `  ${meant === undefined ? `there are: ${FORMAT_NAMES.join(", ")}` : `did you mean ${meant}?`}`,
    );
  }
}
