// Builds the program as two scripts: dist/start.js, which holds what decrypting a YAML file needs, and dist/rest.js with
// everything else, loaded when it is asked for. The smaller the first one, the sooner the program starts: see
// docs/performance.md. Modules of the first script that the second one uses too exist once: the second one is given them.
//
// What is used of an SDK (src/keys/aws/sdk.ts) is a script of its own beside them (dist/sdk-aws.js). Nothing but that SDK
// is in it, and it is loaded when a key needs it.
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";

/** The program's entry, and what it loads when it is needed that most runs need. */
const START = ["src/cli/main.ts", "src/cli/commands/decrypt/run.ts", "src/formats/yaml/index.ts"];
/** Packages whose code is in the program and the library; others are loaded from node_modules when they are used. */
const INSIDE = ["@scure/base", "yargs-parser"];

export function packagesOutside(root) {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.keys(dependencies).filter((name) => !INSIDE.includes(name));
}

/** yargs-parser loads node:module for configuration files, which this program reads itself: loading it takes time. */
const withoutConfigFiles = {
  name: "without-config-files",
  setup(hooks) {
    hooks.onResolve({ filter: /^node:module$/ }, ({ importer, path }) =>
      importer.includes("yargs-parser") ? { path, namespace: "left-out" } : undefined,
    );
    hooks.onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "export let createRequire;" }));
  },
};

/**
 * What SDKs would load in vain: node-vault's way to send requests, which this program does itself; colours for logs
 * that stay off; what Node has built in.
 */
const withoutUnused = {
  name: "without-unused",
  setup(hooks) {
    hooks.onResolve({ filter: /^(axios|supports-color|web-streams-polyfill)(\/|$)/ }, ({ path }) => ({
      path,
      namespace: "left-out",
    }));
    hooks.onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "" }));
  },
};

/** @returns esbuild's metafiles, which say which packages are inside. */
export async function buildProgram(root, shared) {
  const options = {
    ...shared,
    write: false,
    metafile: true,
    legalComments: "none",
    minifyWhitespace: true,
    minifySyntax: true,
    external: packagesOutside(root),
    define: { "import.meta.url": '""' },
  };
  const script = {
    ...options,
    format: "cjs",
    minifyIdentifiers: true,
    banner: { js: '(function(exports,require,module,__filename,__dirname,__import){"use strict";' },
    footer: { js: "})" },
  };
  const entry = (contents) => ({ stdin: { contents, resolveDir: root, loader: "ts" } });
  const pathOf = ({ resolveDir, path }) => relative(root, resolve(resolveDir, path)).replaceAll("\\", "/");

  // what is imported at need and not in the first script is asked for by name: import("pack:src/…")
  const later = new Set();
  const leavingLater = {
    name: "leaving-later",
    setup(hooks) {
      hooks.onResolve({ filter: /^\./ }, (args) => {
        if (args.kind !== "dynamic-import" || START.includes(pathOf(args))) return undefined;
        later.add(pathOf(args));
        return { path: `pack:${pathOf(args)}`, external: true };
      });
    },
  };
  // and SDKs by theirs: import("sdk:aws")
  const sdks = new Map();
  const leavingSdks = {
    name: "leaving-sdks",
    setup(hooks) {
      hooks.onResolve({ filter: /\/sdk\.ts$/ }, (args) => {
        const name = basename(dirname(pathOf(args)));
        sdks.set(name, pathOf(args));
        return { path: `sdk:${name}`, external: true };
      });
    },
  };
  // what draws the editor is a module (scripts/ui.mjs): import("ui:ink")
  const leavingUi = {
    name: "leaving-ui",
    setup(hooks) {
      hooks.onResolve({ filter: /\/ink\/ink\.ts$/ }, ({ kind }) =>
        kind === "dynamic-import" ? { path: "ui:ink", external: true } : undefined,
      );
    },
  };
  const plugins = [withoutConfigFiles, leavingSdks, leavingUi, leavingLater];
  const imports = START.map((file) => `import "./${file}";`).join("\n");
  const first = await build({ ...options, ...entry(imports), format: "esm", plugins });
  const known = new Set(Object.keys(first.metafile.inputs));

  // what the second script uses of the first one stays an import, so that its output tells the names
  const whole = new Set();
  const usingFirst = {
    name: "using-first",
    setup(hooks) {
      hooks.onResolve({ filter: /^\./ }, (args) => {
        if (!known.has(pathOf(args)) || args.importer === "") return undefined;
        if (args.kind === "dynamic-import") whole.add(pathOf(args));
        return { path: `start:${pathOf(args)}`, external: true };
      });
    },
  };
  const restOf = async (settings) => {
    // each module that is asked for may ask for more
    for (let size = -1; size !== later.size; ) {
      size = later.size;
      const loaders = [...later].map((file) => `"${file}": () => import("./${file}")`);
      const text = `export const modules = {\n${loaders.join(",\n")}\n};`;
      const collecting = {
        name: "collecting",
        setup(hooks) {
          hooks.onResolve({ filter: /^\./ }, (args) => {
            if (args.kind === "dynamic-import" && !known.has(pathOf(args))) later.add(pathOf(args));
            return undefined;
          });
        },
      };
      const result = await build({
        ...settings,
        ...entry(text),
        plugins: [leavingSdks, leavingUi, collecting, usingFirst],
      });
      if (size === later.size) return result;
    }
  };
  const names = namesIn(
    (await restOf({ ...options, format: "esm", minifyWhitespace: false })).outputFiles[0].text,
  );
  const rest = await restOf(script);
  const start = await build({ ...script, ...entry(`${imports}\n${sharing(names, whole)}`), plugins });
  const parts = await Promise.all([...sdks].map(async ([name, file]) => [name, await buildSdk(file)]));
  write("start.js", start.outputFiles[0].text.replaceAll(/\bimport\(/g, "__import("));
  write("rest.js", rest.outputFiles[0].text.replaceAll(/\bimport\(/g, "__import("));
  for (const [name, { outputFiles }] of parts) write(`sdk-${name}.js`, outputFiles[0].text);
  return [start, rest, ...parts.map(([, part]) => part)].map(({ metafile }) => metafile);

  /** Names of classes stay, since errors are told by them. */
  function buildSdk(file) {
    return build({
      ...script,
      entryPoints: [file],
      external: [],
      minifyIdentifiers: false,
      // modules before scripts: of those, what is not used can be left out
      mainFields: ["module", "main"],
      supported: { "dynamic-import": false },
      plugins: [withoutUnused],
    });
  }

  function write(name, code) {
    const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
    const cache = join(root, "dist", "cache");
    mkdirSync(cache, { recursive: true });
    // what others could write to is not used as a cache of code (bin/tsops.js)
    chmodSync(cache, 0o755);
    // its first line is a hash of it, so that a code cache is never used for another build
    writeFileSync(join(root, "dist", name), `// ${hash}\n${code}`);
  }
}

/** Modules of the first script with the names that the second one imports from them. */
function namesIn(code) {
  const found = new Map();
  for (const [, list, file] of code.matchAll(/^import\s*\{([^}]*)\}\s*from\s*"start:([^"]+)";$/gm)) {
    const names = found.get(file) ?? new Set();
    for (const item of list.split(",")) names.add(item.trim().split(/\s+as\s+/)[0]);
    names.delete("");
    found.set(file, names);
  }
  const other = /^import (?!\s*\{).*"start:.*$/m.exec(code);
  if (other) throw new Error(`this kind of import between the two scripts is not provided for: ${other[0]}`);
  return found;
}

/** Code that gives the second script what it uses of the first one: names of some modules, others as a whole. */
function sharing(names, whole) {
  const namespaces = [...whole].map((file, i) => ({ file, as: `w${i}` }));
  const files = [...names]
    .filter(([file]) => !whole.has(file))
    .map(([file, set], i) => ({ file, pairs: [...set].map((name, k) => [name, `s${i}_${k}`]) }));
  const imports = files.map(({ file, pairs }) => {
    return `import { ${pairs.map(([name, as]) => `${name} as ${as}`).join(", ")} } from "./${file}";`;
  });
  const cases = files.map(({ file, pairs }) => {
    return `if (file === "${file}") return { ${pairs.map(([name, as]) => `${name}: ${as}`).join(", ")} };`;
  });
  imports.push(...namespaces.map(({ file, as }) => `import * as ${as} from "./${file}";`));
  cases.push(...namespaces.map(({ file, as }) => `if (file === "${file}") return ${as};`));
  return `${imports.join("\n")}\nexport function shared(file) {\n${cases.join("\n")}\n}`;
}
