import { isDate, Time } from "../scalar.ts";

/** TOML's four kinds of dates and times; seconds may be missing since TOML 1.1. */
const DATE_TIME =
  /(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?([Zz]|[+-](\d\d):(\d\d))?)?|(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?/y;

/** Length of the date or time that starts at an offset; 0 if none does, -1 if it does not exist. */
export function dateLength(text: string, at: number): number {
  DATE_TIME.lastIndex = at;
  const m = DATE_TIME.exec(text);
  if (!m) return 0;
  const n = (i: number) => Number(m[i] ?? 0);
  const day = m[1] === undefined || isDate(n(1), n(2), n(3));
  const hour = n(4) < 24 && n(11) < 24 && n(9) < 24;
  const minute = n(5) < 60 && n(12) < 60 && n(10) < 60;
  // A minute may have a leap second.
  return day && hour && minute && n(6) <= 60 && n(13) <= 60 ? m[0].length : -1;
}

/** Whether a whole text is a date or a time in TOML. */
export function isDateText(text: string): boolean {
  return text !== "" && dateLength(text, 0) === text.length;
}

/**
 * What a date stands for: a point in time if it has an offset, else its text. SOPS has no local dates and times, nor
 * leap seconds.
 */
export function dateValue(text: string): Time | string {
  const [, date, clock, seconds, rest] =
    /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (date === undefined) return text;
  return Time.parse(`${date}T${clock}${seconds ?? ":00"}${rest!.toUpperCase()}`) ?? text;
}
