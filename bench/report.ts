/** A line of the table: what was measured, and against what. Seconds of CPU, unless `unit` says otherwise. */
export interface Line {
  readonly what: string;
  readonly against: string;
  readonly ours: number;
  readonly theirs: number;
  /** The ratio that is not to be exceeded. */
  readonly target: number;
  readonly unit?: "bytes";
}

export function tableOf(lines: readonly Line[]): string {
  return lines
    .map((line) => {
      const ratio = line.ours / line.theirs;
      const met = ratio <= line.target ? "met" : "MISSED";
      return `${line.what}\n  ${amount(line, line.ours)} against ${amount(line, line.theirs)} for ${line.against}: ${asRatio(ratio)} (target ${asRatio(line.target)}: ${met})\n`;
    })
    .join("");
}

function amount({ unit }: Line, value: number): string {
  if (unit === "bytes") return `${Math.round(value / 2 ** 20)} MiB`;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}

/** 0.05 as `1/20`, which is what one compares. */
function asRatio(ratio: number): string {
  return ratio > 0.67 ? `× ${ratio.toFixed(2)}` : `1/${(1 / ratio).toFixed(1).replace(/\.0$/, "")}`;
}

export interface Circumstances {
  readonly today: string;
  readonly machine: string;
  readonly node: string;
  readonly sops: string;
}

/** docs/performance.md. */
export function performancePage(
  lines: readonly Line[],
  { today, machine, node, sops }: Circumstances,
  before = "",
): string {
  // what was measured otherwise stays
  const [, largeRuns = ""] = before.split(/^(?=## Large runs$)/m);
  const rows = lines.map((line) => {
    const ratio = line.ours / line.theirs;
    const met = ratio <= line.target ? "" : " (missed)";
    return `| ${line.what} | ${amount(line, line.ours)} | ${line.against}: ${amount(line, line.theirs)} | **${asRatio(ratio)}** | ${asRatio(line.target)}${met} |`;
  });
  return `# Performance

Written by \`npm run bench\` on ${today}: ${machine}, Node ${node}, SOPS ${sops}. CPU time, user and system; the programs took turns in one run, and medians count. What matters are the
ratios: the times themselves are those of one machine.

| | tsops | compared with | ratio | at most |
|---|---|---|---|---|
${rows.join("\n")}

## How the program starts quickly

Starting node costs two to three times what SOPS takes for a small file, so what can be saved is what comes on top.

- The program is made of scripts, not modules, and is run from V8's code cache (\`dist/cache\`), which the build writes by decrypting a file once. A
  cache fits one release of Node on one kind of machine; where there is none yet, the first run writes it, if it may write there. V8 refuses a cache that does not fit, and
  the launcher refuses one of another build.
- There are two scripts: \`dist/start.js\` holds what decrypting a YAML file needs, \`dist/rest.js\` everything else, and is loaded when it is asked for.
- Small files are read and written without handing them to another thread and back, which costs several times the work itself.
- Formats, kinds of keys, yargs and everything else that a command does not need is loaded by those that do.
- The process ends without taking its heap apart first, and compiles hot code in its own thread: others would mostly work for nothing.

${largeRuns}`;
}
