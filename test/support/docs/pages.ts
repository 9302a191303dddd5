import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = new URL("../../..", import.meta.url).pathname;

export interface Page {
  /** Its path in the repository. */
  readonly name: string;
  readonly text: string;
}

/** Every page that a person reads. */
export const PAGES: readonly Page[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...["docs", "docs/internals"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => `${folder}/${name}`),
  ),
].map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));

export function page(name: string): Page {
  const found = PAGES.find((each) => each.name === name);
  if (!found) throw new Error(`there is no page ${name}`);
  return found;
}

const FENCE = /^( *)(```+)(.*)\n([\s\S]*?)^\1\2 *$/gm;

export interface Block {
  /** What stands behind the fence: `sh`, `console`, `yaml`. */
  readonly language: string;
  readonly text: string;
}

/** Code blocks, between fences or indented by four blanks behind an empty line. */
export function codeBlocks({ text }: Page): Block[] {
  const fenced = [...text.matchAll(FENCE)].map(([, , , language, body]) => ({
    language: language!.trim(),
    text: body!,
  }));
  const indented = [...withoutFences(text).matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)].map(([body]) => ({
    language: "",
    text: body.replace(/^ {4}/gm, ""),
  }));
  return [...fenced, ...indented];
}

const withoutFences = (text: string): string => text.replace(FENCE, "");

/** The text of a page in `code`, which a line break may divide. */
export function codeSpans({ text }: Page): string[] {
  return [...withoutFences(text).matchAll(/(?<!`)(`+)(?!`)([\s\S]+?)(?<!`)\1(?!`)/g)].map(([, , code]) =>
    code!.trim().replace(/\s+/g, " "),
  );
}

export interface Link {
  /** The file that it leads to, as a path in the repository; undefined if it leads elsewhere. */
  readonly file: string | undefined;
  readonly anchor: string;
  readonly written: string;
}

/** Links of the forms `[text](target)`, also those that a line break divides. */
export function links({ name, text }: Page): Link[] {
  const prose = withoutFences(text).replace(/(?<!`)(`+)(?!`)[\s\S]+?(?<!`)\1(?!`)/g, "code");
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, written]) => {
    const [path, anchor = ""] = written!.split("#", 2) as [string, string?];
    if (/^[a-z]+:/.test(path)) return { file: undefined, anchor, written: written! };
    return { file: path === "" ? name : normalize(join(dirname(name), path)), anchor, written: written! };
  });
}

/** The names of a page's parts, as GitHub makes them of headings, and those that it gives itself. */
export function anchors({ text }: Page): Set<string> {
  const prose = withoutFences(text);
  const names = new Set<string>();
  for (const [, heading] of prose.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const base = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    let name = base;
    for (let i = 1; names.has(name); i++) name = `${base}-${i}`;
    names.add(name);
  }
  for (const [, id] of prose.matchAll(/<a id="([^"]+)">/g)) names.add(id!);
  return names;
}
