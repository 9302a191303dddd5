import type { KeyContext } from "../kind.ts";

/**
 * Which of the variables the context has otherwise than the process. Some of the SDK's credentials read the process's
 * environment and cannot be told another one: they are used only where both agree, as they do on the command line.
 */
export function disagreements({ env }: Pick<KeyContext, "env">, variables: readonly string[]): string[] {
  return variables.filter((name) => (env[name] || "") !== (process.env[name] || ""));
}
