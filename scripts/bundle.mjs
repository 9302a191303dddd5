// What esbuild is told for every artefact: the program, the library, the executable, and tests that look inside.
import { relative, resolve } from "node:path";

/**
 * What the program and the library load only when it is needed: a file dist/parts/NAME.cjs each, with all that it is
 * made of inside. Both share these files. Of a large SDK, src/…/sdk.ts names what is used.
 */
export const PARTS = {
  age: "age-encryption",
  aws: "src/keys/aws/sdk.ts",
  azure: "src/keys/azure/sdk.ts",
  "azure-blob": "@azure/storage-blob",
  curves: "@noble/curves/ed25519.js",
  google: "src/keys/google/sdk.ts",
  "google-rest": "src/keys/google/sdk-rest.ts",
  "google-storage": "@google-cloud/storage",
  grpc: "src/net/grpc/sdk.ts",
  re2: "re2js",
  s3: "src/publish/sdk-s3.ts",
  secretlint: "src/cli/commands/check/sdk.ts",
  shamir: "shamir-secret-sharing",
  sshpk: "sshpk",
  vault: "src/keys/vault/sdk.ts",
  wordlist: "@scure/bip39/wordlists/english.js",
  words: "string-argv",
  yargs: "src/cli/sdk.ts",
};

/** A part that is a file of its own, with one marked change: its licence (LGPL) lets everybody put another in its place. */
export const OPENPGP = { name: "openpgp", file: "node_modules/openpgp/dist/node/openpgp.cjs" };

export function sharedOptions(root) {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    minifySyntax: true,
    minifyWhitespace: true,
  };
}

/**
 * For scripts: `import()` and `import.meta.url` of modules, in a script's words. Whoever bundles the library bundles
 * the parts with it: there a script has no file of its own, and webpack looks for what `define` names. A module's address
 * is one below a node_modules: elsewhere yargs would look for a package.json in the current folder.
 */
export const AS_SCRIPT = {
  format: "cjs",
  supported: { "dynamic-import": false },
  define: {
    "import.meta.url": "OWN_URL",
    __filename: "OWN_FILE",
    __dirname: "OWN_FOLDER",
    define: "undefined",
  },
  banner: {
    js: [
      '"use strict"',
      'const OWN_FILE=typeof __filename==="string"?__filename:"/"',
      'const OWN_FOLDER=require("node:path").dirname(OWN_FILE)',
      'const OWN_URL=require("node:url").pathToFileURL(OWN_FOLDER+"/node_modules/inside.cjs").href;',
    ].join(";"),
  },
};

/** Leaves the parts where they are: in the file that `fileOf` says for a name. */
export function partsOutside(root, fileOf) {
  const names = new Map(Object.entries(PARTS).map(([name, entry]) => [entry, name]));
  names.set("openpgp", OPENPGP.name);
  return {
    name: "parts-outside",
    setup(hooks) {
      hooks.onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind === "entry-point") return undefined;
        const file = path.startsWith(".") ? relative(root, resolve(resolveDir, path)) : path;
        const name = names.get(file.replaceAll("\\", "/"));
        return name && { path: fileOf(name), external: true };
      });
    },
  };
}

/**
 * What would be loaded in vain: node-vault's way to send requests, which tsops does itself; colours for logs that stay
 * off; what Node has built in; and node:module, which yargs-parser wants for configuration files that it never gets.
 */
export const withoutUnused = {
  name: "without-unused",
  setup(hooks) {
    const leftOut = ({ path }) => ({ path, namespace: "left-out" });
    hooks.onResolve({ filter: /^(axios|supports-color|web-streams-polyfill|whatwg-url)(\/|$)/ }, leftOut);
    hooks.onResolve({ filter: /^node:module$/ }, (args) =>
      args.importer.includes("yargs-parser") ? leftOut(args) : undefined,
    );
    hooks.onLoad({ filter: /./, namespace: "left-out" }, ({ path }) => ({
      contents: path === "node:module" ? "export let createRequire;" : "",
    }));
  },
};

/** Google's client for KMS is used over REST here: of what it is made on, gRPC is left out, which is there once already. */
export const overRestOnly = {
  name: "over-rest-only",
  setup(hooks) {
    hooks.onResolve({ filter: /^google-gax$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: "over-rest",
      pluginData: resolveDir,
    }));
    hooks.onLoad({ filter: /./, namespace: "over-rest" }, ({ pluginData }) => ({
      contents:
        'module.exports = { ...require("google-gax/fallback"), loggingUtils: require("google-logging-utils") };',
      resolveDir: pluginData,
    }));
  },
};
