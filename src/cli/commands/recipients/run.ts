import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { statOf } from "../../../files/stat.ts";
import { reportFailures } from "../../failures.ts";
import type { Line } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { RecipientWord } from "../../recipient-word.ts";
import { tell } from "../../report.ts";
import { type EncryptedFile, filesOrAll, type Survey, survey } from "../../survey.ts";
import type { RecipientsRun } from "./command.ts";
import { fileJson, readerJson, recipientsJson } from "./json.ts";
import { fileLines, readerLines, valueLines } from "./lines.ts";
import { readersOf } from "./readable.ts";
import { namedValues, valuesIn } from "./values.ts";

/** `recipients`: who can read what, as files say it themselves. Nothing is decrypted. */
export async function recipients(run: RecipientsRun): Promise<number> {
  const { "who-can-read": what, "files-of": whose } = run.args;
  if (what !== undefined && whose !== undefined)
    throw new TsopsError("usage", "--who-can-read and --files-of cannot be used together", {
      hint: "the first asks for recipients, the second for files",
    });
  if (what !== undefined)
    return isFile(what, run) ? await whoReadsFiles(what, run) : await whoReadsValue(what, run);
  const found = await surveyed(run.args.files, run);
  return whose === undefined ? await allReaders(found, run) : await filesOf(whose, found, run);
}

interface Found extends Survey {
  readonly encrypted: readonly EncryptedFile[];
}

async function surveyed(paths: readonly string[], run: RecipientsRun): Promise<Found> {
  const found = await filesOrAll(paths, run);
  const all = await survey(found, run, "looked at");
  return { ...all, encrypted: all.files.flatMap((file) => (file.state === "encrypted" ? [file] : [])) };
}

/** Prints a result, then what could not be read, which decides about the exit code. */
async function finish(
  found: Found,
  run: RecipientsRun,
  result: { json: object; lines: Line[] },
): Promise<number> {
  const { files, failures } = found;
  // a damaged file keeps what it says of its readers to itself
  const damaged = files.flatMap((file) =>
    file.state === "damaged" ? [{ name: file.file, error: file.error }] : [],
  );
  const all = [...failures, ...damaged];
  if (run.args.json) await writeJson(run.io, recipientsJson(result.json, all));
  else await tell(run.io, result.lines, "stdout");
  await reportFailures(all, run);
  return all.length > 0 ? 1 : 0;
}

async function allReaders(found: Found, run: RecipientsRun): Promise<number> {
  const readers = readersOf(found.encrypted);
  const { verbose } = run.args;
  const lines = readers.flatMap((reader, i) => [
    ...(i === 0 ? [] : [""]),
    ...readerLines(reader, { total: found.encrypted.length, all: verbose }),
  ]);
  return await finish(found, run, {
    json: { recipients: readers.map(readerJson) },
    lines: readers.length === 0 ? ["no encrypted files"] : lines,
  });
}

async function filesOf(whose: string, found: Found, run: RecipientsRun): Promise<number> {
  const word = new RecipientWord(whose);
  const files = found.encrypted.filter(({ groups, settings }) => word.isIn(groups, settings));
  word.refuseUnknown(found.files.map(({ settings }) => settings));
  const meant = readersOf(files).filter(({ key, files: of }) => {
    const names = new Set(of.map(({ file }) => file));
    return files.some(({ file, settings }) => names.has(file) && word.means(key, settings));
  });
  const total = found.encrypted.length;
  const lines = meant.flatMap((reader, i) => [
    ...(i === 0 ? [] : [""]),
    ...readerLines(reader, { total, all: true }),
  ]);
  return await finish(found, run, {
    json: { recipients: meant.map(readerJson) },
    lines: meant.length === 0 ? [`none of ${total} encrypted ${total === 1 ? "file" : "files"}`] : lines,
  });
}

/** A word that is a file, a folder or a pattern. `./KEY` names a file for sure, `["KEY"]` a value. */
function isFile(word: string, { io }: RecipientsRun): boolean {
  return !word.startsWith("[") && (statOf(resolve(io.cwd, word)) !== undefined || /[*?/\\]/.test(word));
}

async function whoReadsFiles(word: string, run: RecipientsRun): Promise<number> {
  // a shell may have made several names of a pattern
  const found = await surveyed([word, ...run.args.files], run);
  const { encrypted, files } = found;
  const plain = files.filter(({ state }) => state === "plaintext");
  if (encrypted.length === 0 && files.length === 0 && found.failures.length === 0)
    throw new TsopsError("no-metadata", "it is not encrypted: whoever has it can read it", {
      place: { file: word },
    });
  return await finish(found, run, {
    json: {
      files: [
        ...encrypted.map((file) => fileJson(file)),
        ...plain.map(({ file }) => ({ file, groups: null })),
      ],
    },
    lines: fileLines(
      encrypted,
      plain.map(({ file }) => file),
      run.io,
    ),
  });
}

async function whoReadsValue(word: string, run: RecipientsRun): Promise<number> {
  const found = await surveyed(run.args.files, run);
  const names = namedValues(word);
  const there = found.encrypted.flatMap((file) => {
    const values = valuesIn(file, names);
    return values.length === 0 ? [] : [{ file, values }];
  });
  if (there.length === 0) throw nothingCalled(word, found);
  return await finish(found, run, {
    json: { files: there.map(({ file, values }) => fileJson(file, values)) },
    lines: valueLines(there, run.io),
  });
}

function nothingCalled(word: string, { encrypted }: Found): TsopsError {
  const recipient = encrypted.some((file) => isRecipient(word, file));
  return new TsopsError("bad-path", "there is no file of this name, and no value in an encrypted file", {
    exit: 1,
    hint: recipient
      ? "it is a recipient: tsops recipients --files-of says what it can read"
      : "keys are case-sensitive; tsops recipients without options lists all files",
  });
}

function isRecipient(word: string, { groups, settings }: EncryptedFile): boolean {
  try {
    return new RecipientWord(word).isIn(groups, settings);
  } catch {
    return false;
  }
}
