import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY } from "../support/callers.ts";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { OTHER_PROGRAM } from "../support/program.ts";
import { makeCertificates } from "../support/servers/tls.ts";

/*
 * The executable in a folder that somebody else made. bun, which is inside, would read settings and run code from such a
 * folder; whoever clones a repository and decrypts its files must not run what is in it.
 */

const PROGRAM = OTHER_PROGRAM ?? "";
if (!PROGRAM) throw new Error("there is no executable to test: run npm run test:exe");

/** Names that bun, Node, npm and bundled packages look for, with what they would run or believe. */
function planted(marker: string): Record<string, string> {
  const code = `require("node:fs").appendFileSync(${JSON.stringify(marker)}, __filename + "\\n");`;
  const variables =
    "SOPS_AGE_KEY_FILE=/nowhere\nSOPS_AGE_RECIPIENTS=nobody\nNODE_OPTIONS=--require ./evil.cjs\n";
  const preload = 'preload = ["./evil.cjs"]\n[run]\nbun = true\n';
  const packages = [
    "openpgp",
    "yargs",
    "yargs-parser",
    "re2js",
    "node-fetch",
    "@grpc/grpc-js",
    "sshpk",
    "bun:main",
  ];
  return {
    "evil.cjs": code,
    ".env": variables,
    ".env.local": variables,
    ".env.production": variables,
    ".env.development": variables,
    "bunfig.toml": preload,
    ".bunfig.toml": preload,
    "package.json": '{ "main": "evil.cjs", "imports": { "#a": "./evil.cjs" }, "type": "commonjs" }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./evil.cjs"] } } }',
    "jsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./evil.cjs"] } } }',
    ".npmrc": "registry=http://127.0.0.1:9/\n",
    "decrypt.js": code,
    "index.js": code,
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}/index.js`, code])),
    ...Object.fromEntries(
      packages.map((name) => [
        `node_modules/${name}/package.json`,
        '{ "main": "index.js", "version": "9.9.9" }',
      ]),
    ),
  };
}

/** Command lines that load most of what is inside: formats, ciphers, regular expressions, help, SDKs. */
const COMMANDS: readonly (readonly [argv: readonly string[], code: number])[] = [
  [["decrypt", "secret.yaml"], 0],
  [["encrypt", "--age", RECIPIENT, "plain.json"], 0],
  [["set", "secret.yaml", '["b"]', '"new"'], 0],
  [["rotate", "-i", "secret.yaml"], 0],
  [["doctor", "secret.yaml"], 0],
  [["--help"], 0],
  [["encrypt", "--age", RECIPIENT, "--encrypted-regex", "^a", "plain.json"], 0],
  [["exec-env", "--pristine", "secret.yaml", "true"], 0],
  [["encrypt", "--pgp", "0123456789ABCDEF0123456789ABCDEF01234567", "plain.json"], 1],
  [["encrypt", "--gcp-kms", "projects/p/locations/l/keyRings/r/cryptoKeys/k", "plain.json"], 1],
  [["encrypt", "--kms", "arn:aws:kms:us-east-1:111122223333:key/1234abcd", "plain.json"], 1],
];

function runAll(box: Sandbox): void {
  const env = { ...box.env, AWS_EC2_METADATA_DISABLED: "true", TSOPS_KMS_TIMEOUT: "1" } as NodeJS.ProcessEnv;
  for (const [argv, code] of COMMANDS) {
    // only what waits for ever takes so long
    const limits = { encoding: "utf8", timeout: 300_000 } as const;
    const { status, stderr, signal } = spawnSync(PROGRAM, argv, { cwd: box.folder, env, ...limits });
    assert.is(status, code, `${argv.join(" ")}: ${signal ?? ""} ${stderr}`);
  }
}

async function withSecret(box: Sandbox): Promise<void> {
  box.write("plain.json", '{"a": "1"}\n');
  box.write("secret.yaml", "a: one\nb: two\n");
  assert.is((await box.run(["encrypt", "-i", "secret.yaml"])).code, 0);
}

test("nothing in the folder, in one above it or in the home is run or believed", () =>
  inSandbox(async (box) => {
    await withSecret(box);
    const marker = join(box.root, "ran");
    for (const folder of [box.folder, box.root, box.home, join(box.home, ".config")])
      for (const [name, content] of Object.entries(planted(marker))) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
    runAll(box);
    assert.not.ok(existsSync(marker), existsSync(marker) ? readFileSync(marker, "utf8") : "");
  }));

interface Trap {
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What bun falls into it by, with the text that shows that it did. */
  readonly bun: readonly [code: string, shown: string];
}

/** A file there that hands over a key: whoever decrypts with it has read the file. */
const VARIABLES = `SOPS_AGE_KEY=${IDENTITY}\n`;
const SHOWN: Trap["bun"] = ["console.log(process.env.SOPS_AGE_KEY)", IDENTITY];
const EVIL = 'console.log("evil")';
const PATHS = '{ "compilerOptions": { "baseUrl": ".", "paths": { "openpgp": ["./evil.cjs"] } } }';

/** One at a time, each of which is one to bun itself. */
const TRAPS: Readonly<Record<string, Trap>> = {
  ".env": { files: { ".env": VARIABLES }, bun: SHOWN },
  ".env.local": { files: { ".env.local": VARIABLES }, bun: SHOWN },
  ".env.development": { files: { ".env.development": VARIABLES }, bun: SHOWN },
  ".env.production": {
    files: { ".env.production": VARIABLES },
    env: { NODE_ENV: "production" },
    bun: SHOWN,
  },
  "preload of a bunfig.toml": {
    files: { "bunfig.toml": 'preload = ["./evil.cjs"]\n', "evil.cjs": EVIL },
    bun: ["1", "evil"],
  },
  "imports of a package.json": {
    files: { "package.json": '{ "imports": { "#a": "./evil.cjs" } }', "evil.cjs": EVIL },
    bun: ['await import("#a")', "evil"],
  },
  "paths of a tsconfig.json": {
    files: { "tsconfig.json": PATHS, "evil.cjs": EVIL },
    bun: ['await import("openpgp")', "evil"],
  },
  "paths of a jsconfig.json": {
    files: { "jsconfig.json": PATHS, "evil.cjs": EVIL },
    bun: ['await import("openpgp")', "evil"],
  },
  "a package in node_modules": {
    files: { "node_modules/openpgp/index.js": EVIL },
    bun: ['await import("openpgp")', "evil"],
  },
};

for (const [name, { files, env, bun }] of Object.entries(TRAPS))
  test(`${name}: bun itself falls into it, tsops does not`, () =>
    inSandbox(async (box) => {
      await withSecret(box);
      for (const [file, content] of Object.entries(files)) box.write(file, content);
      Object.assign(box.env, env);
      const keyless = { ...box.env, SOPS_AGE_KEY_FILE: undefined } as NodeJS.ProcessEnv;
      const [code, shown] = bun;
      const options = { cwd: box.folder, encoding: "utf8" } as const;
      const itself = spawnSync(PROGRAM, ["-e", code], { ...options, env: { ...keyless, BUN_BE_BUN: "1" } });
      assert.match(itself.stdout, shown, itself.stderr);
      for (const argv of [
        ["decrypt", "secret.yaml"],
        ["encrypt", "--pgp", "0".repeat(40), "plain.json"],
        ["--help"],
      ]) {
        const { stdout, stderr } = spawnSync(PROGRAM, argv, { ...options, env: keyless });
        assert.not.match(`${stdout}${stderr}`, /evil|^a: one$/m, argv.join(" "));
      }
      runAll(box);
    }));

test("NODE_OPTIONS: Node falls into it, tsops does not", () =>
  inSandbox(async (box) => {
    await withSecret(box);
    box.write("evil.cjs", EVIL);
    box.env.NODE_OPTIONS = "--require ./evil.cjs";
    const options = { cwd: box.folder, encoding: "utf8", env: box.env as NodeJS.ProcessEnv } as const;
    assert.match(spawnSync(process.execPath, ["-e", "1"], options).stdout, "evil");
    assert.is(spawnSync(PROGRAM, ["decrypt", "secret.yaml"], options).stdout, "a: one\nb: two\n");
  }));

test("what bun would read there is not even opened", () =>
  inSandbox(async (box) => {
    await withSecret(box);
    // a pipe that nobody writes to: whoever opens it waits for ever
    const pipes = Object.keys(planted("")).filter((name) => !name.includes("/"));
    execFileSync("mkfifo", pipes, { cwd: box.folder });
    runAll(box);
  }));

test("Node's variables and a stranger's package manager mean nothing", () =>
  inSandbox(async (box) => {
    await withSecret(box);
    const marker = join(box.root, "ran");
    const evil = box.write("evil.cjs", planted(marker)["evil.cjs"]!);
    Object.assign(box.env, {
      NODE_OPTIONS: `--require ${evil} --inspect-brk`,
      NODE_PATH: box.folder,
      NODE_REPL_EXTERNAL_MODULE: evil,
      BUN_INSPECT_PRELOAD: evil,
      BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/",
      npm_config_node_options: `--require ${evil}`,
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: join(box.root, "cache"),
    });
    runAll(box);
    assert.not.ok(existsSync(marker));
    assert.not.ok(existsSync(join(box.root, "cache")));
  }));

test("arguments for bun are no arguments of the program, and its name does not matter", () =>
  inSandbox(async (box) => {
    await withSecret(box);
    const marker = join(box.root, "ran");
    box.write("evil.cjs", planted(marker)["evil.cjs"]!);
    for (const words of [
      ["--preload", "./evil.cjs"],
      ["--env-file=.env"],
      ["--inspect"],
      ["run", "./evil.cjs"],
      ["-p", "1"],
    ])
      assert.is.not((await box.run([...words, "decrypt", "secret.yaml"])).code, 0, words.join(" "));
    assert.not.ok(existsSync(marker));
    for (const name of ["bun", "bunx", "node", "sops"]) {
      const link = join(box.root, name);
      symlinkSync(PROGRAM, link);
      assert.match(execFileSync(link, ["--version"], { encoding: "utf8" }), /^sops \d+\.\d+\.\d+\ntsops /);
    }
  }));

test("no package prints what goes on inside of it", () =>
  inSandbox(async (box) => {
    const keys = new URL("../../fixtures/golden/keys/", import.meta.url).pathname;
    box.write("plain.yaml", "a: 1\n");
    // no gpg, so that the package is used
    const env = {
      TSOPS_PGP_KEY: readFileSync(join(keys, "pgp1.asc"), "utf8"),
      PATH: box.home,
      NODE_ENV: "development",
    };
    Object.assign(box.env, env, { SOPS_AGE_RECIPIENTS: undefined, DEBUG: "*", NODE_DEBUG: "http,tls" });
    const fingerprint = readFileSync(join(keys, "pgp1.fp"), "utf8").trim();
    const encrypted = await box.run(["encrypt", "-i", "--pgp", fingerprint, "plain.yaml"]);
    assert.equal([encrypted.code, encrypted.stderr], [0, ""]);
    const decrypted = await box.run(["decrypt", "plain.yaml"]);
    assert.equal(decrypted, { code: 0, stdout: "a: 1\n", stderr: "" });
  }));

test("the signal that opens Node's debugger opens none", () =>
  inSandbox(async (box) => {
    const socket = join(box.root, "s");
    const child = spawn(PROGRAM, ["keyservice", "--network", "unix", "--address", socket], {
      env: box.env as NodeJS.ProcessEnv,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    let said = "";
    await new Promise<void>((resolve) => {
      child.stderr.on("data", (chunk) => {
        said += chunk;
        if (said.includes("listening")) resolve();
      });
      void ended.then(() => resolve());
    });
    child.kill("SIGUSR1");
    child.kill("SIGTERM");
    assert.is(await ended, 0, said);
    assert.not.match(said, /inspector|debugger|ws:\/\//i);
  }));

test("authorities that the user names are believed, and only those", () =>
  inSandbox(async (box) => {
    box.write("plain.yaml", "a: 1\n");
    const certificates = makeCertificates(join(box.root, "tls"));
    const tls = { key: readFileSync(certificates.server.key), cert: readFileSync(certificates.server.cert) };
    const server = createServer(tls, (_, response) => {
      response.setHeader("content-type", "application/json");
      response.end('{"data":{"ciphertext":"vault:v1:AAAA"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(box.env, { VAULT_ADDR: address, VAULT_TOKEN: "t" });
    const encrypt = ["encrypt", "--hc-vault-transit", `${address}/v1/transit/keys/k`, "plain.yaml"];
    try {
      const strange = await box.run(encrypt);
      assert.is(strange.code, 1);
      assert.match(strange.stderr, "its certificate is not trusted");
      for (const variable of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "VAULT_CACERT"]) {
        box.env[variable] = certificates.ca;
        const { code, stderr } = await box.run(encrypt);
        assert.is(code, 0, `${variable}: ${stderr}`);
        box.env[variable] = undefined;
      }
    } finally {
      server.close();
    }
  }));

test("variables of bun that reach into the program are among those that files may not set", () =>
  inSandbox(async (box) => {
    for (const name of ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "BUN_INSPECT_CONNECT_TO"]) {
      // without a seal: a file of SOPS
      rmSync(join(box.folder, "e.yaml"), { force: true });
      box.write("e.env", `${name}=--preload ./evil.cjs\n`);
      assert.is((await box.run(["encrypt", "-i", "e.env"])).code, 0);
      const text = box.read("e.env");
      box.write("e.env", text.replace(/^sops_tsops.*\n/gm, ""));
      const { code, stderr } = await box.run(["exec-env", "e.env", "true"]);
      assert.is.not(code, 0, stderr);
      assert.match(stderr, name);
    }
  }));

test.run();
