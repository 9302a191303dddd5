// Writes man/tsops.1 from the table of commands: `node --import tsx scripts/man.mjs`. With --check it only says whether
// the page is up to date, and, where groff is installed, whether groff has something to say about it.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { COMMANDS } from "../src/cli/commands.ts";
import { GLOBAL } from "../src/cli/options.ts";
import { EXIT_CODES } from "../src/errors.ts";

const PAGE = new URL("../man/tsops.1", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** A text for roff: no character of it is a command, and hyphens can be copied. */
function roff(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(
      /[^\x00-\x7f]/gu,
      (char) => `\\[u${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replace(/^\./gm, "\\&.");
}

const bold = (text) => `\\fB${roff(text)}\\fR`;
const italic = (text) => `\\fI${roff(text)}\\fR`;

function optionLines(options) {
  return Object.entries(options)
    .filter(([, { hidden }]) => !hidden)
    .flatMap(([name, { alias, type, describe = "", default: preset, defaultDescription }]) => {
      const names = [alias ?? []]
        .flat()
        .map((short) => bold(short.length === 1 ? `-${short}` : `--${short}`));
      const value = type === "boolean" ? "" : ` ${italic(type === "number" ? "NUMBER" : "VALUE")}`;
      const usual = defaultDescription ?? preset;
      const more = usual === undefined ? "" : ` (default: ${roff(String(usual))})`;
      return [".TP", [...names, bold(`--${name}`)].join(", ") + value, roff(describe) + more];
    });
}

function commandLines({ usage, summary, options, examples = [], subcommands = [] }, before = "tsops ") {
  if (subcommands.length > 0)
    return subcommands.flatMap((sub) => commandLines(sub, `${before}${usage.split(" ")[0]} `));
  const shown = examples.flatMap(([line, what]) => [".IP", `${bold(line)}`, ".br", roff(what)]);
  return [
    `.SS ${roff(before + usage)}`,
    `${roff(summary.replace(/^./, (letter) => letter.toUpperCase()))}.`,
    ...optionLines(options),
    ...(shown.length > 0 ? [".PP", "Examples:", ...shown] : []),
  ];
}

function exitLines() {
  const words = new Map();
  for (const [word, code] of Object.entries(EXIT_CODES)) words.set(code, [...(words.get(code) ?? []), word]);
  return [...words]
    .sort(([a], [b]) => a - b)
    .flatMap(([code, list]) => [".TP", bold(String(code)), roff(list.join(", "))]);
}

const page = [
  '.\\" Made by scripts/man.mjs from the table of commands.',
  `.TH TSOPS 1 "" "tsops ${version}" "User Commands"`,
  ".SH NAME",
  "tsops \\- encrypt the values in files, so that secrets can be kept in git",
  ".SH SYNOPSIS",
  `${bold("tsops")} ${italic("COMMAND")} [${italic("OPTION")}]... [${italic("FILE")}]...`,
  ".SH DESCRIPTION",
  "tsops encrypts the values inside YAML, JSON, dotenv, INI, TOML and JSON5 files, and other files as a whole.",
  "What is around the values stays as it is. Its files, options, variables and exit codes are those of SOPS.",
  ".PP",
  roff(
    "Options may stand before or after the file names; -flag and --flag are the same. Behind -- stand file",
  ),
  "names, or the program to run.",
  ".SH OPTIONS OF EVERY COMMAND",
  ...optionLines(GLOBAL),
  ".SH COMMANDS",
  ...COMMANDS.flatMap((command) => commandLines(command)),
  ".SH EXIT STATUS",
  ".TP",
  bold("0"),
  "all is well",
  ...exitLines(),
  ".SH FILES",
  ".TP",
  `${bold(".sopsrc")}, ${bold(".sops.yaml")}`,
  "the configuration: who can read which files",
  ".TP",
  bold("~/.config/sops/age/keys.txt"),
  "age identities",
  ".SH SEE ALSO",
  `${bold("sops")}(1), ${bold("age")}(1); ${roff("the pages in the folder docs of the package")}`,
  "",
].join("\n");

if (process.argv.includes("--check")) {
  const same = readFileSync(PAGE, "utf8") === page;
  console.log(
    same ? "man/tsops.1 is up to date" : "man/tsops.1 is out of date: run node --import tsx scripts/man.mjs",
  );
  const { error, stderr } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z"], {
    input: page,
    encoding: "utf8",
  });
  if (!error && stderr !== "") console.log(`groff says of man/tsops.1:\n${stderr}`);
  process.exitCode = same && (error || stderr === "") ? 0 : 1;
} else {
  mkdirSync(new URL(".", PAGE), { recursive: true });
  writeFileSync(PAGE, page);
}
