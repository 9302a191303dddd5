import { existsSync, mkdirSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../../support/cli.ts";

/** An encrypted file in the sandbox. */
async function encrypted(box: Sandbox, name: string, text = "password: s3cret\n"): Promise<string> {
  box.write(name, text);
  const { code, stderr } = await box.run(["encrypt", "-i", "--age", RECIPIENT, name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

const TO_FOLDER = `{ destinations: [{ folder: "out" }] }`;

test("a file is published as it is, and left alone the next time", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "app.yaml");
    box.write(".sopsrc", TO_FOLDER);
    const first = await box.run(["publish", "-y", "app.yaml"]);
    assert.is(first.code, 0);
    assert.match(first.stderr, `published app.yaml to ${box.path("out/app.yaml")}`);
    assert.is(box.read("out/app.yaml"), text);
    const second = await box.run(["publish", "-y", "app.yaml"]);
    assert.is(second.code, 0);
    assert.match(second.stderr, "is up to date");
    box.write("out/app.yaml", `${text}\n`);
    assert.match((await box.run(["publish", "-y", "app.yaml"])).stderr, "published app.yaml");
    assert.is(box.read("out/app.yaml"), text);
  });
});

test("no key is needed to publish a file as it is", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "app.yaml");
    box.write(".sopsrc", TO_FOLDER);
    box.env = { PATH: process.env.PATH, HOME: box.home };
    assert.is((await box.run(["publish", "-y", "app.yaml"])).code, 0);
    assert.is(box.read("out/app.yaml"), text);
  });
});

test("asks as SOPS does, until the answer is y or n", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "app.yaml");
    box.write(".sopsrc", TO_FOLDER);
    const question = `uploading ${box.path("app.yaml")} to ${box.path("out/app.yaml")} ? (y/n): `;
    const no = await box.run(["publish", "app.yaml"], { input: "what\nn\n" });
    assert.is(no.code, 1);
    assert.is(no.stdout, question + question);
    assert.match(no.stderr, `Publication of ${box.path("app.yaml")} canceled`);
    assert.not.ok(existsSync(box.path("out")));
    const nobody = await box.run(["publish", "app.yaml"]);
    assert.is(nobody.code, 1);
    assert.match(nobody.stderr, "--yes");
    assert.not.ok(existsSync(box.path("out")));
    assert.is((await box.run(["publish", "app.yaml"], { input: "y\n" })).code, 0);
    assert.ok(existsSync(box.path("out/app.yaml")));
  });
});

test("a folder needs --recursive, and then a no is for one file", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "in/a.yaml");
    await encrypted(box, "in/deep/b.json", '{"a": 1}');
    box.write("in/README.md", "not a secret\n");
    box.write(".sopsrc", TO_FOLDER);
    const bare = await box.run(["publish", "in"]);
    assert.is(bare.code, 1);
    assert.match(bare.stderr, "--recursive");
    const result = await box.run(["publish", "--recursive", "in"], { input: "n\ny\n" });
    assert.is(result.code, 0, result.stderr);
    assert.match(result.stdout, `Publication of ${box.path("in/a.yaml")} canceled`);
    assert.not.ok(existsSync(box.path("out/a.yaml")));
    assert.ok(existsSync(box.path("out/deep/b.json")));
    assert.not.ok(existsSync(box.path("out/README.md")));
  });
});

test("--recursive from the folder of the configuration: neither it nor what was published is published", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    box.write(".sopsrc", TO_FOLDER);
    for (let i = 0; i < 2; i++) assert.is((await box.run(["publish", "-y", "--recursive", "."])).code, 0);
    assert.ok(existsSync(box.path("out/a.yaml")));
    assert.not.ok(existsSync(box.path("out/out")));
    assert.not.ok(existsSync(box.path("out/.sopsrc")));
  });
});

test("patterns: names of their own, or with --recursive from the first wildcard on", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "in/a/x.yaml");
    await encrypted(box, "in/b/y.yaml");
    box.write(".sopsrc", TO_FOLDER);
    assert.is((await box.run(["publish", "-y", "in/*/*.yaml"])).code, 0);
    assert.ok(existsSync(box.path("out/x.yaml")) && existsSync(box.path("out/y.yaml")));
    assert.is((await box.run(["publish", "-y", "--recursive", "in/**/*.yaml"])).code, 0);
    assert.ok(existsSync(box.path("out/a/x.yaml")) && existsSync(box.path("out/b/y.yaml")));
  });
});

test("two files that would get one name are refused, others are published", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "in/x.yaml");
    await encrypted(box, "in/x.json", '{"a": 1}');
    await encrypted(box, "in/y.yaml");
    box.write(".sopsrc", TO_FOLDER);
    const { code, stderr } = await box.run(["publish", "-y", "--omit-extensions", "--recursive", "in"]);
    assert.is(code, 1);
    assert.match(stderr, /in\/x\.json: another of these files would go to the same place/);
    assert.match(stderr, /in\/x\.yaml: another of these files/);
    assert.match(stderr, "published 1 of 3 files");
    assert.not.ok(existsSync(box.path("out/x")));
    assert.ok(existsSync(box.path("out/y")));
  });
});

test("omit_extensions of the destination, and nothing left of a name", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "my.app.yaml");
    await encrypted(box, ".env", "A=b\n");
    box.write(".sopsrc", `{ destinations: [{ folder: "out", omit_extensions: true }] }`);
    assert.is((await box.run(["publish", "-y", "my.app.yaml"])).code, 0);
    assert.ok(existsSync(box.path("out/my.app")));
    const { code, stderr } = await box.run(["publish", "-y", "--input-type", "dotenv", ".env"]);
    assert.is(code, 1);
    assert.match(stderr, "nothing is left of the name of .env");
  });
});

test("what is not encrypted is refused, and passed over below a folder with a word", async () => {
  await inSandbox(async (box) => {
    box.write("in/plain.yaml", "password: s3cret\n");
    await encrypted(box, "in/a.yaml");
    box.write(".sopsrc", `{ destinations: [{ glob: "*.yaml", folder: "out" }] }`);
    const named = await box.run(["publish", "-y", "in/plain.yaml"]);
    assert.is(named.code, 1);
    assert.match(named.stderr, "sops metadata not found");
    const found = await box.run(["publish", "-y", "--recursive", "in"]);
    assert.is(found.code, 0);
    assert.match(found.stderr, "in/plain.yaml is not encrypted, so it is not published");
    assert.not.ok(existsSync(box.path("out/plain.yaml")));
    assert.ok(existsSync(box.path("out/a.yaml")));
  });
});

test("a plain value in an encrypted file is noticed without a key", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml");
    box.write("a.yaml", `token: plain-s3cret\n${text}`);
    box.write(".sopsrc", TO_FOLDER);
    const { code, stderr } = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, 'a.yaml:1:8: the value at ["token"] is not encrypted');
    assert.not.match(stderr, "plain-s3cret");
    assert.not.ok(existsSync(box.path("out")));
  });
});

test("--dry-run says what would go where, without keys, and touches nothing", async () => {
  await inSandbox(async (box) => {
    for (const name of ["a", "s3", "v/b", "z"]) await encrypted(box, `in/${name}.yaml`);
    box.write(
      ".sops.yaml",
      `destination_rules:
  - {path_regex: a.yaml$, folder: out, recreation_rule: {age: ${RECIPIENT}}}
  - {path_regex: s3.yaml$, s3_bucket: bucket, s3_prefix: p/}
  - {path_regex: /v/, vault_path: app, vault_address: 'http://127.0.0.1:1', omit_extensions: true}
  - {path_regex: z, azure_account: acc, azure_container: c}
`,
    );
    box.env = { PATH: process.env.PATH, HOME: box.home };
    const { code, stdout, stderr } = await box.run(["publish", "--dry-run", "--recursive", "in"]);
    assert.is(code, 0, stderr);
    assert.is(stdout, "");
    assert.equal(stderr.trim().split("\n").sort(), [
      `tsops: would publish 4 of 4 files`,
      `tsops: would publish in/a.yaml to ${box.path("out/a.yaml")}, encrypted again for ${RECIPIENT}`,
      "tsops: would publish in/s3.yaml to s3://bucket/p/s3.yaml",
      "tsops: would publish in/v/b.yaml to http://127.0.0.1:1/v1/secret/data/app/v/b, its decrypted values",
      "tsops: would publish in/z.yaml to https://acc.blob.core.windows.net/c/z.yaml",
    ]);
    assert.not.ok(existsSync(box.path("out")));
  });
});

test("one of many fails: the others are done, it is named, and the exit code says so", async () => {
  await inSandbox(async (box) => {
    for (const name of ["a", "b", "c"]) await encrypted(box, `in/${name}.yaml`);
    box.write(".sopsrc", TO_FOLDER);
    mkdirSync(box.path("out/b.yaml"), { recursive: true });
    const { code, stderr } = await box.run(["publish", "-y", "--recursive", "in"]);
    assert.is(code, 1);
    assert.match(stderr, "b.yaml: there is something that is not a file where the file should go");
    assert.match(stderr, "published 2 of 3 files");
    assert.ok(existsSync(box.path("out/a.yaml")) && existsSync(box.path("out/c.yaml")));
  });
});

test("links in the folder of a destination are not written through", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    box.write("victim", "untouched\n");
    box.write(".sopsrc", TO_FOLDER);
    mkdirSync(box.path("out"));
    symlinkSync(box.path("victim"), box.path("out/a.yaml"));
    const { code, stderr } = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(code, 3);
    assert.match(stderr, "there is a symbolic link where the file should go");
    assert.is(box.read("victim"), "untouched\n");
    unlinkSync(box.path("out/a.yaml"));
    assert.is((await box.run(["publish", "-y", "a.yaml"])).code, 0);
  });
});

test("no name leads out of the destination", async () => {
  await inSandbox(async (box) => {
    mkdirSync(box.path("in/sub"), { recursive: true });
    await encrypted(box, "in/sub/a.yaml");
    await encrypted(box, "in/sub/...yaml");
    box.write(".sopsrc", `{ destinations: [{ folder: "deep/out" }] }`);
    const dots = await box.run(["publish", "-y", "--recursive", "--omit-extensions", "in"]);
    assert.is(dots.code, 1);
    assert.match(dots.stderr, "has a part of dots");
    assert.ok(existsSync(box.path("deep/out/sub/a")), "the others are published");
  });
});

test("a file is not published onto itself", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "out/a.yaml");
    box.write(
      ".sopsrc",
      `{ destinations: [{ folder: "out", recreation_rule: { recipients: "age:${RECIPIENT}" } }] }`,
    );
    const { code, stderr } = await box.run(["publish", "-y", "out/a.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, "overwrite a file that is itself to be published");
    assert.is(box.read("out/a.yaml"), text);
  });
});

test("a configuration that only lies beside the file does not say where its secrets go", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    const here = box.write("../else/a.yaml", box.read("a.yaml"));
    const config = box.write("../else/.sopsrc", TO_FOLDER);
    const { code, stderr } = await box.run(["publish", "-y", here]);
    assert.is(code, 1);
    assert.match(stderr, "is not trusted to say where secrets go");
    assert.not.ok(existsSync(box.path("../else/out")));
    const named = await box.run(["publish", "-y", "--config", config, here]);
    assert.is(named.code, 0, named.stderr);
    assert.ok(existsSync(box.path("../else/out/a.yaml")));
  });
});

test("no configuration, no destination, no file, no Vault server", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    await encrypted(box, "v.yaml");
    const publish = async (...args: string[]) => {
      const { code, stderr } = await box.run(["publish", "-y", ...args]);
      return `${code} ${stderr.split("\n")[0]}`;
    };
    assert.is(await publish("a.yaml"), "1 tsops: a.yaml: config file not found");
    box.write(
      ".sops.yaml",
      "destination_rules:\n  - {path_regex: ^b, s3_bucket: b}\n  - {path_regex: v.yaml, vault_path: v}\n",
    );
    assert.match(await publish("a.yaml"), /^1 .*no destination matches a\.yaml/);
    assert.match(await publish("b/none.yaml"), /^1 .*none\.yaml: there is no such file/);
    assert.match(await publish("none.yaml"), /^1 .*none\.yaml: there is no such file/);
    assert.match(await publish("v.yaml"), /^1 .*neither the destination nor VAULT_ADDR names a Vault server/);
    assert.match(await publish(), /^100 tsops: no file specified/);
  });
});

test("without credentials nothing is asked of anybody, and it is said where they were looked for", async () => {
  await inSandbox(async (box) => {
    for (const name of ["s", "g", "v", "z"]) await encrypted(box, `${name}.yaml`);
    box.write(
      ".sops.yaml",
      `destination_rules:
  - {path_regex: ^s, s3_bucket: b}
  - {path_regex: ^g, gcs_bucket: b}
  - {path_regex: ^v, vault_path: b, vault_address: 'http://127.0.0.1:1'}
  - {azure_account: acc, azure_container: c}
`,
    );
    box.env = {
      ...box.env,
      PATH: join(box.root, "nothing"),
      AWS_EC2_METADATA_DISABLED: "true",
      METADATA_SERVER_DETECTION: "none",
      AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential",
    };
    const publish = async (name: string) => {
      const { code, stderr } = await box.run(["publish", "-y", `${name}.yaml`]);
      assert.is(code, 1);
      return stderr;
    };
    assert.match(await publish("s"), /s3:\/\/b\/s\.yaml: no AWS credentials were found.*AWS_ACCESS_KEY_ID/s);
    assert.match(
      await publish("g"),
      /gcs:\/\/b\/g\.yaml: no Google credentials.*GOOGLE_CREDENTIALS is not set/s,
    );
    assert.match(
      await publish("v"),
      /\/v1\/secret\/data\/b\/v\.yaml: no credentials for Vault.*vault login/s,
    );
    assert.match(await publish("z"), /windows\.net\/c\/z\.yaml: no credentials for Azure.*az login/s);
  });
});

test.run();
