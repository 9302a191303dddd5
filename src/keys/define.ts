import { TsopsError } from "../errors.ts";
import { shortened } from "../printable.ts";
import { unreadable } from "./fields.ts";
import type { KeyKind } from "./kind.ts";
import { refuseSecretKey } from "./secret.ts";

/**
 * What can forge a line where an identifier is shown: control characters, line breaks, marks of direction. A tab is
 * harmless: it may stand between the words of an SSH key. By their codes: what `\p{…}` names takes V8 a millisecond to
 * find.
 */
const CONTROL = /[\x00-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/**
 * A kind of keys, with what holds for all kinds: nobody names a secret key where a public one belongs, and identifiers
 * have no control characters, whoever wrote them. Names keep their literal types.
 */
export function defineKind<const Kind extends KeyKind>(kind: Kind): Kind {
  const fault = `the identifier of ${withArticle(kind.title)} key has a control character or a line break in it`;
  return {
    ...kind,
    parse(list, given) {
      refuseSecretKey(list);
      const keys = kind.parse(list, given);
      const bad = keys.find(({ id }) => CONTROL.test(id));
      if (!bad) return keys;
      throw new TsopsError("usage", `${fault}: ${shortened(bad.id)}`, {
        hint: "name one key a line, or put commas between them",
      });
    },
    fromMetadata(fields) {
      const key = kind.fromMetadata(fields);
      if (CONTROL.test(key.id)) throw unreadable(fault);
      return key;
    },
  } satisfies KeyKind as Kind;
}

function withArticle(title: string): string {
  return `${/^[aeiou]/i.test(title) ? "an" : "a"} ${title}`;
}
