import { isAbsolute } from "node:path";

/** What Debian gives users who have no home: nothing is there, and only root could put something there. */
export const NO_HOME = "/nonexistent";

/**
 * The home folder, for the places where keys and the user's own configuration are looked for. A name that is empty or
 * relative would mean the working folder, so that a checkout could be somebody's home: it does not count.
 */
export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  const named = env.HOME ?? env.USERPROFILE;
  if (named !== undefined && isAbsolute(named)) return named;
  try {
    // loaded only where the variables say nothing: that takes as long as finding a file
    const { homedir, userInfo } = process.getBuiltinModule("node:os");
    const known = named === undefined ? homedir() : userInfo().homedir;
    return isAbsolute(known) ? known : NO_HOME;
  } catch {
    // the system knows no such user, as in some containers
    return NO_HOME;
  }
}
