import { type Completable, type Model, type Option, spellings, type Value } from "./model.ts";

/** Also for the bash of macOS, 3.2, which has no `compopt`, no `mapfile` and no maps. */
export function bash({ commands, all, everywhere, byValue }: Model): string {
  const subcommands = commands.filter((command) => command.subcommands.length > 0);
  return `# bash completion for tsops
_tsops_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$current"))
}

_tsops_words() {
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}

_tsops() {
  local current="\${COMP_WORDS[COMP_CWORD]}" option="" command="" sub="" dashes=0 word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    # bash makes three words of --option=value
    if [ "$word" = "=" ]; then i=$((i + 1)); continue; fi
    case "$word" in
      --) dashes=$i; break ;;
      ${byValue.flatMap(({ names }) => names).join("|")}) if [ "\${COMP_WORDS[i + 1]}" != "=" ]; then i=$((i + 1)); fi ;;
      -*) ;;
      *)
        if [ -z "$command" ]; then command="$word"
        elif [ -z "$sub" ]; then
          case "$command" in ${subcommands.map(({ words }) => words).join("|")}) sub=" $word" ;; esac
        fi ;;
    esac
  done

  if [ "$dashes" -gt 0 ]; then
    case "$command" in
      ${all
        .filter(({ runsProgram }) => runsProgram)
        .map(({ words }) => words)
        .join("|")})
        if [ "$COMP_CWORD" -eq $((dashes + 1)) ]; then
          COMPREPLY=($(compgen -c -- "$current"))
          if [ "\${#COMPREPLY[@]}" -gt 0 ]; then return; fi
        fi ;;
    esac
    _tsops_files
    return
  fi

  option="\${COMP_WORDS[COMP_CWORD - 1]}"
  if [ "$current" = "=" ]; then current=""
  elif [ "$option" = "=" ]; then option="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  case "$option" in
${byValue.map(({ names, value }) => `    ${names.join("|")}) ${valueCode(value)}; return ;;`).join("\n")}
  esac

  case "$command$sub" in
    "")
      case "$current" in
        -*) _tsops_words "${words(everywhere)}" ;;
        *)
          _tsops_words "${commands.map(({ words }) => words).join(" ")}"
          # SOPS's old style: a file to edit
          if [ "\${#COMPREPLY[@]}" -eq 0 ]; then _tsops_files; fi ;;
      esac ;;
${all.map(commandCase).join("\n")}
    *) _tsops_files ;;
  esac
}
complete -F _tsops tsops
`;
}

function commandCase(command: Completable): string {
  const { words: name, options } = command;
  return `    "${name}") case "$current" in -*) _tsops_words "${words(options)}" ;; *) ${restCode(command)} ;; esac ;;`;
}

function restCode({ subcommands, takes }: Completable): string {
  if (subcommands.length > 0)
    return `_tsops_words "${subcommands.map((sub) => sub.words.split(" ").at(-1)).join(" ")}"`;
  if (takes === "files") return "_tsops_files";
  return takes === "nothing" ? ":" : `_tsops_words "${takes.join(" ")}"`;
}

function valueCode(value: Value): string {
  if (value === "file") return "_tsops_files";
  if (value === "text" || value === "none") return ":";
  const list = value.words.join(" ");
  if (!value.list) return `_tsops_words "${list}"`;
  // what stands before the last comma stays
  return (
    `case "$current" in *,*) COMPREPLY=($(compgen -P "\${current%,*}," -W "${list}" -- "\${current##*,}")) ;;` +
    ` *) _tsops_words "${list}" ;; esac`
  );
}

function words(options: readonly Option[]): string {
  return options.flatMap(spellings).join(" ");
}
