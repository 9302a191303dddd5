import { write } from "../../io.ts";
import type { GitRun } from "./command.ts";

/** `git` alone says what it can do. */
export async function git({ io, table }: GitRun): Promise<number> {
  const own = table.commands.find(({ usage }) => usage === "git")?.subcommands ?? [];
  const words = own.map(({ usage }) => `tsops git ${usage}`);
  await write(io.stdout, `${words.join(" | ")}; see tsops git --help\n`);
  return 0;
}
