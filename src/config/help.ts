import { URI_FORMS } from "../keys/uri.ts";
import { SOPSRC } from "./schema.ts";
import type { Shape } from "./shape.ts";

/** The fields of a `.sopsrc` and the URIs of keys, for `tsops config --help`. */
export function fieldsHelp(): string {
  return [
    "Fields of .sopsrc, which is JSON5:",
    ...fieldLines(SOPSRC.fields),
    "",
    "Fields of a rule:",
    ...fieldLines(fieldsOf(SOPSRC.fields.rules)),
    "",
    "Fields of a destination (path, glob and name as in rules):",
    ...fieldLines(fieldsOf(SOPSRC.fields.destinations), ["name", "path", "glob"]),
    "",
    "URIs of keys:",
    ...URI_FORMS.map(({ example }) => `  ${example.length > 100 ? `${example.slice(0, 99)}…` : example}`),
  ].join("\n");
}

function fieldsOf(list: Shape | undefined): Readonly<Record<string, Shape>> {
  return list?.is === "list" && list.of.is === "fields" ? list.of.fields : {};
}

function fieldLines(fields: Readonly<Record<string, Shape>>, known: readonly string[] = []): string[] {
  const shown = Object.entries(fields).filter(([name]) => !known.includes(name));
  const width = shown.reduce((most, [name]) => Math.max(most, name.length), 0);
  return shown.flatMap(([name, { about = "" }]) =>
    wrapped(about, COLUMNS - width).map((line, i) => `  ${(i === 0 ? name : "").padEnd(width)}  ${line}`),
  );
}

/** yargs would break longer lines, and not indent what comes then. */
const COLUMNS = 94;

function wrapped(text: string, columns: number): string[] {
  return text.match(new RegExp(`.{1,${columns}}(?= |$)`, "g"))?.map((line) => line.trim()) ?? [""];
}
