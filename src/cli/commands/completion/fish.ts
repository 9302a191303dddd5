import { append } from "../../../formats/append.ts";
import type { Completable, Model, Option } from "./model.ts";

export function fish({ commands, everywhere }: Model): string {
  const programs = commands.filter(({ runsProgram }) => runsProgram).map(({ words }) => words);
  const lines = [
    // SOPS's old style has a file to edit, so files are offered where there is no command yet
    ...commands.map(({ words, summary }) => {
      return `complete -c tsops -n __fish_use_subcommand -a ${words} -d ${quoted(summary)}`;
    }),
    ...everywhere.map((option) => `complete -c tsops -n __fish_use_subcommand ${optionCode(option)}`),
    ...commands.flatMap(commandLines),
    `complete -c tsops -n '__tsops_behind_dashes ${programs.join(" ")}' -a '(__fish_complete_command)'`,
  ];
  return `# fish completion for tsops
function __tsops_before_dashes
  not contains -- -- (commandline -opc)
end

# the word behind -- is a program, for these commands
function __tsops_behind_dashes
  set -l tokens (commandline -opc)
  test "$tokens[-1]" = --; and __fish_seen_subcommand_from $argv
end

${lines.join("\n")}
`;
}

function commandLines(command: Completable): string[] {
  const { words, subcommands, takes } = command;
  const seen = `__fish_seen_subcommand_from ${words}; and __tsops_before_dashes`;
  const names = subcommands.map((sub) => sub.words.split(" ").at(-1)!);
  const first = names.length > 0 ? `${seen}; and not __fish_seen_subcommand_from ${names.join(" ")}` : seen;
  const lines = [
    ...(takes === "files" ? [] : [`complete -c tsops -n '${seen}' -f`]),
    ...(typeof takes === "string" ? [] : [`complete -c tsops -n '${seen}' -a '${takes.join(" ")}'`]),
    ...subcommands.map(
      (sub, i) => `complete -c tsops -n '${first}' -f -a ${names[i]} -d ${quoted(sub.summary)}`,
    ),
    ...command.options.map((option) => `complete -c tsops -n '${first}' ${optionCode(option)}`),
  ];
  for (const [i, sub] of subcommands.entries()) {
    const inside = `${seen}; and __fish_seen_subcommand_from ${names[i]}`;
    append(
      lines,
      sub.options.map((option) => `complete -c tsops -n '${inside}' ${optionCode(option)}`),
    );
  }
  return lines;
}

function optionCode({ name, short, summary, value }: Option): string {
  const names = `-l ${name}${short === undefined ? "" : ` -s ${short}`}`;
  return `${names}${valueCode(value)} -d ${quoted(summary)}`;
}

function valueCode(value: Option["value"]): string {
  if (value === "none") return "";
  if (value === "file") return " -r -F";
  if (value === "text") return " -x";
  if (!value.list) return ` -x -a '${value.words.join(" ")}'`;
  return ` -x -a '(__fish_complete_list , "string split \\" \\" \\"${value.words.join(" ")}\\"")'`;
}

/** In single quotes, where fish knows a backslash before a quote and before itself. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
