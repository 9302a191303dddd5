import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { IDENTITY, installed, Project, RECIPIENT, SIDES } from "../support/callers.ts";

/* Programs that call `sops`: with ours, they do what they do with the real one. */

const python = (name: string): string => join(dirname(installed("PYTHON_PROGRAMS")), name);
const PLAIN = 'user: alice\npassword: s3cret\nport: 5432\nopen: true\nlist:\n  - one\n  - 2.5\nempty: ""\n';

/** The same on both sides; gives what both gave. */
function both<T>(name: string, work: (project: Project) => T, check: (got: T) => void): void {
  test(name, () => {
    const [theirs, ours] = SIDES.map((side) => work(new Project(side)));
    assert.equal(ours, theirs);
    check(ours!);
  });
}

both(
  "the version: what community.sops, sops.el, mise and others take out of it",
  (project) => {
    const text = project.out(["sops", "--version", "--disable-version-check"]);
    const [line] = project.out(["sops", "--version"]).split("\n");
    return {
      ansible: /^sops ([0-9]+)\.([0-9]+)\.([0-9]+)/.exec(text)?.slice(1),
      emacs: /[0-9]+\.[0-9]+\.[0-9]+/.exec(text)?.[0],
      words: line!.split(" ").slice(0, 2),
    };
  },
  ({ emacs }) => assert.match(emacs!, /^3\./),
);

both(
  "sopsy: encrypts and rotates in place, decrypts, reads one value, takes a document from memory",
  (project) => {
    project.write("a.yaml", PLAIN);
    project.write("b.json", '{"a": {"b": [1, "x"]}}\n');
    const script = project.write(
      "use.py",
      `import json
from sopsy import Sops, SopsyInOutType
out = []
for name in ["a.yaml", "b.json"]:
    Sops(name, in_place=True).encrypt(to_dict=False)
    out.append(open(name).read().count("ENC["))
    out.append(Sops(name).decrypt())
    Sops(name, in_place=True).rotate(to_dict=False)
    out.append(Sops(name).decrypt())
    out.append(Sops(name, output_type=SopsyInOutType.JSON).decrypt())
    out.append(Sops(name, output_type=SopsyInOutType.YAML).decrypt(to_dict=False) != "")
out.append(Sops("a.yaml").get("password"))
out.append(Sops("a.yaml").get("none", default="nothing"))
out.append(json.loads(Sops("b.json", extract='["a"]').decrypt(to_dict=False)))
try:
    Sops("none.yaml").decrypt()
except Exception as error:
    out.append(type(error).__name__)
print(json.dumps(out))
`,
    );
    return JSON.parse(project.out([python("python"), script]));
  },
  (out) => {
    assert.equal(out[1], {
      user: "alice",
      password: "s3cret",
      port: 5432,
      open: true,
      list: ["one", 2.5],
      empty: "",
    });
    assert.ok(out.includes("s3cret"));
  },
);

both(
  "pre-commit-hook-ensure-sops takes encrypted files, and none with a plain value",
  (project) => {
    const text = { age: "x", deep: { list: ["a", "b"] } };
    project.write("a.json", JSON.stringify(text));
    project.write("a.yaml", PLAIN.replace('empty: ""\n', ""));
    project.write("plain.yaml", PLAIN);
    project.write("half.yaml", PLAIN);
    for (const file of ["a.json", "a.yaml"]) project.out(["sops", "encrypt", "-i", file]);
    project.out(["sops", "encrypt", "-i", "--encrypted-regex", "^password$", "half.yaml"]);
    return ["a.json", "a.yaml", "plain.yaml", "half.yaml"].map((file) => {
      const { status, stdout } = project.run([python("python"), "-m", "pre_commit_hook_ensure_sops", file]);
      return [status, stdout];
    });
  },
  (got) =>
    assert.equal(
      got.map(([status]) => status),
      [0, 0, 1, 1],
    ),
);

both(
  "isops finds every value safe, and the plain ones not",
  (project) => {
    project.write("s/a.yaml", PLAIN.replace('empty: ""\n', ""));
    const config = project.write(
      ".sops.yaml",
      `creation_rules:\n  - path_regex: \\.yaml$\n    encrypted_regex: "^(password|list)$"\n    age: ${RECIPIENT}\n`,
    );
    const before = project.run([python("isops"), "--config-regex", "sops.yaml", "--summary", config, "s"]);
    project.out(["sops", "encrypt", "-i", "s/a.yaml"]);
    const after = project.run([python("isops"), "--config-regex", "sops.yaml", "--summary", config, "s"]);
    return [before, after].map(({ status, stdout }) => [status, stdout.replaceAll(project.folder, "")]);
  },
  () => undefined,
);

both(
  "sops-checker: a folder in which all is encrypted, and one in which something is not",
  (project) => {
    project.write("s/a.yaml", PLAIN);
    project.write("s/b.json", '{"a": 1}\n');
    project.write(".sops.yaml", `creation_rules:\n  - path_regex: s/.*\n    age: ${RECIPIENT}\n`);
    const check = () => project.run([python("python"), "-m", "sops_checker", "s/a.yaml", "s/b.json"]).status;
    const before = check();
    for (const file of ["s/a.yaml", "s/b.json"]) project.out(["sops", "encrypt", "-i", file]);
    return [before, check()];
  },
  () => undefined,
);

both(
  "Emacs's sops.el: asks for the state, decrypts, writes the buffer back",
  (project) => {
    const found: unknown[] = [];
    // what it cannot tell counts as not encrypted
    const state = (name: string): boolean => {
      const { status, stdout } = project.run(["sops", "filestatus", name]);
      return status === 0 && JSON.parse(stdout).encrypted === true;
    };
    for (const [name, text] of [
      ["a.yaml", PLAIN],
      ["b.json", '{"a": {"b": [1, "x"]}}\n'],
      [".env", "A=1\nB=two words\n"],
      ["d.ini", "[s]\na = 1\n"],
      ["e.txt", "some text\n"],
    ] as const) {
      project.write(name, text);
      found.push(state(name));
      // through a pipe: what Node gives as standard input has no name that SOPS could open
      const encrypt = 'cat | sops encrypt --filename-override "$0" /dev/stdin';
      const secret = project.out(["sh", "-c", encrypt, project.path(name)], text);
      project.write(name, secret);
      found.push(state(name), secret.includes("ENC["));
      const plain = project.out(["sops", "decrypt", project.path(name)]);
      found.push(name.endsWith("yaml") || name.endsWith("json") ? parse(plain) : plain.trim());
    }
    found.push(state("none.yaml"));
    return found;
  },
  (found) => assert.equal(found.slice(0, 3), [false, true, true]),
);

both(
  "mise and vscode-sops: types by options, the text by standard input, the identity by a variable",
  (project) => {
    const env = { SOPS_AGE_KEY: IDENTITY, SOPS_AGE_KEY_FILE: "" };
    return (["yaml", "json", "dotenv"] as const).map((format) => {
      const text = { yaml: PLAIN, json: '{"a": [1, {"b": true}]}\n', dotenv: "A=1\nB=two words\n" }[format];
      project.write("plain", text);
      const types = `--input-type ${format} --output-type ${format}`;
      const secret = project.out(["sh", "-c", `sops ${types} -e plain`]);
      const viaStdin = project.out(["sh", "-c", `cat | sops ${types} -d /dev/stdin`], secret, env);
      project.write("secret", secret);
      const viaFile = project.out(["sh", "-c", `sops ${types} --decrypt secret`], "", env);
      assert.is(viaFile, viaStdin);
      // vscode-sops saves by an editor that copies the new text into its place
      const next = project.write("next", text.replace("alice", "bob").replace("1", "7"));
      const editor = project.write("editor", `#!/bin/sh\ncp '${next}' "$1"\n`);
      chmodSync(editor, 0o755);
      project.out(["sh", "-c", `sops ${types} secret`], "", { EDITOR: editor });
      const saved = project.out(["sh", "-c", `sops ${types} -d secret`]);
      return [viaStdin, saved].map((plain) => (format === "dotenv" ? plain : parse(plain)));
    });
  },
  ([yaml]) => assert.equal([yaml?.[0].user, yaml?.[1].user], ["alice", "bob"]),
);

both(
  "helm-secrets: by old options with types, where all that is printed is taken for the text",
  (project) => {
    const types = "--input-type yaml --output-type yaml";
    // the plugin hands on standard error with standard output
    const sops = (line: string, input?: string, env?: Record<string, string>): string =>
      project.out(["sh", "-c", `sops ${line} 2>&1`], input, env);
    project.write("values.yaml", PLAIN);
    const secret = sops(`--encrypt ${types} values.yaml`);
    project.write("secrets.yaml", secret);
    sops(`--encrypt ${types} --output written.yaml values.yaml`);
    project.write("there.yaml", PLAIN);
    sops(`--encrypt ${types} --in-place there.yaml`);
    // how it knows an encrypted file, and which of them is YAML
    const known = ["secrets.yaml", "written.yaml", "there.yaml"].map((name) => {
      const text = project.read(name);
      return [/mac.*,type:str\]/.test(text), /^sops:\s*$/m.test(text)];
    });
    const plain = sops(`--decrypt ${types} secrets.yaml`);
    sops(`--decrypt ${types} --output plain.yaml written.yaml`);
    sops(`--decrypt ${types} --in-place there.yaml`);
    project.write("values.json", '{"a": "x"}');
    const literal = sops("--encrypt --input-type json --output-type json values.json");
    const opened = project.out(
      ["sh", "-c", "cat | sops --decrypt --input-type json --output-type json /dev/stdin 2>&1"],
      literal,
    );
    const next = project.write("next", PLAIN.replace("alice", "bob"));
    const editor = project.write("editor", `#!/bin/sh\ncp '${next}' "$1"\n`);
    chmodSync(editor, 0o755);
    sops(`${types} secrets.yaml`, "", { EDITOR: editor });
    const edited = sops(`--decrypt ${types} secrets.yaml`);
    const texts = [plain, project.read("plain.yaml"), project.read("there.yaml"), opened, edited];
    return { known, texts: texts.map((text) => parse(text)) };
  },
  ({ known, texts }) => {
    assert.equal(known, [
      [true, true],
      [true, true],
      [true, true],
    ]);
    assert.equal(texts[0], parse(PLAIN));
    assert.equal([texts[3], texts[4].user], [{ a: "x" }, "bob"]);
  },
);

both(
  "the words that vscode-sops looks for where no rule matches",
  (project) => {
    project.write("c/.sops.yaml", `creation_rules:\n  - path_regex: x$\n    age: ${RECIPIENT}\n`);
    const file = project.write("c/a.yaml", PLAIN);
    const { status, stderr } = project.run([
      "sops",
      "--config",
      project.path("c/.sops.yaml"),
      "--encrypt",
      file,
    ]);
    return [status !== 0, stderr.includes("no matching creation rules found")];
  },
  (got) => assert.equal(got, [true, true]),
);

both(
  "community.sops: encrypting twice changes once, in each form of content; lookup, filter, load_vars and vars read it",
  (project) => {
    project.write("ansible.cfg", "[defaults]\nlocalhost_warning = False\nretry_files_enabled = False\n");
    project.write("group_vars/all.sops.yaml", "from_vars: v\n");
    project.out(["sops", "encrypt", "-i", "group_vars/all.sops.yaml"]);
    const forms = [
      ["t.sops", 'content_text: "text\\n"'],
      ["b.sops", "content_binary: AP+A"],
      ["j.sops.json", "content_json: {a: 1, b: [x]}"],
      ["y.sops.yaml", "content_yaml: {a: 1, b: [x]}"],
      ["j.sops", "content_json: {a: 1, b: [x]}"],
      ["y.sops", "content_yaml: {a: 1, b: [x]}"],
      ["jy.sops.yaml", "content_json: {a: 1, b: [x]}"],
      ["yj.sops.json", "content_yaml: {a: 1, b: [x]}"],
    ] as const;
    const twice = forms.flatMap(([file, content]) =>
      [1, 2].map(
        (time) => `    - community.sops.sops_encrypt: {path: "{{ playbook_dir }}/${file}", ${content}}
      register: r${time}_${file.replaceAll(".", "_")}
`,
      ),
    );
    const changed = forms.map(([file]) => {
      const name = file.replaceAll(".", "_");
      return `"${file}": [{{ r1_${name}.changed | to_json }}, {{ r2_${name}.changed | to_json }}]`;
    });
    const playbook = project.write(
      "play.yaml",
      `- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
${twice.join("")}
    - community.sops.load_vars: {file: y.sops.yaml, name: loaded}
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/result.json"
        content: |
          {${changed.join(", ")},
          "text": {{ lookup('community.sops.sops', playbook_dir ~ '/t.sops', rstrip=false) | to_json }},
          "binary": {{ lookup('community.sops.sops', playbook_dir ~ '/b.sops', base64=true) | to_json }},
          "json": {{ lookup('community.sops.sops', playbook_dir ~ '/j.sops.json') | from_json | to_json }},
          "extract": {{ lookup('community.sops.sops', playbook_dir ~ '/y.sops.yaml', extract='["b"][0]') | to_json }},
          "filter": {{ lookup('ansible.builtin.file', playbook_dir ~ '/y.sops.yaml') | community.sops.decrypt(input_type='yaml', output_type='json') | from_json | to_json }},
          "vars": {{ from_vars | to_json }},
          "loaded": {{ loaded | to_json }}}
`,
    );
    project.out([python("ansible-playbook"), "-i", "localhost,", playbook], "", {
      ANSIBLE_COLLECTIONS_PATH: join(dirname(python("x")), "..", "collections"),
      ANSIBLE_VARS_ENABLED: "host_group_vars,community.sops.sops",
      ANSIBLE_HOME: project.path("ansible"),
      ANSIBLE_PYTHON_INTERPRETER: python("python"),
    });
    return JSON.parse(project.read("result.json"));
  },
  (result) => {
    for (const [name, value] of Object.entries(result)) {
      if (name.includes(".")) assert.equal(value, [true, false], name);
    }
    assert.is(result.text, "text\n");
    assert.is(result.vars, "v");
    assert.equal(result.loaded, { a: 1, b: ["x"] });
  },
);

test.run();
