import { TsopsError } from "../../errors.ts";
import type { Args } from "../args.ts";
import { COMMANDS, type Command, LEGACY } from "../commands.ts";
import { type Io, write } from "../io.ts";
import { GLOBAL } from "../options.ts";
import { nameOf } from "../parse.ts";

/** `completion SHELL`: a script that completes commands, options and file names. */
export async function completion(args: Args, io: Io): Promise<number> {
  const shell = args.text("shell");
  if (shell === undefined) {
    const { helpText } = await import("../help.ts");
    await write(io.stdout, `${await helpText(["completion"], io.stdout.columns)}\n`);
    return 0;
  }
  const script = SHELLS.get(shell);
  if (!script) {
    throw new TsopsError("usage", "there is no completion for this shell", { hint: "use bash, zsh or fish" });
  }
  await write(io.stdout, script());
  return 0;
}

const SHELLS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

/** Those of its subcommands too: what is completed depends on the first word only. */
function optionsOf(command: Command): Command["options"] {
  return Object.assign({}, ...[command, ...(command.subcommands ?? [])].map(({ options }) => options));
}

function optionNames(command: Command): string[] {
  return Object.keys({ ...optionsOf(command), ...GLOBAL }).map((name) => `--${name}`);
}

/** The words that may follow each command: its subcommands and options. */
function wordsOf(command: Command): string {
  return [...(command.subcommands ?? []).map(nameOf), ...optionNames(command)].join(" ");
}

function bash(): string {
  const names = COMMANDS.map(nameOf).join(" ");
  const cases = COMMANDS.map((command) => `    ${nameOf(command)}) words="${wordsOf(command)}" ;;`).join(
    "\n",
  );
  return `# bash completion for tsops
_tsops() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
${cases}
    "") words="${names} ${optionNames(LEGACY).join(" ")}" ;;
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$current" in -*) ;; *) COMPREPLY+=($(compgen -f -- "$current")) ;; esac
}
complete -o filenames -F _tsops tsops
`;
}

function zsh(): string {
  const commands = COMMANDS.map((command) => `    '${nameOf(command)}:${quoted(command.summary)}'`).join(
    "\n",
  );
  const cases = COMMANDS.map((command) => `    ${nameOf(command)}) compadd -- ${wordsOf(command)} ;;`).join(
    "\n",
  );
  return `#compdef tsops
# zsh completion for tsops
_tsops() {
  local -a commands
  commands=(
${commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _files
    return
  fi
  case "\${words[2]}" in
${cases}
  esac
  _files
}
if [ "\${funcstack[1]}" = "_tsops" ]; then _tsops; else compdef _tsops tsops; fi
`;
}

function fish(): string {
  const lines = COMMANDS.flatMap((command) => {
    const name = nameOf(command);
    const start = `complete -c tsops -n __fish_use_subcommand -a ${name} -d '${quoted(command.summary)}'`;
    const inside = `complete -c tsops -n '__fish_seen_subcommand_from ${name}'`;
    const subs = (command.subcommands ?? []).map(
      (sub) => `${inside} -a ${nameOf(sub)} -d '${quoted(sub.summary)}'`,
    );
    const options = Object.entries(optionsOf(command)).map(([option, { describe, alias }]) => {
      const short = typeof alias === "string" && alias.length === 1 ? ` -s ${alias}` : "";
      return `${inside} -l ${option}${short} -d '${quoted(describe ?? "")}'`;
    });
    return [start, ...subs, ...options];
  });
  const global = Object.entries(GLOBAL).map(
    ([option, { describe }]) => `complete -c tsops -l ${option} -d '${quoted(describe ?? "")}'`,
  );
  return `# fish completion for tsops\n${[...lines, ...global].join("\n")}\n`;
}

function quoted(text: string): string {
  return text.replace(/[\\']/g, "\\$&").replace(/[[\]:]/g, " ");
}
