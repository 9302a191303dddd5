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

/** The page with these lines in its table: those of the same name are replaced, others come at its end. */
export function withLines(page: string, lines: readonly Line[]): string {
  const rows = page.split("\n");
  for (const line of lines) {
    const row = rowOf(line);
    const at = rows.findIndex((each) => each.startsWith(`| ${line.what} |`));
    if (at >= 0) rows[at] = row;
    else rows.splice(rows.indexOf("", rows.indexOf("|---|---|---|---|---|")), 0, row);
  }
  return rows.join("\n");
}

function rowOf(line: Line): string {
  const ratio = line.ours / line.theirs;
  const met = ratio <= line.target ? "" : " (missed)";
  return `| ${line.what} | ${amount(line, line.ours)} | ${line.against}: ${amount(line, line.theirs)} | **${asRatio(ratio)}** | ${asRatio(line.target)}${met} |`;
}

/** docs/performance.md. */
export function performancePage(
  lines: readonly Line[],
  { today, machine, node, sops }: Circumstances,
  before = "",
): string {
  // what was measured otherwise stays
  const [, largeRuns = ""] = before.split(/^(?=## Large runs$)/m);
  const rows = lines.map(rowOf);
  return `# Performance

Written by \`npm run bench\` on ${today}: ${machine}, Node ${node}, SOPS ${sops}. CPU time,
user and system. The two programs of a line took turns in one run, and the table has medians. Compare the ratios: the
times are those of one machine, and lines may be of different runs.

| | tsops | compared with | ratio | at most |
|---|---|---|---|---|
${rows.join("\n")}

${PROSE}${largeRuns}`;
}

const PROSE = `## How the program starts quickly

For one small file SOPS is two to three times as fast as the npm program, because Node itself starts slowly. tsops adds
little to that:

- The program is two scripts, not modules: what decrypts a YAML file, and the rest, which is loaded when something of it
  is needed. They run from V8's code cache (\`dist/cache\`). A cache fits one release of Node on one kind of machine. If
  there is none yet, the first run writes it, if it may write there. V8 refuses a cache that does not fit, and the
  launcher looks for one by the hash of the script, so that it never takes that of another build. Why not Node's own
  compile cache: see [below](#the-package-and-its-start).
- Each SDK, yargs and other large packages are scripts of their own (\`dist/parts\`), loaded when they are needed.
- Small files are read and written without handing them to another thread and back, which would take several times as
  long as the work itself.
- Formats and kinds of keys are loaded only by the commands that need them.
- What Node loads late is not asked for without need: \`node:fs/promises\`, \`node:os\`, the tables of Unicode behind
  \`\\p{…}\` in a regular expression.
- The process ends without freeing its heap first, on Node 20 to 24 as soon as the command has ended and nothing is open
  any more. It compiles hot code in its own thread, since the work of other threads would mostly be wasted.

## Large files

Where the time goes with 100,000 values of YAML on Node 20, by the profiles of three runs each (\`node --cpu-prof
bin/tsops.js decrypt FILE\`):

| | decrypt | encrypt |
|---|---|---|
| AES-GCM, in node:crypto | 27 % | 28 % |
| reading YAML | 19 % | 20 % |
| V8's garbage collector | 12 % | 16 % |
| parts of ciphertexts to and from base64 | 11 % | 7 % |
| seal and MAC | 10 % | 8 % |
| the rest: selecting, putting texts together, files, Node's start | 21 % | 21 % |

- Each value has a key, an IV and a path of its own, so each is one call of node:crypto: a quarter of a second for all.
- Encrypting reads three texts: the plaintext; the one with ciphertexts, in which comments can have other paths; and the
  finished file, which is decrypted again and compared. This check is a third of encrypting, and SOPS has none like it.
  Rotating decrypts once more.
- What was cut: the text with the metadata block is read only where the block could change what stands before it. The
  ciphertexts are joined into one text each, and found again by their order. What the first half of encrypting made is
  given up before the check.

## The executable

Its lines are those that say so; \`npm run bench -- start first-use --write\` measures them anew. bun starts in 5 ms, and
node:crypto and node:fs take as long again, so that half of a small decrypt is tsops's own:

- What decrypting a YAML file needs is one chunk, in bytecode; the bytecode of the functions that such a run uses lies
  together in the file.
- Functions have to be called thirty times as often as usual before they are compiled to machine code. Compiling took a
  quarter of a small decrypt; a file of 100,000 values takes a few percent longer so.
- Output goes to descriptors: opening bun's streams took a third of the time.

## First use of a key

The lines above that begin so: one small file with one key is decrypted by both programs in a random order, with the
same server on this machine and the same credentials. What the server costs does not count. To measure them alone:
\`npm run bench -- first-use\`; some of them: \`npm run bench -- first-use=google,azure\`; an installed program: with
\`TSOPS=PATH/bin/tsops.js\` in the environment.

Until 2026-11-28 SDKs were loaded as they are installed, file by file. Runs one after the other on the same machine,
beside SOPS each:

| | before | | now | | now, without code caches |
|---|---|---|---|---|---|
| age | 45 ms | × 2.0 | 58 ms | **× 2.2** | × 3.0 |
| PGP, in process | 123 ms | × 5.1 | 112 ms | **× 3.9** | × 5.4 |
| AWS KMS | 157 ms | × 6.5 | 93 ms | **× 3.4** | × 5.4 |
| Google Cloud KMS (gRPC) | 488 ms | × 12.2 | 163 ms | **× 3.9** | × 5.5 |
| Azure Key Vault, managed identity | 391 ms | × 9.5 | 138 ms | **× 3.4** | × 4.6 |
| Azure Key Vault, service principal | 392 ms | × 9.6 | 146 ms | **× 3.5** | × 5.2 |
| Vault transit | 143 ms | × 5.7 | 71 ms | **× 2.7** | × 4.4 |
| HuaweiCloud KMS | 76 ms | × 2.7 | 73 ms | **× 2.8** | × 3.9 |

The machine was busy, which is why age's own milliseconds differ: taken in turns with the program of before, its time
is the same (86 and 85 ms).

Without code caches is what the first run of a kind costs, and every run where the program may not write its cache: one
that an administrator installed, and that only other users run. There V8 compiles the scripts each time. A run as the
one who installed it, once for each kind of key that is used, writes the caches for all.

What was done: one script for each SDK, with what is used of it alone ([dependencies.md](dependencies.md) says what that
is), no google-gax, no axios, and a code cache for openpgp's own file. Since then openpgp fills its tables only when it
needs them. What is left is Node's own start (twice SOPS's whole run) and what SDKs do when they are run at all. For
Google, TLS is set up twice: gRPC's client cannot give up a connection that it is making, so another tries it first.

`;
