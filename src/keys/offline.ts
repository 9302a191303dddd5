import type { Examination } from "./kind.ts";

/** What `examine` says where nothing may be sent: what is here, and who would be asked. */
export function notAsked(found: readonly string[], who: string): Examination {
  return { usable: undefined, lines: [...found, `${who} was not asked: \`tsops doctor FILE\` does that`] };
}
