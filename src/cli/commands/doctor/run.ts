import { resolve } from "node:path";
import { cachedText } from "../../../check/git.ts";
import type { Drift } from "../../../config/drift.ts";
import { Configurations } from "../../../config/find.ts";
import { masterKeys } from "../../../config/groups.ts";
import { TsopsError } from "../../../errors.ts";
import { mapFiles } from "../../../files/batch.ts";
import { append } from "../../../formats/append.ts";
import { decodeText } from "../../../formats/text.ts";
import { repositoryAt } from "../../../git/repository.ts";
import { cachedTexts } from "../../../git/textconv-cache.ts";
import { keepFromPrograms } from "../../../keys/environment.ts";
import { textField } from "../../../keys/fields.ts";
import { describeKey, groupsFromMetadata } from "../../../keys/groups.ts";
import type { Examination, KeyContext, KeyGroup, KeyService, MasterKey } from "../../../keys/kind.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import { inDecryptionOrder, kindNamed } from "../../../keys/table.ts";
import { describeDrift } from "../../drift.ts";
import { type Failure, reportFailures } from "../../failures.ts";
import { readEncryptedAs, readInput } from "../../files.ts";
import { encryptedFiles } from "../../found.ts";
import { clearPassing, type Io, type Line, type Painted } from "../../io.ts";
import { jobsFor } from "../../jobs.ts";
import { driftJson, failureJson, keyJson, writeJson } from "../../json.ts";
import { Progress } from "../../progress.ts";
import { nameOfKey } from "../../recipients.ts";
import { differenceLine, exitCodeOf, note, tell } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { type Settings, settingsForReading } from "../../settings.ts";
import { adviceForStranger } from "../../stranger.ts";
import { driftOf } from "../../vouch.ts";
import type { DoctorRun } from "./command.ts";

/**
 * `doctor`: for each key that files need, or that the configuration names, whether this machine can use it and why not.
 * Nothing is decrypted, and nobody is asked. Exit code 128 if a file cannot be opened here.
 */
export async function doctor(run: DoctorRun): Promise<number> {
  const session = await sessionOf(run, { asks: false });
  const { context, order = [], local = true, services = [] } = session;
  const given = run.args.files;
  const careful = { ...context, prompt: undefined, keeper: undefined, offline: given.length === 0 };
  const examine = local ? examiner(careful) : async () => NOT_USED;
  await noteCachedTexts(run);
  if (given.length === 0) return await examineConfiguration(run, examine);
  const names = await encryptedFiles(given, run);
  const means = { context, order, local, services, examine };
  const found = await examineFiles(names, run, means);
  const reports = found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failures = found.flatMap((result, i): Failure[] =>
    result.status === "rejected" ? [{ name: names[i]!, error: result.reason }] : [],
  );
  if (run.args.json) {
    const of = (result: (typeof found)[number], name: string) =>
      result.status === "fulfilled" ? reportJson(result.value) : failureJson({ name, error: result.reason });
    await writeJson(run.io, { files: found.map((result, i) => of(result, names[i]!)) });
  } else await tellReports(reports, run.io);
  await reportFailures(failures, run);
  if (names.length > 1) await note(run.io, summaryOf(reports, failures.length));
  const closed = reports.some(({ opens }) => opens === false) ? 128 : 0;
  return failures.reduce((exit, { error }) => Math.max(exit, exitCodeOf(error)), closed);
}

/** Files of the same keys, of which the same can be said, stand together above those keys. */
async function tellReports(reports: readonly Report[], io: Io): Promise<void> {
  const alike = new Map<string, { heads: Line[]; lines: Line[] }>();
  for (const report of reports) addReport(alike, report);
  for (const { heads, lines } of alike.values()) await tell(io, [...heads, ...lines], "stdout");
  if (reports.some(({ opens }) => opens !== false)) await tell(io, [NOT_TRIED], "stdout");
}

const NOT_TRIED = "Nothing was decrypted: tsops decrypt --check says whether files are whole.";

/** `298 of 300 files can be opened here, 2 cannot`. */
function summaryOf(reports: readonly Report[], failed: number): string {
  const count = (wanted: Report["opens"]) => reports.filter(({ opens }) => opens === wanted).length;
  const counts = [
    [count(undefined), "perhaps"],
    [count(false), "cannot"],
    [failed, "failed"],
  ] as const;
  const others = counts.flatMap(([number, what]) => (number > 0 ? [`, ${number} ${what}`] : []));
  return `${count(true)} of ${reports.length + failed} files can be opened here${others.join("")}`;
}

/** git may keep plaintext of the repository's files, whoever can use their keys. */
async function noteCachedTexts({ io }: DoctorRun): Promise<void> {
  // a repository that git refuses is no matter of keys: `check` and `git status` say so
  const repository = await repositoryAt(io.cwd, io.env).catch(() => undefined);
  if (!repository) return;
  for (const cached of await cachedTexts(repository)) {
    const { message, hint = "" } = cachedText(cached);
    await note(io, `warning: ${message}`, ...hint.split("\n"));
  }
}

/** Side by side; results are in the order of the files. */
async function examineFiles(
  names: readonly string[],
  run: DoctorRun,
  means: Means,
): Promise<PromiseSettledResult<Report>[]> {
  const progress = new Progress(run.io);
  let done = 0;
  const all = await mapFiles(names, await jobsFor(names.length, run), async (name) => {
    const report = await examineFile(name, run, means);
    await progress.show({ what: "looked at", total: names.length, done: ++done });
    return report;
  });
  await clearPassing();
  return all;
}

function addReport(reports: Map<string, { heads: Line[]; lines: Line[] }>, report: Report): void {
  const [head, ...lines] = reportLines(report) as [Line, ...Line[]];
  const what = JSON.stringify([report.opens, lines]);
  const there = reports.get(what);
  if (there) there.heads.push(head);
  else reports.set(what, { heads: [head], lines });
}

type Examine = (key: MasterKey) => Promise<Examination>;

interface Means {
  readonly context: KeyContext;
  readonly order: readonly string[];
  readonly local: boolean;
  readonly services: readonly KeyService[];
  readonly examine: Examine;
}

const NOT_USED: Examination = {
  usable: false,
  lines: ["the keys of this machine are not used: --enable-local-keyservice (SOPS_ENABLE_LOCAL_KEYSERVICE)"],
};

/**
 * Each key is examined once a run, however many files name it, where the answer is about the key, the access to it or the
 * network. What it wrapped for one file may be damaged, and then says nothing of the others.
 */
function examiner(context: KeyContext): Examine {
  const answers = new Map<string, Map<string, Examination>>();
  // files are looked at side by side, and whoever comes second waits for the first answer
  const turns = new Map<string, Promise<unknown>>();
  return async (key) => {
    const kind = kindNamed(key.kind);
    const enc = textField(key.fields, "enc");
    const name = JSON.stringify([kind.name, key.id, kind.examinedFor ? kind.examinedFor(key) : enc]);
    const asked = answers.get(name) ?? new Map<string, Examination>();
    answers.set(name, asked);
    const examine = async (): Promise<Examination> => {
      const known = asked.get(enc) ?? [...asked.values()].find(({ ofWrapped }) => !ofWrapped);
      if (known) return known;
      const found = await (await kind.use()).examine(key, context);
      asked.set(enc, found);
      return found;
    };
    const turn = (turns.get(name) ?? Promise.resolve()).then(examine);
    turns.set(
      name,
      turn.catch(() => undefined),
    );
    return await turn;
  };
}

/** What was found out about a file. */
interface Report {
  readonly file: string;
  readonly opens: boolean | undefined;
  /** How many of the groups are needed. */
  readonly needed: number;
  readonly groups: readonly (readonly KeyReport[])[];
  readonly drift: Drift | undefined;
  readonly services: readonly string[];
  /** What to do where it cannot be opened. */
  readonly advice: readonly string[];
  readonly settings: Settings;
}

type KeyReport = Examination & { readonly key: MasterKey };

async function examineFile(
  name: string,
  run: DoctorRun,
  { context, order, local, services, examine }: Means,
): Promise<Report> {
  const { bytes } = await readInput(name, run.io);
  const { metadata, format } = await readEncryptedAs(decodeText(bytes), name, run.args);
  const settings = await settingsForReading(resolve(run.io.cwd, name), run);
  const { groups, threshold } = groupsFromMetadata(metadata.tree);
  keepFromPrograms(groups, context);
  const results = await Promise.all(
    groups.map((group) =>
      Promise.all(inDecryptionOrder(group, order).map(async (key) => ({ key, ...(await examine(key)) }))),
    ),
  );
  const needed = groupsNeeded(groups, threshold);
  const here = verdict(results, needed);
  return {
    file: name,
    opens: here === false && services.length > 0 ? undefined : here,
    needed,
    groups: results,
    drift: await driftOf({ groups, threshold, metadata, format }, settings, run.io),
    services: services.map((service) => service.name),
    advice: here === false && local ? await adviceForStranger(groups, settings.config, context) : [],
    settings,
  };
}

function reportLines(report: Report): Line[] {
  const { file, opens, needed, groups, drift, services, advice, settings } = report;
  const count = groups.length > 1 ? `; ${needed} of its ${groups.length} key groups are needed` : "";
  const lines: Line[] = [`${file}: ${OPENS.get(opens)}${count}`];
  if (drift) {
    const [what, ...more] = describeDrift(drift, settings);
    lines.push(`  it ${what}`);
    append(
      lines,
      more.map((line) => differenceLine(`    ${line}`)),
    );
  }
  for (const [i, keys] of groups.entries()) {
    if (groups.length > 1) lines.push(`  key group ${i + 1}`);
    for (const result of keys) append(lines, keyLines(result, settings));
  }
  // their protocol has no question that would be answered without unwrapping
  for (const service of services)
    lines.push(`  ? key service ${service}`, "      it is asked only when a file is decrypted");
  append(
    lines,
    advice.map((line) => `  ${line}`),
  );
  return lines;
}

function reportJson({ file, opens, needed, groups, drift, services, advice, settings }: Report) {
  return {
    file,
    opens: opens ?? null,
    groupsNeeded: needed,
    groups: groups.map((keys) => keys.map((result) => resultJson(result, settings))),
    drift: driftJson(drift, settings),
    keyServices: services,
    advice,
  };
}

function resultJson({ key, usable, lines }: KeyReport, settings: Pick<Settings, "config">) {
  return { ...keyJson(key, settings), usable: usable ?? null, why: lines };
}

const OPENS: ReadonlyMap<boolean | undefined, string> = new Map([
  [true, "can be opened here"],
  [false, "cannot be opened here"],
  [undefined, "can perhaps be opened here"],
]);

/** Whether enough groups have a key that works; undefined if that depends on keys of which it is not known. */
function verdict(groups: readonly (readonly Examination[])[], needed: number): boolean | undefined {
  const sure = groups.filter((keys) => keys.some(({ usable }) => usable === true)).length;
  const possible = groups.filter((keys) => keys.some(({ usable }) => usable !== false)).length;
  if (sure >= needed) return true;
  return possible >= needed ? undefined : false;
}

function keyLines({ key, usable, lines }: KeyReport, settings: Pick<Settings, "config">): Line[] {
  const name = nameOfKey(key, settings);
  const [mark, colour] = MARKS.get(usable)!;
  const text = `  ${mark} ${describeKey(key)}${name === undefined ? "" : ` (${name})`}`;
  return [{ text, colour, head: `  ${mark}` }, ...lines.map((line) => `      ${line}`)];
}

const MARKS: ReadonlyMap<boolean | undefined, readonly [string, Painted["colour"]]> = new Map([
  [true, ["+", "green"]],
  [false, ["-", "red"]],
  [undefined, ["?", "yellow"]],
]);

/** Without files: every key that the configuration names, each once. Nothing is sent: nobody asked for its servers. */
async function examineConfiguration(run: DoctorRun, examine: Examine): Promise<number> {
  const { config } = await new Configurations({
    cwd: run.io.cwd,
    env: run.io.env,
    option: run.args.config,
  }).load();
  if (!config) {
    throw new TsopsError("config", "there is no configuration and no file was named", {
      hint: "name an encrypted file, or go to a folder with a .sops.yaml or .sopsrc",
    });
  }
  const [error] = config.errors;
  if (error) throw error;
  const refs = [
    ...config.names.map(({ key }) => key),
    ...(config.rules ?? []).flatMap(({ groups }) => groups.flat()),
  ];
  const keys = new Map(refs.flatMap((ref) => masterKeys(ref)).map((key) => [describeKey(key), key]));
  const group: KeyGroup = [...keys.values()];
  const results = await Promise.all(group.map(async (key) => ({ key, ...(await examine(key)) })));
  if (run.args.json) {
    await writeJson(run.io, {
      configuration: config.path,
      keys: results.map((key) => resultJson(key, { config })),
    });
    return 0;
  }
  const count = (wanted: boolean | undefined) => results.filter(({ usable }) => usable === wanted).length;
  const perhaps = count(undefined) > 0 ? `, ${count(undefined)} perhaps` : "";
  const lines: Line[] = [`${config.path}: ${count(true)} of ${group.length} keys can be used here${perhaps}`];
  for (const result of results) append(lines, keyLines(result, { config }));
  await tell(run.io, lines, "stdout");
  return 0;
}
