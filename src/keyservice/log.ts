/** One line of the key service's log. Never a secret, a data key or a wrapped one. */
export interface LogEntry {
  readonly event: "listening" | "warning" | "request" | "health" | "stopping" | "stopped";
  readonly [field: string]: string | number | boolean | undefined;
}

export type Log = (entry: LogEntry) => void;

/** Writes entries as lines of JSON, each with its time. JSON shows control characters as escapes. */
export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  return (entry) => {
    const line = JSON.stringify({ time: now().toISOString(), ...entry });
    write(`${line.replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{DI}]|#(?=#[a-z]*\[)/giu, escaped)}\n`);
  };
}

/** What JSON leaves as it is, though it steers terminals, or programs that look for commands in logs. */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
