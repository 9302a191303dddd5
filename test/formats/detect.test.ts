import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatsOfEncrypted } from "../../src/formats/detect.ts";
import { formatOfFile, formatOfName } from "../../src/formats/index.ts";
import { formatOfPlain } from "../../src/formats/looks.ts";

test("the format of a name", () => {
  const names: Readonly<Record<string, string | undefined>> = {
    "a.yaml": "yaml",
    "a.yml": "yaml",
    "a.json": "json",
    "a.env": "dotenv",
    ".env": "dotenv",
    "a.ini": "ini",
    "a.toml": "toml",
    "a.json5": "json5",
    "a.jsonc": "json5",
    ".env.production": "dotenv",
    ".env.production.local": "dotenv",
    "prod.env.local": "dotenv",
    "d/.env.test": "dotenv",
    "my.env.yaml": "yaml",
    "a.env.json": "json",
    "x.env.d/file": undefined,
    env: undefined,
    "env.production": undefined,
    ".envrc": undefined,
    "a.YAML": undefined,
    "q.yaml.enc": undefined,
  };
  for (const [name, format] of Object.entries(names)) assert.is(formatOfName(name), format, name);
  assert.is(formatOfFile("a.txt"), "binary");
});

test("signs of metadata, in each format", () => {
  const mac = "ENC[AES256_GCM,data:x]";
  const texts: readonly (readonly [text: string, first: string | undefined])[] = [
    [`a: x\nsops:\n  mac: ${mac}\n`, "yaml"],
    [`a: x\r\n"sops":\r\n  mac: ${mac}\r\n`, "yaml"],
    [`{"data": "x", "sops": {"mac": "${mac}"}}`, "binary"],
    [`// c\n{a: 1, sops: {mac: '${mac}'}}`, "binary"],
    [`[s]\na = b\n\n[sops]\nmac = ${mac}\n`, "ini"],
    [`a = "b"\n[sops]\nmac = "${mac}"\n`, "toml"],
    [`A=b\nsops_mac=${mac}\n`, "dotenv"],
    [`a: ${mac}\n`, undefined],
    [`- sops: 1\n- ${mac}\n`, undefined],
    ["sops: is a program\n[sops]\nsops_mac=1\n", undefined],
    ["", undefined],
  ];
  for (const [text, first] of texts) assert.is(formatsOfEncrypted(text)[0], first, text);
  // TOML is not tried as INI, which nearly every text can be read as; INI whose values somebody quoted is
  assert.equal(formatsOfEncrypted(`[sops]\nmac = "${mac}"\n[[sops.age]]\nenc = "x"\n`), ["toml"]);
  assert.equal(formatsOfEncrypted(`[sops]\nmac = "${mac}"\nage__list_0__map_enc = "x"\n`), ["toml", "ini"]);
});

test("what a plaintext looks like", () => {
  const texts: readonly (readonly [text: string, format: string | undefined])[] = [
    ["A=1\n# c\nexport B=x y\n", "dotenv"],
    ["a: 1\nb:\n  - x\n  - y: z\n", "yaml"],
    ["---\n# c\na: |\n  text\n", "yaml"],
    ['{\n  "a": 1\n}\n', "json"],
    ["{a: 1}\n", "json5"],
    ["; c\n[s]\na = b c\n", "ini"],
    ['[t]\na = "b"\nc = 1\n', "toml"],
    ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", undefined],
    ["hello\n", undefined],
    ["A sentence: with a colon.\nAnd another one.\n", undefined],
    ["c29tZSBiYXNlNjQ=\n", undefined],
    ["\u0000\u0001=\n", undefined],
    ["", undefined],
  ];
  for (const [text, format] of texts) assert.is(formatOfPlain(text), format, JSON.stringify(text));
});

test("looking takes linear time", () => {
  const time = (size: number): number => {
    const text = `{${" ".repeat(size)}ENC[${"sops_".repeat(size / 5)}\n${"[ \t".repeat(size / 3)}`;
    const before = process.cpuUsage().user;
    formatsOfEncrypted(text);
    formatOfPlain(text);
    formatOfPlain(`${"a".repeat(size)}\n${"a: ".repeat(size / 3)}`);
    return process.cpuUsage().user - before;
  };
  time(30_000);
  assert.ok(time(600_000) < 40 * Math.max(time(60_000), 1000));
});

test.run();
