/** An identifier, for a message. Post-quantum recipients and RSA keys are too long to read: their middle is left out. */
export function shortened(id: string): string {
  return printable(id.length > 120 ? `${id.slice(0, 40)}…${id.slice(-16)}` : id);
}

/** Text from a file or another program, fit for a message: control characters show, line breaks become blanks. */
export function printable(text: string): string {
  return text
    .trim()
    .replace(/\s*[\r\n\v\f\x85\u2028\u2029]+\s*/g, "; ")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]/gu, (char) => {
      const code = char.codePointAt(0)!.toString(16);
      return code.length < 3 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
    });
}

/** A word for a command line that a person pastes: in quotes where a shell needs them. */
export function shellQuoted(text: string): string {
  return /^[\w.,:/=@%+-]+$/.test(text) ? text : singleQuoted(text);
}

/** A text as a shell's single quotes hold it. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
