/** What is used of secretlint: a part of its own, which is loaded for --deep alone. */
export { lintSource } from "@secretlint/core";
export { creator } from "@secretlint/secretlint-rule-preset-recommend";
