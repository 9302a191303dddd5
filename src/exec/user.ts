import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { TsopsError } from "../errors.ts";
import { findProgram } from "../programs/run.ts";

/** A user of this machine, as programs need to know them. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The user of that name, for `--user`: from /etc/passwd, else from whatever other directory the system knows.
 * @throws TsopsError("usage") if there is none, or if this process may not run programs for them.
 */
export async function findAccount(name: string): Promise<Account> {
  if (process.platform === "win32") {
    throw new TsopsError("usage", "--user does not work on Windows", { hint: "start tsops as that user" });
  }
  const account = findLine(await readFile("/etc/passwd", "utf8").catch(() => ""), name) ?? (await ask(name));
  if (!account) {
    throw new TsopsError("usage", `there is no user ${name} here`, {
      hint: "check the name given with --user",
    });
  }
  const own = process.getuid?.();
  if (own !== 0 && own !== account.uid) {
    throw new TsopsError("usage", `only root may run a program as ${name}`, {
      hint: "leave out --user, or start tsops with sudo",
    });
  }
  return account;
}

/** What SOPS sets for that user (exec-env and exec-file with --user). */
export function accountVariables({ name, home }: Account): Record<string, string> {
  return { HOME: home, USER: name, LOGNAME: name };
}

/** passwd(5): name, password, uid, gid, comment, home, shell. */
function findLine(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid, , home] = line.split(":");
    if (user !== name || !/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) continue;
    return { name, uid: Number(uid), gid: Number(gid), home: home ?? "/" };
  }
  return undefined;
}

/** Asks the system's own databases (LDAP and the like), where it has the program for that. */
async function ask(name: string): Promise<Account | undefined> {
  const env = { PATH: "/usr/bin:/bin:/run/current-system/sw/bin" };
  const program = findProgram("getent", env);
  if (program === undefined) return undefined;
  const answer = await promisify(execFile)(program, ["passwd", "--", name], { env, timeout: 10_000 }).catch(
    () => undefined,
  );
  return answer && findLine(answer.stdout, name);
}
