import { TsopsError } from "../errors.ts";
import { shortened } from "../printable.ts";
import { unreadable } from "./fields.ts";
import type { KeyKind, MasterKey } from "./kind.ts";

/**
 * What can forge a line where an identifier is shown. A tab is harmless: it may stand between the words of an SSH key.
 */
const CONTROL = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function fault(title: string): string {
  const article = /^[aeiou]/i.test(title) ? "an" : "a";
  return `the identifier of ${article} ${title} key has a control character or a line break in it`;
}

/** Keys that somebody named. @throws TsopsError("usage") if there is a control character in an identifier. */
export function checkedKeys(keys: MasterKey[], title: string): MasterKey[] {
  const bad = keys.find(({ id }) => CONTROL.test(id));
  if (!bad) return keys;
  throw new TsopsError("usage", `${fault(title)}: ${shortened(bad.id)}`, {
    hint: "name one key a line, or put commas between them",
  });
}

/** A kind whose keys have no such characters in their identifiers, whoever wrote them. */
export function withoutControls(kind: KeyKind): KeyKind {
  return {
    ...kind,
    parse: (list) => checkedKeys(kind.parse(list), kind.title),
    fromMetadata(fields) {
      const key = kind.fromMetadata(fields);
      if (CONTROL.test(key.id)) throw unreadable(fault(kind.title));
      return key;
    },
  };
}
