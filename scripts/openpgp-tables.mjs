// A change to openpgp, which its licence (LGPL) allows where it is marked.
//
// When it is loaded, openpgp fills tables for its own AES and deflate, although the runtime's are used for nearly
// everything. Taken in turns on 2026-11-29, PGP's first use costs 40 instead of 64 ms of CPU with the executable, and 127
// instead of 148 ms with the npm program.

/** What was changed, for those who get it; beside the licences, too. */
export const NOTICE = `openpgp was changed for tsops on 2026-11-29: tables are filled when they are needed, and not when it is
loaded. The change is scripts/openpgp-tables.mjs in tsops's source.
`;

/** The source of openpgp, with tables that are filled when one is needed first. Another version may have none. */
export function tablesAtNeed(source) {
  const changed = source
    .replace(/(?<=^const \w+ = )\/\* @__PURE__ \*\/ (genTtable\(.+\))(?=;$)/gm, "tableAtNeed(() => $1)")
    .replace(/(?<=^var .*)\/\*#__PURE__\*\/ (hMap\(\w+, \d, \d\))/gm, "tableAtNeed(() => $1)")
    .replace(
      /^var rev = (.+);\n(for \(.+\n(?: {4}.+\n)+\})$/m,
      "var rev = tableAtNeed(() => {\nvar rev = $1;\n$2\nreturn rev;\n});",
    )
    .replace(
      /^var _b = (freb\(.+?\)), fd = _b\.b, revfd = _b\.r;$/m,
      "var _b = tableAtNeed(() => $1), fd = tableAtNeed(() => _b.b), revfd = tableAtNeed(() => _b.r);",
    );
  return changed === source ? source : `/*! ${NOTICE}*/\n${changed}\n${tableAtNeed}\n`;
}

/** An object that stands for the one that `make` makes. */
function tableAtNeed(make) {
  let made;
  return new Proxy({}, { get: (_, name) => (made ??= make())[name] });
}
