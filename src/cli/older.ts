import { TsopsError } from "../errors.ts";
import { inSeconds, isDate, Time } from "../formats/scalar.ts";
import { decodeText } from "../formats/text.ts";
import type { Metadata } from "../sops/metadata.ts";
import type { Run } from "./command.ts";
import { readEncryptedAs, readInput } from "./files.ts";

/** `--older-than`: files that were written at this time or later stay as they are. */
export class OlderThan {
  private readonly limit: number;
  /** In the words of the summary. */
  readonly words: string;

  constructor(limit: number) {
    this.limit = limit;
    this.words = `not older than ${this.time}`;
  }

  /** RFC 3339. */
  get time(): string {
    return inSeconds(new Date(this.limit));
  }

  isBefore(now: Date): boolean {
    return this.limit < now.getTime();
  }

  /** Whether a file is to stay as it is. No key is needed. */
  async spares(name: string, run: Run): Promise<boolean> {
    const { bytes } = await readInput(name, run.io);
    return this.sparesThat((await readEncryptedAs(decodeText(bytes), name, run.args)).metadata);
  }

  sparesThat({ lastModified }: Pick<Metadata, "lastModified">): boolean {
    return Date.parse(lastModified) >= this.limit;
  }
}

const HOUR_MS = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };

/** A time in RFC 3339, a day in UTC, or how long ago: `90d`, `12h`, `4w`. @throws TsopsError("usage") */
export function parseOlderThan(text: string, now: Date, option = "--older-than"): OlderThan {
  const time = timeOf(text, now.getTime());
  // what RFC 3339 cannot write is a typing mistake
  const year = new Date(time).getUTCFullYear();
  if (year >= 1 && year <= 9999) return new OlderThan(time);
  throw new TsopsError("usage", `${option} takes a time, a day, or how long ago that is`, {
    hint: "such as 2026-03-01T12:00:00Z, 2026-03-01 (the day's begin in UTC), 90d, 12h or 4w",
  });
}

function timeOf(text: string, now: number): number {
  const [, count, unit = ""] = /^(\d+)([hdw])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * UNITS[unit]!;
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year !== undefined) return isDate(+year, +month!, +day!) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Date.parse(Time.parse(text)?.text ?? "");
}
