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

Written by \`npm run bench\` on ${today}: ${machine}, Node ${node}, SOPS ${sops}. CPU time, user and system. The
programs took turns in one run, and the table has medians. Compare the ratios: the times are those of one machine.

| | tsops | compared with | ratio | at most |
|---|---|---|---|---|
${rows.join("\n")}

## How the program starts quickly

For one small file SOPS is two to three times as fast, because Node itself starts slowly. tsops adds little to that:

- The program consists of scripts, not modules, and runs from V8's code cache (\`dist/cache\`). The build writes the cache
  by decrypting a file once. A cache fits one release of Node on one kind of machine. If there is none yet, the first run
  writes it, if it may write there. V8 refuses a cache that does not fit, and the launcher refuses one of another build.
- There are two scripts. \`dist/start.js\` has what decrypting a YAML file needs. \`dist/rest.js\` has everything else, and
  is loaded only when it is needed.
- Small files are read and written without handing them to another thread and back, which would take several times as
  long as the work itself.
- Formats, kinds of keys, yargs and other parts are loaded only by the commands that need them.
- The process ends without freeing its heap first, and compiles hot code in its own thread, since the work of other
  threads would mostly be wasted.

${largeRuns}`;
}
