import type { PathElement } from "../../../formats/format.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import type { Failure } from "../../failures.ts";
import { failureJson, keyJson } from "../../json.ts";
import type { EncryptedFile } from "../../survey.ts";
import type { Reader } from "./readable.ts";
import type { NamedValues } from "./values.ts";

/** docs/json.md has the shapes. */
export function recipientsJson(result: object, failures: readonly Failure[]) {
  return { ...result, failed: failures.map(failureJson) };
}

export function readerJson({ key: { kind, id }, name, files }: Reader) {
  return {
    kind,
    id,
    name: name ?? null,
    files: files.map(({ file, others }) => ({ file, otherGroupsNeeded: others })),
  };
}

export function fileJson(
  { file, groups, threshold, settings }: EncryptedFile,
  values?: readonly NamedValues[],
) {
  return {
    file,
    groupsNeeded: groupsNeeded(groups, threshold),
    groups: groups.map((group) => group.map((key) => keyJson(key, settings))),
    ...(values && { values: values.map(valueJson) }),
  };
}

function valueJson({ path, encrypted, plain }: NamedValues) {
  return { path: path.map(elementJson), encrypted, plain };
}

/** A key that is no text (YAML has such) as JSON writes it. */
function elementJson(element: PathElement): string | number {
  return typeof element === "number" ? element : String(element);
}
