import fc from "fast-check";

/** A JSON or JSON5 document to be written in some style: scalars and keys are raw text already. */
type Node = string | { open: string; close: string; items: { key?: string; value: Node }[] };

export interface Notation {
  readonly keys: fc.Arbitrary<string>;
  readonly scalars: fc.Arbitrary<string>;
  /** What may stand between two tokens. */
  readonly gaps: fc.Arbitrary<string>;
  readonly trailingCommas: boolean;
}

const escapes = fc.constantFrom(
  '\\"',
  "\\\\",
  "\\/",
  "\\n",
  "\\u00e9",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\u2028",
);
const characters = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.string({ unit: "grapheme", maxLength: 3 }).map((s) => s.replace(/["'\\]|\p{Cc}/gu, "")),
  },
  { weight: 1, arbitrary: escapes },
  {
    weight: 1,
    arbitrary: fc.constantFrom("é", "😀", "\u2028", "\u007f", "<&>", "ENC[", "\udc80", "#", "//", "{", ","),
  },
);
export const jsonStrings = fc.array(characters, { maxLength: 5 }).map((parts) => `"${parts.join("")}"`);
const numbers = fc.oneof(
  fc.bigInt({ min: -(1n << 65n), max: 1n << 65n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
  fc.constantFrom("0", "-0", "1.0", "1e2", "1E+05", "-0.0", "123456789012345678901234567890", "1e-400"),
);

export const JSON_NOTATION: Notation = {
  keys: fc.oneof(jsonStrings, fc.constantFrom('"a"', '"__proto__"', '"1"', '"a:b"', '""', '"\\u0061"')),
  scalars: fc.oneof(jsonStrings, numbers, fc.constantFrom("true", "false", "null")),
  gaps: fc.constantFrom("", "", " ", "\n", "\r\n", "\t", "\n  "),
  trailingCommas: false,
};

const STYLES = ["compact", "spaced", "tabs", "two blanks", "CR LF", "wild"] as const;

/** Texts in all kinds of layouts, whose root is an object. */
export function documents({ keys, scalars, gaps, trailingCommas }: Notation): fc.Arbitrary<string> {
  const { root } = fc.letrec<{ node: Node; root: Node; list: Node }>((tie) => ({
    node: fc.oneof({ maxDepth: 4, depthSize: "small" }, scalars, tie("root"), tie("list")),
    root: fc
      .array(fc.record({ key: keys, value: tie("node") }), { maxLength: 4 })
      .map((items) => ({ open: "{", close: "}", items })),
    list: fc
      .array(fc.record({ value: tie("node") }), { maxLength: 4 })
      .map((items) => ({ open: "[", close: "]", items })),
  }));
  const layout = fc.record({
    style: fc.constantFrom(...STYLES),
    gaps: fc.array(gaps, { minLength: 1, maxLength: 20 }),
    end: fc.constantFrom("", "\n", "\r\n", "\n\n"),
    trailing: trailingCommas ? fc.boolean() : fc.constant(false),
  });
  return fc.tuple(root, layout).map(([node, { style, gaps: wild, end, trailing }]) => {
    let n = 0;
    const gap = () => wild[n++ % wild.length]!;
    const newline = style === "CR LF" ? "\r\n" : "\n";
    const unit = style === "tabs" ? "\t" : "  ";
    const write = (item: Node, depth: number): string => {
      if (typeof item === "string") return item;
      const { open, close, items } = item;
      const comma = trailing && items.length > 0 ? "," : "";
      const even = style === "compact" ? ":" : ": ";
      const colon = style === "wild" ? `${gap()}:${gap()}` : even;
      const members = items.map(
        ({ key, value }) => `${key === undefined ? "" : key + colon}${write(value, depth + 1)}`,
      );
      if (style === "wild") {
        return `${open}${members.map((member) => gap() + member + gap()).join(",")}${comma}${gap()}${close}`;
      }
      if (style === "compact" || style === "spaced" || items.length === 0) {
        return `${open}${members.join(style === "compact" ? "," : ", ")}${comma}${close}`;
      }
      const lines = members.map((member) => newline + unit.repeat(depth + 1) + member);
      return `${open}${lines.join(",")}${comma}${newline}${unit.repeat(depth)}${close}`;
    };
    return (style === "wild" ? gap() : "") + write(node, 0) + end;
  });
}

/** A text with a few places broken. */
export function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const pieces = fc.oneof(
    fc.constantFrom(..."{}[]:,\"'\\/*#=\n\r.-+eE0179 tfnu\t\u0000\ufeff\u2028\ud800\udc80"),
    fc.constantFrom(
      '"sops"',
      "sops",
      '"sops":{',
      "//",
      "/*",
      "[[",
      "]]",
      '"""',
      "'''",
      "0x",
      "nan",
      "null",
      "1e999",
    ),
    fc.string({ unit: "binary", maxLength: 2 }),
  );
  const change = fc.record({ at: fc.nat(), drop: fc.nat(3), insert: pieces });
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) =>
    changes.reduce((now, { at, drop, insert }) => {
      const place = at % (now.length + 1);
      return now.slice(0, place) + insert + now.slice(place + drop);
    }, text),
  );
}
