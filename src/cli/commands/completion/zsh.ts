import { singleQuoted } from "../../../printable.ts";
import { type Completable, type Model, type Option, spellings, type Value } from "./model.ts";

export function zsh({ commands, all, everywhere, takingValue, byValue }: Model): string {
  const subcommands = commands.filter((command) => command.subcommands.length > 0);
  return `#compdef tsops
# zsh completion for tsops
_tsops() {
  local current="\${words[CURRENT]}" option="" command="" sub="" word
  local -a list
  integer i dashes=0
  for (( i = 2; i < CURRENT; i++ )); do
    word="\${words[i]}"
    case "$word" in
      (--) dashes=$i; break ;;
      (${[...takingValue.keys()].join("|")}) (( i++ )) ;;
      (-*) ;;
      (*)
        if [[ -z "$command" ]]; then command="$word"
        elif [[ -z "$sub" && "$command" == (${subcommands.map(({ words }) => words).join("|")}) ]]; then sub=" $word"
        fi ;;
    esac
  done

  if (( dashes > 0 )); then
    if [[ "$command" == (${all
      .filter(({ runsProgram }) => runsProgram)
      .map(({ words }) => words)
      .join("|")}) ]]; then
      if (( CURRENT == dashes + 1 )); then
        _alternative 'commands:program:_command_names -e' 'files:file:_files'
        return
      fi
    fi
    _files
    return
  fi

  option="\${words[CURRENT-1]}"
  if [[ "$current" == --*=* ]]; then
    option="\${current%%=*}"
    compset -P '*='
  fi
  case "$option" in
${byValue.map(({ names, value }) => `    (${names.join("|")}) ${valueCode(value)}; return ;;`).join("\n")}
  esac

  case "$command$sub" in
    ('')
      if [[ "$current" == -* ]]; then
        list=(${describedOptions(everywhere)})
        _describe -o option list
      else
        list=(
${commands.map(({ words, summary }) => `          ${described(words, summary)}`).join("\n")}
        )
        # SOPS's old style has a file to edit
        _describe command list || _files
      fi ;;
${all.map(commandCase).join("\n")}
    (*) _files ;;
  esac
}
if [ "\${funcstack[1]}" = "_tsops" ]; then _tsops; else compdef _tsops tsops; fi
`;
}

function commandCase(command: Completable): string {
  return `    (${singleQuoted(command.words)})
      if [[ "$current" == -* ]]; then list=(${describedOptions(command.options)}); _describe -o option list
      else ${restCode(command)}
      fi ;;`;
}

function restCode({ subcommands, takes }: Completable): string {
  if (subcommands.length > 0) {
    const list = subcommands.map((sub) => described(sub.words.split(" ").at(-1)!, sub.summary));
    return `list=(${list.join(" ")}); _describe subcommand list`;
  }
  if (takes === "files") return "_files";
  return takes === "nothing" ? ":" : `compadd -- ${takes.join(" ")}`;
}

function valueCode(value: Value): string {
  if (value === "file") return "_files";
  if (value === "text" || value === "none") return ":";
  const add = `compadd -- ${value.words.join(" ")}`;
  // what stands before the last comma stays
  return value.list ? `compset -P '*,'; ${add}` : add;
}

function describedOptions(options: readonly Option[]): string {
  return options
    .flatMap((option) => spellings(option).map((text) => described(text, option.summary)))
    .join(" ");
}

/** A word with what it means, as `_describe` takes it: the first colon stands between them. */
function described(word: string, summary: string): string {
  return singleQuoted(`${word}:${summary}`);
}
