/** Names that a key may have. */

import { TsopsError } from "../../errors.ts";
import type { PathElement } from "../../formats/format.ts";
import type { Node } from "../outline/node.ts";
import type { Draft } from "./draft.ts";

export function refuseTaken(members: readonly Node[], key: string): void {
  if (!members.some((member) => member.key === key)) return;
  throw new TsopsError("bad-path", `there is a key ${JSON.stringify(key)} already`, {
    hint: "choose another name",
  });
}

/** The place of the metadata is not the editor's. */
export function refuseMetadata([first]: readonly PathElement[], { setting }: Draft): void {
  const flat = setting.format.name === "dotenv" && String(first).startsWith("sops_");
  if (!flat && first !== "sops") return;
  throw new TsopsError("already-encrypted", `${first} is where the file keeps its own metadata`, {
    hint: "choose another name",
  });
}

export function freeName(key: string, members: readonly Node[]): string {
  const taken = new Set(members.map((member) => member.key));
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${key}_copy` : `${key}_copy${n}`;
    if (!taken.has(name)) return name;
  }
}
