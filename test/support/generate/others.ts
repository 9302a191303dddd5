import { Random } from "./random.ts";

/** Random documents of the formats other than YAML, the same for the same seed. SOPS accepts all of them. */

export function generateJson(seed: number): string {
  const random = new Random(seed);
  const indent = random.pick(["", " ", "  ", "\t", "    "]);
  const lineEnd = () => (random.chance(0.1) ? "\r\n" : "\n");
  const newline = indent === "" ? "" : lineEnd();
  let keys = 0;

  const value = (depth: number, level: number): string => {
    if (depth > 0 && random.chance(0.4)) return collection(depth, level, random.chance(0.6));
    return random.weighted<() => string>([
      [0.5, () => random.pick(JSON_STRINGS)],
      [0.3, () => random.pick(JSON_NUMBERS)],
      [0.1, () => random.pick(["true", "false"])],
      [0.05, () => "null"],
      [0.05, () => random.pick(["{}", "[]", "{ }", '""'])],
    ])();
  };
  const collection = (depth: number, level: number, isMap: boolean): string => {
    const inner = newline + indent.repeat(level + 1);
    const colon = random.pick([":", ": ", ": ", " : "]);
    const items = Array.from({ length: random.between(1, 4) }, () => {
      const item = value(depth - 1, level + 1);
      return isMap ? `${key()}${colon}${item}` : item;
    });
    const [open, close] = isMap ? "{}" : "[]";
    return `${open}${inner}${items.join(`,${inner}`)}${newline}${indent.repeat(level)}${close}`;
  };
  const key = (): string =>
    random.pick([
      `"key${keys++}"`,
      `"key${keys++}"`,
      `"${keys++}"`,
      `"k é ${keys++}"`,
      `"\\u006b${keys++}"`,
      `"__proto__${keys++}"`,
    ]);
  return collection(3, 0, true) + random.pick(["", "\n", "\n", "\n\n"]);
}

const JSON_STRINGS = [
  '"text"',
  '"with \\"quotes\\" and \\\\"',
  '"tab\\tand\\nbreak"',
  '"\\u00e9"',
  '"é 日本 😀"',
  '"\\ud83d\\ude00"',
  '"<html>&amp;"',
  '"\\/slash"',
  '"  blanks  "',
  '"true"',
  '"12"',
] as const;

const JSON_NUMBERS = [
  "0",
  "-1",
  "42",
  "9007199254740993",
  "1.0",
  "1.50",
  "-0.5",
  "1e3",
  "1E-7",
  "6.02e+23",
] as const;

export function generateDotenv(seed: number): string {
  const random = new Random(seed);
  const newline = random.chance(0.08) ? "\r\n" : "\n";
  const lines = Array.from({ length: random.between(1, 12) }, (_, i) =>
    random.weighted<() => string>([
      [0.7, () => `KEY_${i}=${random.pick(DOTENV_VALUES)}`],
      [0.15, () => `# comment ${i}`],
      [0.05, () => `#old_${i}=value`],
      [0.1, () => ""],
    ])(),
  );
  lines.push(`LAST=${random.pick(DOTENV_VALUES)}`);
  // a blank line that ends in CR LF is a line with a CR for SOPS, which refuses it
  const text = lines.filter((line) => line !== "" || newline === "\n").join(newline);
  return random.chance(0.85) ? text + newline : text;
}

const DOTENV_VALUES = [
  "value",
  "",
  '"quoted value"',
  "'single'",
  "a=b=c",
  "spaces at the end  ",
  "  leading",
  "$OTHER `x`",
  "back\\slash and \\n",
  "x # no comment",
  "é 😀",
  "p@ss!word%^&*()",
  "12",
] as const;

export function generateIni(seed: number): string {
  const random = new Random(seed);
  const newline = random.chance(0.08) ? "\r\n" : "\n";
  const lines: string[] = [];
  const assign = random.pick(["=", " = ", " = ", " =", "= "]);
  const entries = (): void => {
    for (let i = random.between(1, 5); i > 0; i--) {
      if (random.chance(0.2)) lines.push(`${random.pick([";", "#"])} comment ${lines.length}`);
      if (random.chance(0.1)) lines.push("");
      lines.push(`key${lines.length}${assign}${random.pick(INI_VALUES)}`);
    }
  };
  if (random.chance(0.4)) entries();
  for (let i = 0; i < random.between(1, 3); i++) {
    if (random.chance(0.5)) lines.push("");
    if (random.chance(0.2)) lines.push(`; about section ${i}`);
    lines.push(`[section${i}${random.chance(0.2) ? ".sub" : ""}]`);
    entries();
  }
  return lines.join(newline) + (random.chance(0.9) ? newline : "");
}

const INI_VALUES = [
  "value",
  "several words",
  "12",
  "1.50",
  "true",
  '"quoted"',
  "'single'",
  "a=b",
  "http://example.com:80/x",
  "é 😀",
  "p@ss!word%^&*()",
  "C:/path/to",
] as const;

/** Any bytes, text or not. */
export function generateBinary(seed: number): Buffer {
  const random = new Random(seed);
  const bytes = Buffer.alloc(random.pick([0, 1, 16, 100, 1000, 70_000]));
  const text = random.chance(0.4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text ? random.between(10, 126) : random.below(256);
  return bytes;
}
