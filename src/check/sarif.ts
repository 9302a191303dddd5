import type { Finding, Marked } from "./finding.ts";
import type { Report } from "./report.ts";
import { RULES } from "./rules.ts";

/** The report in SARIF 2.1.0 (OASIS), which GitHub and others show beside the code. */

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

export interface Tool {
  readonly version: string;
  /** The name of a finding's file as it is in the repository. */
  nameOf(file: string): string;
}

export function sarif({ findings, failed }: Report, tool: Tool) {
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "tsops",
            semanticVersion: tool.version,
            rules: RULES.map(({ id, level, summary, help, group }) => ({
              id,
              shortDescription: { text: `${sentence(summary)}.` },
              help: { text: help },
              defaultConfiguration: { level },
              properties: { tags: [...(group === "git" ? [] : ["security"]), group] },
            })),
          },
        },
        // columns are counted in characters, lines as git counts them
        columnKind: "unicodeCodePoints",
        invocations: [
          {
            executionSuccessful: failed.length === 0,
            toolExecutionNotifications: failed.map(({ file, message, error }) => ({
              level: "error",
              descriptor: { id: error },
              message: { text: message },
              ...(file === undefined ? {} : { locations: [location(file, {}, tool)] }),
            })),
          },
        ],
        results: findings.map((finding) => result(finding, tool)),
      },
    ],
  };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Where what is wrong with git's own settings is shown: a result has to have a place. */
const SETTINGS = {
  physicalLocation: { artifactLocation: { uri: ".git/config" }, region: { startLine: 1 } },
};

function result(finding: Marked, tool: Tool) {
  const { rule, level, file, message, hint, details = [], fingerprint } = finding;
  const text = [`${sentence(message)}.`, ...details, ...(hint === undefined ? [] : [hint])].join("\n");
  return {
    ruleId: rule,
    ruleIndex: RULES.findIndex(({ id }) => id === rule),
    level,
    message: { text },
    locations: [file === undefined ? SETTINGS : location(file, finding, tool)],
    partialFingerprints: { "tsops/v1": fingerprint },
  };
}

function location(file: string, { line, column }: Pick<Finding, "line" | "column">, tool: Tool) {
  const uri = tool.nameOf(file).toWellFormed().split("/").map(encodeURIComponent).join("/");
  // GitHub shows nothing that has no line
  return {
    physicalLocation: {
      artifactLocation: { uri },
      region: { startLine: line ?? 1, ...(column === undefined ? {} : { startColumn: column }) },
    },
  };
}
