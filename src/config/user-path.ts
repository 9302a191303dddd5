import { isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** Where the user's own configuration would be; undefined where there is no home folder to have it in. */
export function userConfigPath(env: Env, home: string): string | undefined {
  const folder = xdgFolder(env.XDG_CONFIG_HOME, home, ".config");
  return folder && join(folder, "tsops", "config.json5");
}

/**
 * A folder as the XDG specification has it: a path that is not absolute does not count, nor does a home that is not: what
 * a checkout has in such a place is not the user's. Undefined if there is none.
 */
export function xdgFolder(variable: string | undefined, home: string, fallback: string): string | undefined {
  if (variable && isAbsolute(variable)) return variable;
  return isAbsolute(home) ? join(home, fallback) : undefined;
}
