import type { Finding } from "../../../check/finding.ts";
import { countOf, type Report, reportJson } from "../../../check/report.ts";
import { type Line, write } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { note, tell } from "../../report.ts";
import { VERSION } from "../../version.ts";
import type { CheckRun } from "./command.ts";

export interface Printing {
  readonly output: "text" | "json" | "sarif";
  /** A file's name from the top of the repository. */
  nameOf(file: string): string;
  readonly run: CheckRun;
}

export async function printReport(report: Report, printing: Printing): Promise<void> {
  const { io } = printing.run;
  if (printing.output === "json") return await writeJson(io, reportJson(report));
  if (printing.output === "sarif") {
    const { sarif } = await import("../../../check/sarif.ts");
    return await writeJson(io, sarif(report, { version: VERSION, nameOf: printing.nameOf }));
  }
  await printText(report, printing);
}

const COLOURS = { error: "red", warning: "yellow", note: "green" } as const;

/** A finding a line, what belongs to it below it, and a line that counts. A guard that has nothing to say is silent. */
async function printText({ findings, failed, files, known }: Report, { run }: Printing): Promise<void> {
  const { io, args } = run;
  let last: string | undefined;
  for (const finding of findings) {
    const lines = linesOf(finding, finding.hint !== last);
    last = finding.hint;
    await tell(io, lines, "stdout");
  }
  for (const { file, message } of failed)
    await tell(io, [{ text: `${file ?? "git"}: not checked: ${message}`, colour: "red" }], "stdout");
  const counts = (["error", "warning", "note"] as const)
    .map((level) => [countOf(findings, level), level] as const)
    .filter(([count]) => count > 0)
    .map(([count, level]) => counted(count, level));
  const blocks = countOf(findings, "error") + (args.strict ? countOf(findings, "warning") : 0) > 0;
  if (args.staged && blocks) await noteGuard(run);
  if (args.staged && counts.length === 0 && failed.length === 0) return;
  const more = known > 0 ? `; ${counted(known, "finding")} of the baseline` : "";
  const left = failed.length > 0 ? `; ${counted(failed.length, "file")} not checked` : "";
  await write(
    io.stdout,
    `${counted(files, "file")}: ${counts.join(", ") || "nothing found"}${more}${left}\n`,
  );
}

function linesOf(finding: Finding, withHint: boolean): Line[] {
  const { file, line, column, level, message, rule, details = [], hint } = finding;
  const where = [file ?? "git", line, column].filter((part) => part !== undefined).join(":");
  const next = withHint && hint !== undefined ? hint.split("\n").map((text) => `  ${text}`) : [];
  return [
    { text: `${where}: ${level}: ${message} [${rule}]`, colour: COLOURS[level] },
    ...details.map((text) => `  ${text}`),
    ...next,
  ];
}

async function noteGuard({ io }: CheckRun): Promise<void> {
  await note(
    io,
    "these files should not be committed as they are staged",
    "  to commit them all the same: git commit --no-verify",
  );
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
