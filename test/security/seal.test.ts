import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Findings 3, 20 and 23 of the security review, tried from the command line. The file name says the format. */

type Attack = readonly [what: string, from: string | RegExp, to: string];

/** What is encrypted here is what ends in `_enc`, so that most of the text is plain. */
const SELECTOR = ["--encrypted-regex", "(pw|secret|list_enc|map_enc)"];

async function encrypted(
  box: Sandbox,
  name: string,
  plain: string,
  more: readonly string[] = [],
): Promise<string> {
  box.write(name, plain);
  const { code, stderr } = await box.run(["encrypt", "-i", ...SELECTOR, ...more, name]);
  assert.is(code, 0, stderr);
  const text = box.read(name);
  assert.match(text, /seal/);
  assert.is((await box.run(["decrypt", name])).stdout, plain);
  return text;
}

async function refused(box: Sandbox, name: string, text: string, what: string): Promise<void> {
  box.write(name, text);
  for (const argv of [
    ["decrypt", name],
    ["set", name, '["pw"]', '"new"'],
  ]) {
    const { code, stderr, stdout } = await box.run(argv);
    assert.is(code, 51, `${what}: ${argv[0]} ${code} ${stderr}`);
    assert.match(stderr, /seal is broken|MAC mismatch/, what);
    assert.is(stdout, "", what);
  }
  assert.is(box.read(name), text);
}

function attacksOn(name: string, plain: string, attacks: readonly Attack[]): void {
  test(`finding 3: the spelling of ${name} is sealed`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name, plain);
      for (const [what, from, to] of attacks) {
        const changed = text.replace(from, to);
        assert.is.not(changed, text, `${what}: nothing to change`);
        await refused(box, name, changed, what);
      }
    }));
}

attacksOn(
  "app.yaml",
  `# first line
port: 8080
replicas: 8
verify_tls: "no"
pi: 3.10
"<<": {a: 1}
'quoted': plain
hosts:
  - one
  - two
map:
  key: !first value
  other: &x 1
tagged: !first
  k: v
same: *x
pw: secret
secret: |
  line
  two
map_enc:
  a: x
list_enc: [p, q]
`,
  [
    ["octal", "port: 8080", "port: 017620"],
    ["octal 2", "replicas: 8", "replicas: 010"],
    ["hex", "port: 8080", "port: 0x1F90"],
    ["digits", "port: 8080", "port: 8_080"],
    ["no without quotes", '"no"', "no"],
    ["no in other quotes", '"no"', "'no'"],
    ["a zero less", "3.10", "3.1"],
    ["a tag on a plain value", "port: 8080", "port: !!int 8080"],
    ["a local tag on a plain value", "- one", "- !include one"],
    ["a tag on a list", "hosts:", "hosts: !!python/object/apply:os.system"],
    ["a tag on a map", "map:", "map: !reference"],
    ["a tag on an encrypted value", "pw: ENC", "pw: !env ENC"],
    ["a tag on an encrypted block", "secret: ENC", "secret: !vault ENC"],
    ["a tag on a key", "port:", "!secret port:"],
    ["another tag", "!first value", "!second value"],
    ["no tag", "!first value", "value"],
    ["a tag of the map becomes its first key's", "tagged: !first\n  k: v", "tagged:\n  !first k: v"],
    ["%YAML 1.1", /^/, "%YAML 1.1\n---\n"],
    ["%TAG", /^/, "%TAG ! tag:example.com,2000:\n---\n"],
    ["a document start", /^/, "---\n"],
    ["an anchor", "port: 8080", "port: &p 8080"],
    ["an anchor on a map", "map:", "map: &m"],
    ["an anchor on an encrypted value", "pw: ENC", "pw: &p ENC"],
    ["a value becomes an alias", "same: *x", "same: 1"],
    ["flow style", /hosts:\n\s*- one\n\s*- two/, "hosts: [one, two]"],
    ["a merge key", '"<<":', "<<:"],
    ["quotes of a key", "'quoted':", "quoted:"],
    ["quotes of a key 2", "port:", '"port":'],
    ["an explicit key", "port: 8080", "? port\n: 8080"],
    ["quotes of a ciphertext", /pw: (ENC\S+)/, "pw: '$1'"],
    ["an encrypted block goes below a header", /secret: (ENC\S+)/, "secret: >\n  $1"],
    ["an escape", "- one", '- "\\x6fne"'],
    ["a comment", "# first line", "# other line"],
    ["a new comment", "port: 8080", "port: 8080 # new"],
    ["a byte order mark", /^/, "\ufeff"],
    ["another no-break space", "- two", "- two\u00a0"],
  ],
);

attacksOn(
  "app.json",
  `{
  "big": 9223372036854775809,
  "float": 0.1,
  "exp": 1e3,
  "int": 12,
  "é": "é/",
  "pw": "secret",
  "list": [1, 2]
}
`,
  [
    ["a neighbour of a large number", "9223372036854775809", "9223372036854775808"],
    ["digits of a float", "0.1,", "0.1000000000000000055,"],
    ["an exponent", "1e3", "1E3"],
    ["a fraction", "1e3", "1000.0"],
    ["an escape in a value", '"é/"', '"\\u00e9/"'],
    ["an escape in a key", '"é":', '"\\u00e9":'],
    ["an escaped slash", '"é/"', '"é\\/"'],
    ["an escape in a ciphertext", '"pw": "E', '"pw": "\\u0045'],
  ],
);

attacksOn(
  "app.ini",
  `; note
[s]
a = x
b = y z
; between
c : d
pw = secret
e = f ; g
`,
  [
    ["double quotes", "a = x", 'a = "x"'],
    ["single quotes", "a = x", "a = 'x'"],
    ["three quotes", "a = x", 'a = """x"""'],
    ["back quotes", "a = x", "a = `x`"],
    ["quotes round a key", "a = x", '"a" = x'],
    ["back quotes round a key", "a = x", "`a` = x"],
    ["quotes round a ciphertext", /pw( *)= (ENC.*)/, 'pw$1= "$2"'],
    ["a colon", "a = x", "a : x"],
    ["another mark", "; between", "# between"],
    ["a line that continues another for Python", "b = y z", "  b = y z"],
    ["a section that does", /$/, "  [new]\n"],
    ["a line that continues a ciphertext", "e = f", "  e = f"],
    ["blanks before a comment, which are the value's for Python", "f ; g", "f  ; g"],
  ],
);

attacksOn(
  "app.toml",
  `# note
n = 1_000
f = 1e3
d = 1979-05-27
t = "text"
'quoted' = 1
[a.b]
x = { y = 1 }
pw = "secret"
secret_date = 1979-05-27
secret_text = '''
1979-05-27'''
`,
  [
    ["digits", "1_000", "1000"],
    ["hex", "1_000", "0x3e8"],
    ["a float", "1e3", "1000.0"],
    ["other quotes", '"text"', "'text'"],
    ["long quotes", '"text"', '"""text"""'],
    ["an escape", '"text"', '"te\\u0078t"'],
    ["quotes of a key", "'quoted'", "quoted"],
    ["a date becomes a text", "d = 1979-05-27", 'd = "1979-05-27"'],
    ["an inline table", "x = { y = 1 }", "x.y = 1"],
    ["an encrypted text becomes a date", /secret_text = '''\n/, "secret_text = '''"],
    ["an encrypted date becomes a text", /secret_date = '''/, "secret_date = '''\n"],
    ["quotes of a ciphertext", /pw = "(ENC.*)"/, "pw = '$1'"],
  ],
);

attacksOn(
  "app.json5",
  `// note
{
  n: 0x1F,
  'f': .5,
  s: 'text', /* about */
  pw: 'secret',
}
`,
  [
    ["hex", "0x1F", "31"],
    ["a point", ".5", "0.5"],
    ["a plus", ".5", "+.5"],
    ["quotes", "'text'", '"text"'],
    ["an escape", "'text'", "'te\\x78t'"],
    ["quotes of a key", "'f'", "f"],
    ["a comma at the end", /,(\s*\}\s*)$/, "$1"],
    ["another sort of comment", "/* about */", "// about "],
    ["quotes of a ciphertext", /pw: '(ENC.*)'/, 'pw: "$1"'],
  ],
);

attacksOn(
  "app.env",
  `# note
A=x
B="two words"
pw=secret
C='open
D=e'
`,
  [
    ["quotes", "A=x", 'A="x"'],
    ["export", "A=x", "export A=x"],
    ["other quotes", 'B="two words"', "B='two words'"],
    ["a blank", "A=x", "A= x"],
    ["a blank before the equals sign", "A=x", "A =x"],
    ["an empty line inside of quotes", "C='open\n", "C='open\n\n"],
    ["a line in a comment for other readers", "# note", "#\rnote=1"],
  ],
);

test("finding 23: a sealed file under another name, which means another format, is refused", () =>
  inSandbox(async (box) => {
    // where the name says nothing of the kind, the content decides, and what comes out is what was sealed
    for (const [name, plain, others] of [
      ["a.json", '{"data": "x"}\n', ["a.yaml", "a.json5"]],
      ["a.yaml", '{"data": "x"}\n', ["a.json", "a.json5"]],
      ["a.bin", "bytes\n", ["a.json", "a.yaml"]],
    ] as const) {
      box.write(name, plain);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      for (const other of others) {
        box.write(other, box.read(name));
        const { code, stdout, stderr } = await box.run(["decrypt", other]);
        assert.is(code, 51, `${name} as ${other}: ${stderr}`);
        assert.match(stderr, "--input-type");
        assert.is(stdout, "");
        const type = name === "a.bin" ? "binary" : name.slice(2);
        const back = await box.run(["decrypt", "--input-type", type, "--output-type", type, other]);
        assert.is(back.stdout, plain, back.stderr);
      }
    }
  }));

test("an older seal: the message says how to seal the file again, and that works", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml", "pw: secret\nn: 1.50\n");
    box.write("a.yaml", text.replace("seal: v2:", "seal: v1:"));
    const { code, stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.is(code, 51);
    assert.match(stderr, /older, unreleased version of tsops/);
    const command = /tsops (rotate .*) FILE/.exec(stderr)![1]!;
    const again = await box.run([...command.split(" "), "a.yaml"]);
    assert.is(again.code, 0, again.stderr);
    assert.match(box.read("a.yaml"), "seal: v2:");
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "pw: secret\nn: 1.50\n");
  }));

test("finding 3: before a file without a seal is written, tags that only other programs know are reported", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", `{ seal: false, rules: [{ recipients: ["age:${RECIPIENT}"] }] }`);
    box.write(
      "a.yaml",
      "a: one\nb: [x]\nc: !!str 2\nd: !!binary aGk=\n<<: {e: 1}\nt: !!timestamp 2026-11-28\n",
    );
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    assert.not.match(box.read("a.yaml"), "seal:");
    const set = ["set", "a.yaml", '["new"]', '"x"'];
    assert.not.match((await box.run(set)).stderr, "tag");
    const text = box.read("a.yaml").replace("a: ENC", "a: !env ENC").replace("b: [", "b: !!python/tuple [");
    box.write("a.yaml", text);
    const wanted = [/a\.yaml:1:4: .*the tag !env/, /a\.yaml:2:4: .*the tag !!python\/tuple/];
    box.write("new.yaml", "a: 2\n");
    for (const argv of [
      ["decrypt", "a.yaml"],
      ["rotate", "a.yaml"],
      ["encrypt", "--update", "a.yaml", "new.yaml"],
      ["edit", "a.yaml"],
      ["unset", "a.yaml", '["new"]'],
      ["updatekeys", "-y", "a.yaml"],
      ["set", "a.yaml", '["new"]', '"y"'],
    ]) {
      box.env.EDITOR = "sed -i s/x/z/";
      // what is up to date is not written
      if (argv[0] === "updatekeys")
        box.write(".sopsrc", box.read(".sopsrc").replace("]", `, "age:${OTHER_RECIPIENT}"]`));
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, `${argv[0]}: ${stderr}`);
      for (const pattern of wanted) {
        if (argv[0] === "decrypt") assert.not.match(stderr, "tag");
        else assert.match(stderr, pattern, argv[0]);
      }
    }
    assert.match(box.read("a.yaml"), "a: !env ENC");
    box.write("b.yaml", Array.from({ length: 14 }, (_, i) => `k${i}_unencrypted: v\n`).join(""));
    assert.is((await box.run(["encrypt", "-i", "b.yaml"])).code, 0);
    box.write("b.yaml", box.read("b.yaml").replaceAll(": v", ": !t v"));
    const { code, stderr } = await box.run(["set", "b.yaml", '["new"]', '"y"']);
    assert.is(code, 0, stderr);
    assert.is(stderr.match(/the tag !t/g)?.length, 10);
    assert.match(stderr, "4 more");
  }));

test("finding 3: with mac_only_encrypted, where plain values are not sealed, such tags are reported, too", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml", "n: 1\npw: x\n", ["--mac-only-encrypted"]);
    box.write("a.yaml", text.replace("n: 1", "n: !include 1"));
    const { code, stderr } = await box.run(["set", "a.yaml", '["pw"]', '"other"']);
    assert.is(code, 0, stderr);
    assert.match(stderr, /a\.yaml:1:4: .*the tag !include/);
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "n: !include 1\npw: other\n");
  }));

test.run();
