// Makes the pictures of docs/editor.md: drives the program that was built (dist/) in tmux, and writes what is on the screen as SVG.
//
//   node --import tsx scripts/screens.mts           writes docs/pictures/*.svg
//   node --import tsx scripts/screens.mts --check   says whether they are what the program shows
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Pane, quoted } from "../test/support/ui/pane.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = join(ROOT, "bin/tsops.js");
const PICTURES = join(ROOT, "docs/pictures");
const RECIPIENT = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
const COLLEAGUE = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";
const [WIDTH, HEIGHT] = [80, 18];

const [CELL, LINE, MARGIN] = [8.4, 18, 12];
const CLASSES: Record<string, string> = {
  1: "b",
  2: "d",
  7: "i",
  31: "r",
  32: "g",
  33: "y",
  34: "l",
  36: "c",
};

const PLAIN = `# of the shop
database:
  user: shop
  password: correct horse battery
  port_unencrypted: 5432
api:
  - name: payments
    token: tok_4eC39HqLyjWDarjtT1
  - name: mail
    token: tok_9fK20PqMzkXEbsktU2
tls_key: |
  -----BEGIN PRIVATE KEY-----
  MC4CAQAwBQYDK2VwBCIEIE
  -----END PRIVATE KEY-----
`;

/** Longer than from one frame to the next. */
const SETTLED_MS = 300;
const check = process.argv.includes("--check");
const folder = mkdtempSync(join(tmpdir(), "tsops-screens-"));
const wrong: string[] = [];
try {
  await takeAll();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
if (wrong.length > 0) {
  process.stderr.write(
    `docs/pictures: not what the program shows: ${wrong.join(", ")}; run scripts/screens.mts\n`,
  );
  process.exitCode = 1;
}

async function takeAll(): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    // a name that is the same on every machine: a picture shows it
    SOPS_AGE_KEY_FILE: "../age.txt",
    TSOPS_EDITOR: "tui",
    NO_COLOR: undefined,
  };
  const work = join(folder, "shop");
  copyFileSync(join(ROOT, "fixtures/golden/keys/age1.txt"), join(folder, "age.txt"));
  mkdirSync(join(work, "staging"), { recursive: true });
  const tsops = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
      cwd: work,
      env,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`tsops ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  writeFileSync(
    join(work, ".sops.yaml"),
    `creation_rules:\n  - path_regex: \\.yaml$\n    age: ${RECIPIENT},${COLLEAGUE}\n`,
  );
  for (const name of ["production.yaml", "staging/app.yaml", "staging/mail.yaml"])
    writeFileSync(join(work, name), PLAIN);
  tsops("encrypt", "-i", "production.yaml", "staging/app.yaml");
  const base = readFileSync(join(work, "production.yaml"));
  const side = (value: string, name: string): void => {
    writeFileSync(join(work, "production.yaml"), base);
    tsops("set", "production.yaml", '["database"]["password"]', JSON.stringify(value));
    writeFileSync(join(folder, name), readFileSync(join(work, "production.yaml")));
  };
  writeFileSync(join(folder, "base"), base);
  side("changed by a colleague", "theirs");
  side("changed by me", "ours");
  spawnSync(
    process.execPath,
    [PROGRAM, "git", "merge", "../base", "../ours", "../theirs", "--path", "production.yaml"],
    { cwd: work, env },
  );
  writeFileSync(join(work, "production.yaml"), base);
  const pane = await Pane.open({ env, cwd: work, width: WIDTH, height: HEIGHT });
  try {
    await drive(pane, work);
  } finally {
    pane.close();
  }
}

async function drive(pane: Pane, work: string): Promise<void> {
  const program = `${quoted(process.execPath)} ${quoted(PROGRAM)}`;
  const ready = /Enter edit {2}a add/;
  pane.run(`clear; ${program} ui`);
  await pane.until(/PLAIN!/);
  await take(pane, "picker");
  pane.type("produ").keys("Enter");
  await pane.until(ready);
  pane.type("/").type("password").keys("Enter");
  await pane.until(/^> +password[\s\S]*Enter edit {2}a add/m);
  await take(pane, "document");
  pane.type("v");
  await pane.until(/correct horse/);
  pane.keys("Enter");
  await pane.until(/password \(text\)/);
  await take(pane, "edit");
  pane.keys("C-u").type("a better one").keys("Enter");
  await pane.until(/changed, not saved/);
  pane.type("s");
  await pane.until(/1 change/);
  await take(pane, "save");
  pane.keys("Escape");
  await pane.until(ready);
  pane.type("u");
  await pane.until(/undone/);
  pane.type("w");
  await pane.until(/Who can open/);
  await take(pane, "keys");
  pane.keys("Escape");
  await pane.until(ready);
  pane.type("?");
  await pane.until(/type to search/);
  await take(pane, "help");
  pane.keys("Escape");
  await pane.until(ready);
  pane.type("q");
  await pane.until(/open:/);
  pane.keys("C-c");
  await pane.until(/^\$/m);
  writeFileSync(join(work, "production.yaml"), readFileSync(join(folder, "ours")));
  pane.run(`clear; ${program} edit production.yaml`);
  await pane.until(/Conflicts/);
  pane.type("v");
  await pane.until(/changed by a colleague|changed by a coll/);
  await take(pane, "conflicts");
}

/** Writes or compares one picture. */
async function take(pane: Pane, name: string): Promise<void> {
  const svg = svgOf(await settled(pane), `The editor of tsops: ${name}`);
  const file = join(PICTURES, `${name}.svg`);
  if (!check) writeFileSync(file, svg);
  else if (readOr(file) !== svg) wrong.push(name);
}

/** The screen when nothing more is drawn. */
async function settled(pane: Pane): Promise<string> {
  for (let before = ""; ; ) {
    const now = pane.colours;
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A screen with its colours, as a picture that suits light and dark pages. */
function svgOf(screen: string, title: string): string {
  const lines = screen.replace(/\n$/, "").split("\n").slice(0, HEIGHT);
  const [width, height] = [WIDTH * CELL + 2 * MARGIN, HEIGHT * LINE + 2 * MARGIN];
  const rows = lines.map((line, y) => rowOf(line, MARGIN + y * LINE)).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${title}</title>
<style>
svg { --bg: #fff; --fg: #24292f; --d: #6e7781; --r: #cf222e; --g: #1a7f37; --y: #9a6700; --l: #0550ae; --c: #1b7c83; }
@media (prefers-color-scheme: dark) {
svg { --bg: #0d1117; --fg: #e6edf3; --d: #8b949e; --r: #ff7b72; --g: #7ee787; --y: #e3b341; --l: #79c0ff; --c: #76e3ea; }
}
text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: var(--fg); white-space: pre; }
.b { font-weight: bold } .d { fill: var(--d) } .r { fill: var(--r) } .g { fill: var(--g) } .y { fill: var(--y) }
.l { fill: var(--l) } .c { fill: var(--c) } .i { fill: var(--bg) } .bg { fill: var(--fg) } .page { fill: var(--bg) }
</style>
<rect class="page" width="100%" height="100%" rx="6"/>
${rows}</svg>
`;
}

/** One line: its pieces stand where they stand on the screen, whatever the font of the reader. */
function rowOf(line: string, y: number): string {
  let [column, out] = [0, ""];
  let styles = new Set<string>();
  for (const [, codes, text] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      for (const code of (codes || "0").split(";")) styles = styled(styles, code);
      continue;
    }
    const x = (MARGIN + column * CELL).toFixed(1);
    const length = [...text].length;
    if (styles.has("i"))
      out += `<rect class="bg" x="${x}" y="${y}" width="${(length * CELL).toFixed(1)}" height="${LINE}"/>\n`;
    if (text.trim() !== "") {
      const name = styles.size === 0 ? "" : ` class="${[...styles].join(" ")}"`;
      out += `<text${name} x="${x}" y="${y + 13}" textLength="${(length * CELL).toFixed(1)}">${escaped(text)}</text>\n`;
    }
    column += length;
  }
  return out;
}

/** The styles after a code: some take others away. */
function styled(styles: ReadonlySet<string>, code: string): Set<string> {
  const ends: Record<string, string> = { 0: "bdirgylc", 22: "bd", 27: "i", 39: "rgylc" };
  const name = CLASSES[code];
  const left = [...styles].filter((one) => !(ends[code] ?? "").includes(one));
  return new Set(name === undefined ? left : [...left, name]);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
