import { TsopsError } from "../errors.ts";

/** The words of a command that a variable or a configuration names. Windows paths hold backslashes, no escapes there. */
export async function splitCommand(text: string): Promise<string[]> {
  if (process.platform === "win32") return (await import("string-argv")).parseArgsStringToArgv(text);
  return splitWords(text);
}

/**
 * The words of a command line, split as a POSIX shell splits them: quotes, backslashes and comments, and nothing else
 * (no variables, no globs, no operators). Inside double quotes a backslash stands for the character after it, as in
 * SOPS. @throws TsopsError("usage") if a quote is not closed, or the text ends with a backslash.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\" && quote !== "'") {
      if (++i === text.length) throw new TsopsError("usage", "the command ends with a backslash");
      word = (word ?? "") + text[i];
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (" \t\r\n".includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      while (i + 1 < text.length && text[i + 1] !== "\n") i++;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") throw new TsopsError("usage", "a quote in the command is not closed");
  if (word !== undefined) words.push(word);
  return words;
}
