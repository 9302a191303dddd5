/**
 * The simple commands of a line for the shell, as words, with words in quotes as one: enough for what the documentation
 * shows. Pipes, `&&`, `;` and `$(` begin a new command; redirections and comments are left out.
 */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let skip = false;
  const endWord = () => {
    if (word !== undefined && !skip) commands.at(-1)!.push(word);
    if (word !== undefined) skip = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    commands.push([]);
  };
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (char === "'" || char === '"') {
      const end = line.indexOf(char, i + 1);
      const inside = line.slice(i + 1, end < 0 ? line.length : end);
      word = (word ?? "") + inside;
      i += inside.length + 1;
    } else if (char === " " || char === "\t") endWord();
    else if (char === "#" && word === undefined) break;
    else if (char === "\\" && i + 1 < line.length) word = (word ?? "") + line[++i]!;
    else if (char === "$" && line[i + 1] === "(") {
      endCommand();
      i++;
    } else if ("|&;()\n".includes(char)) endCommand();
    else if (char === "<" || char === ">") {
      // a number before it belongs to it, and so does the next word
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      if (line[i + 1] === "(") {
        commands.push([]);
        i++;
      } else skip = true;
      while (line[i + 1] === char) i++;
    } else word = (word ?? "") + char;
  }
  endWord();
  return commands.filter((words) => words.length > 0);
}

/** What tsops is called with in a text of several lines. */
export function callsOfTsops(text: string): string[][] {
  return text
    .replace(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .flatMap((line) => commandsOf(line.replace(/^(\s*- run:|\s*-|\$|exec) +/, "")))
    .flatMap((words) => {
      const at = words.findIndex((word) => !/^[A-Z_]+=|^npx$|^exec$|^env$/.test(word));
      return words[at] === "tsops" ? [words.slice(at + 1)] : [];
    });
}
