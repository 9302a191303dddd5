import { TsopsError } from "../errors.ts";

/** The error for a kind whose keys can be named, but not used. */
export function notYet(title: string): TsopsError {
  return new TsopsError("generic", `this version of tsops cannot use ${title} keys yet`, {
    hint: "use a key of another kind",
  });
}
