import type { Named } from "./names.ts";

/** Files of names and values in formats that tsops does not read. */
const FILES = /\.(?:properties|tfvars|cfg|conf|cnf|config)$|(?:^|[\\/])\.(?:npmrc|yarnrc|pypirc)$/i;

/** In `.npmrc` a registry may stand before the name. */
const NAME = /^[ \t]*(?:export[ \t]+|\/\/[^\s=]{1,200}\/:)?([A-Za-z_][\w.-]{0,100})[ \t]*[=:][ \t]*/;
/** In quotes, or up to a blank with a comment behind it. */
const VALUE = /^(?:"([^"]*)"|'([^']*)'|([^\s"'#;]\S*(?:[ \t]+[^\s#;]\S*)*))/;
/** No line with a secret that people write is longer. */
const LONGEST = 5000;

/** The lines of such a file that give a name a value. */
export function assignmentsIn(file: string, text: string): Named[] {
  if (!FILES.test(file)) return [];
  const found: Named[] = [];
  for (const line of text.matchAll(/[^\r\n]+/g)) {
    const [content] = line;
    const name = content.length > LONGEST ? null : NAME.exec(content);
    const value = name && VALUE.exec(content.slice(name[0].length));
    if (!name || !value) continue;
    const [whole, double, single, bare] = value;
    const start = line.index + name[0].length;
    found.push({
      key: name[1]!,
      value: double ?? single ?? bare?.replace(/[,;]$/, "") ?? "",
      start,
      end: start + whole.length,
    });
  }
  return found;
}
