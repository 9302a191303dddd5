import type { Readable, Writable } from "node:stream";

/** What the command line may use of the process, so that tests can run it in theirs. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
}

/** The home folder, for the places where keys and the user's own configuration are looked for. */
export function homeOf({ env }: Pick<Io, "env">): string {
  return env.HOME ?? env.USERPROFILE ?? process.getBuiltinModule("node:os").homedir();
}

/** Writes and waits until the stream has taken it: an exit must not cut off what was printed. */
export async function write(stream: Writable, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    stream.write(data, (error) => {
      const closed = (error as NodeJS.ErrnoException | null | undefined)?.code === "EPIPE";
      if (error && !closed) reject(error);
      else resolve();
    });
  });
}

/** All bytes of a stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const CONTROLS =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|(?<![\ud800-\udbff])[\udc80-\udc9f]/g;

/** A text with its control characters made visible: a key or value must not steer the terminal that shows it. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (character) => {
    let code = character.charCodeAt(0);
    // a byte that is not UTF-8 (src/formats/text.ts), which old terminals take for a control character
    if (code >= 0xdc80) code -= 0xdc00;
    return code < 0x20
      ? String.fromCharCode(0x2400 + code)
      : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** The same for a plaintext: CR LF line ends are harmless and stay. */
export function visibleDocument(text: string): string {
  return text
    .split("\r\n")
    .map((line) => visible(line))
    .join("\r\n");
}
