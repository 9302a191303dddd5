/** How long something lasts, as people write it: `90s`, `15m`, `8h`, `7d`. */
export const DURATION = /^[1-9]\d{0,5}[smhd]$/;
export const DURATION_WORDS = "a whole number with s, m, h or d behind it, such as 15m";

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** In milliseconds; undefined if it is no duration. */
export function durationMs(text: string): number | undefined {
  return DURATION.test(text) ? Number(text.slice(0, -1)) * UNITS[text.at(-1)!]! : undefined;
}

/** For people, in the largest unit of which there are two or more; rounded down. */
export function durationText(ms: number): string {
  const units = [
    ["days", UNITS.d!],
    ["hours", UNITS.h!],
    ["minutes", UNITS.m!],
  ] as const;
  const [words, unit] = units.find(([, one]) => ms >= 2 * one) ?? ["seconds", UNITS.s!];
  const count = Math.floor(ms / unit);
  return `${count} ${count === 1 ? words.slice(0, -1) : words}`;
}
