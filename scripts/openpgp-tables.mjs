// A change to openpgp in the executable, which its licence (LGPL) allows where it is marked: see scripts/exe.mjs.
//
// openpgp fills tables of 1.3 MB for its own AES when it is loaded, though the runtime's AES is used for nearly everything.
// In the executable that took a sixth of decrypting a small file.

const TABLE = /^const (\w+) = \/\* @__PURE__ \*\/ (genTtable\(.+\));$/gm;

/** The source of openpgp, with tables that are filled when one is needed first. Another version may have none. */
export function tablesAtNeed(source) {
  const changed = source.replace(TABLE, (_, name, made) => `const ${name} = tableAtNeed(() => ${made});`);
  return changed === source ? source : `${changed}\n${tableAtNeed}\n`;
}

/** An object that stands for the one that `make` makes. */
function tableAtNeed(make) {
  let made;
  return new Proxy({}, { get: (_, name) => (made ??= make())[name] });
}
