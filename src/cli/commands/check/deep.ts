import type { DeepScan } from "../../../check/secrets/deep.ts";

/** secretlint's preset, which takes as long to load as Node itself: only for --deep. */
export async function loadDeepScan(): Promise<DeepScan> {
  const { lintSource, creator } = await import("./sdk.ts");
  const rules = [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: creator, options: {} }];
  return async (content, filePath) => {
    const { messages } = await lintSource({
      source: { content, filePath, ext: "", contentType: "text" },
      options: { config: { rules }, noPhysicFilePath: true },
    });
    return messages
      .filter(({ type }) => type === "message")
      .map(({ range: [start, end], ruleId, messageId }) => {
        const rule = ruleId.replace(/^@secretlint\/secretlint-rule-/, "");
        return { start, end, what: `${rule}/${messageId}` };
      });
  };
}
