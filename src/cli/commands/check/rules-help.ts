import { RULES } from "../../../check/rules.ts";

/** The rules, for help. docs/check.md says more of each. */
export function rulesHelp(): string {
  const width = RULES.reduce((most, { id }) => Math.max(most, id.length), 0);
  const lines = RULES.map(({ id, summary }) => `  ${id.padEnd(width)}  ${summary}`);
  return ["Rules:", ...lines].join("\n");
}
