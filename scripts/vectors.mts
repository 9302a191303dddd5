// Writes fixtures/seal/vectors.json: `node --import tsx scripts/vectors.mts`. Random bytes are counted up, so that
// the same files come out every time.
import { writeFileSync } from "node:fs";
import { loadFormat } from "../src/formats/index.ts";
import { TreeList, TreeMap } from "../src/formats/tree.ts";
import { decryptText, readEncrypted } from "../src/sops/decrypt.ts";
import { encryptText } from "../src/sops/encrypt.ts";
import { decryptLayout } from "../src/sops/layout.ts";
import { selectorFields, treeWith } from "../src/sops/metadata.ts";
import { sealedBytes } from "../src/sops/seal.ts";
import { compileSelector, type Selector } from "../src/sops/selection.ts";

const key = (recipient: string) =>
  TreeMap.of([
    ["enc", "wrapped"],
    ["recipient", recipient],
  ]);
const suffix: Selector = { kind: "unencrypted_suffix", value: "_unencrypted" };

const MAC_ONLY = [
  [
    "yaml",
    "# note\na: !x\n  'b_enc': &y secret\nl_enc_not:\n  - 1\n  - p_enc: one\n  - 2\n  - p_enc: |2\n       two\n---\nc: 1\n---\nd_enc: 1\n",
  ],
  ["json", '{"a": 1, "l": [0, {"p_enc": 1.50}, [], {"p_enc": true}], "a": 2}\n'],
  ["json5", "{l: [0, {p_enc: 'x'}], /* note */ b: 1}\n"],
  ["toml", "a = 1\nd_enc = 1979-05-27\nt_enc = '''\n1979-05-27'''\n[[l]]\nb = 1\n[[l]]\nc_enc = 1\n"],
  ["ini", '; note\n[a]\n"x_enc" = 1 ; inline\n  y = 2\n'],
  ["dotenv", "A='\nX_enc=1\nB='\n"],
  ["binary", "any bytes\n"],
] as const;

const CASES = [
  {
    name: "JSON with every type of value, two recipients",
    format: "json",
    selector: suffix,
    fields: { age: new TreeList([key("age1first"), key("age1second")]) },
    plain:
      '{"s": "é", "i": -7, "f": 1.50, "b": true, "n": null, "e": "", "m": {}, "l": [], "a": [{"x_unencrypted": "y"}, "z"]}\n',
  },
  {
    name: "YAML with comments, an alias, a folded text, two documents",
    format: "yaml",
    selector: suffix,
    fields: { age: new TreeList([key("age1first")]) },
    plain: "# head\na: &x\n  k: 0x1F # inline\nb: *x\nc: >-\n  folded\n  text\nt: 2026-11-22\n---\nd: 1\n",
  },
  {
    name: "dotenv with an expression and two key groups",
    format: "dotenv",
    selector: { kind: "encrypted_regex", value: "^SECRET" } as Selector,
    fields: {
      key_groups: new TreeList([
        TreeMap.of([
          ["age", new TreeList([key("age1first")])],
          ["hc_vault", new TreeList()],
        ]),
        TreeMap.of([
          ["age", new TreeList([key("age1second")])],
          ["hc_vault", new TreeList()],
        ]),
      ]),
      shamir_threshold: 2n,
    },
    plain: "# plain\nSECRET_A=line\\nbreak\nOTHER=x\n",
  },
  {
    name: "YAML with a directive, tags, an anchor and a block scalar with a digit",
    format: "yaml",
    selector: { kind: "encrypted_regex", value: "^secret" } as Selector,
    fields: { age: new TreeList([key("age1first")]) },
    plain:
      "%YAML  1.1\n---\na: !x\n  b: &y 010\n  secret: !z &w\n    text\n'c': *y # note\nd: |2\n   deep\n  text\n",
  },
  {
    name: "INI with a line that Python takes for more of the value above",
    format: "ini",
    selector: suffix,
    fields: { age: new TreeList([key("age1first")]) },
    plain: '; note\n[a]\nx = 1 ; inline\ny_unencrypted = "2"\n\n  z_unencrypted : 3\n',
  },
  {
    name: "TOML with a date and a text that could be one",
    format: "toml",
    selector: suffix,
    fields: { age: new TreeList([key("age1first")]) },
    plain: "# note\nd = 1979-05-27\nt = '''\n1979-05-27'''\nn_unencrypted = 1_000\n",
  },
  {
    name: "JSON5 with comments",
    format: "json5",
    selector: suffix,
    fields: { age: new TreeList([key("age1first")]) },
    plain: "// head\n{a: 'x', /* one\n * two */ n_unencrypted: +0x1F,}\n",
  },
  {
    name: "binary",
    format: "binary",
    selector: suffix,
    fields: { age: new TreeList([key("age1first")]) },
    plain: "any bytes\n",
  },
  {
    name: "dotenv with a text of several lines for other readers",
    format: "dotenv",
    selector: { kind: "encrypted_regex", value: "^SECRET" } as Selector,
    fields: { age: new TreeList([key("age1first")]) },
    plain: "A=1\n\nSECRET='x\n\nB=y'\n",
  },
  ...MAC_ONLY.map(([format, plain]) => ({
    name: `${format}, mac_only_encrypted`,
    format,
    selector: format === "binary" ? suffix : ({ kind: "encrypted_suffix", value: "_enc" } as Selector),
    fields: { age: new TreeList([key("age1first")]), mac_only_encrypted: true },
    plain,
  })),
] as const;

const vectors = [];
for (const { name, format: formatName, selector, fields, plain } of CASES) {
  let counter = 0;
  const random = (size: number) => Buffer.from(Array.from({ length: size }, () => counter++ & 0xff));
  const format = await loadFormat(formatName);
  const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1));
  const selection = await compileSelector(selector);
  const metadata = treeWith(new TreeMap(), { ...fields, ...selectorFields(selector), version: "3.13.3" });
  const { text: encrypted } = encryptText(plain, format, {
    dataKey,
    random,
    selection,
    metadata,
    lastModified: "2026-11-22T10:00:00Z",
    seal: true,
  });
  const opened = decryptText(readEncrypted(encrypted, format), dataKey, selection);
  const own = opened.metadata.own;
  vectors.push({
    name,
    format: formatName,
    dataKey: dataKey.toString("hex"),
    plain,
    encrypted,
    layout: decryptLayout(own.get("layout") as string | undefined, dataKey).map(({ entry, up, raw }) => [
      entry,
      up,
      raw,
    ]),
    sealed: sealedBytes(opened).toString("base64"),
    seal: own.get("seal"),
  });
}
writeFileSync(
  new URL("../fixtures/seal/vectors.json", import.meta.url),
  `${JSON.stringify(vectors, null, 1)}\n`,
);
