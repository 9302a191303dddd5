import { isDate, Time } from "../scalar.ts";

/** TOML's four kinds of dates and times; seconds may be missing since TOML 1.1. */
const DATE_TIME =
  /(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?([Zz]|[+-](\d\d):(\d\d))?)?|(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?/y;

/** Length of the date or time that starts at an offset; 0 if none does, -1 if it does not exist. */
export function dateLength(text: string, at: number): number {
  DATE_TIME.lastIndex = at;
  const found = DATE_TIME.exec(text);
  if (!found) return 0;
  const [whole, ...groups] = found;
  const [
    year,
    month,
    day,
    hour,
    minute,
    second,
    ,
    ,
    zoneHour,
    zoneMinute,
    hourAlone,
    minuteAlone,
    secondAlone,
  ] = groups.map((digits) => Number(digits ?? 0)) as number[];
  const isDay = groups[0] === undefined || isDate(year!, month!, day!);
  const hours = [hour, zoneHour, hourAlone].every((number) => number! < 24);
  const minutes = [minute, zoneMinute, minuteAlone].every((number) => number! < 60);
  // A minute may have a leap second.
  const seconds = second! <= 60 && secondAlone! <= 60;
  return isDay && hours && minutes && seconds ? whole.length : -1;
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
