import { createHash } from "node:crypto";
import { dirname, join, relative, resolve, sep } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { createFile } from "../../../files/atomic.ts";
import { readDocument } from "../../../files/read.ts";
import { statOf } from "../../../files/stat.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import type { KeyGroup } from "../../../keys/kind.ts";
import { looksEncrypted } from "../../../sops/cipher.ts";
import type { EncryptedText } from "../../../sops/decrypt.ts";
import { ADD_REMOVE } from "../../options.ts";
import type { RotateRun } from "./command.ts";

/*
 * A plan is the list of files to rotate, made once. It is never written again: whether a file was rotated since then, the file
 * itself says. So a run may be killed at any moment, and the next one goes on with what is left.
 */

export interface Plan {
  /** RFC 3339. */
  readonly made: string;
  /** What was asked for: the same command goes on, another one is refused. */
  readonly asked: Asked;
  readonly files: readonly PlannedFile[];
}

export interface Asked {
  readonly paths: readonly string[];
  readonly where: readonly string[];
  /** What is to change besides the data key, as a hash: it may be long. */
  readonly changes: string;
}

export interface PlannedFile {
  /** Below the folder of the plan, with `/`. */
  readonly file: string;
  /** What a new data key replaces: see {@link marksOf}. */
  readonly marks: readonly string[];
}

const VERSION = 1;
/** Values of a file that are looked at: a change of so many leaves others, or the wrapped keys. */
const VALUES = 5;

/**
 * Hashes of a file's wrapped data keys and of some ciphertexts. With a new data key each of them is another one, while SOPS's
 * updatekeys replaces only the first, and edits only the second.
 */
export function marksOf({
  groups,
  reading,
}: { groups: readonly KeyGroup[] } & Pick<EncryptedText, "reading">): string[] {
  const wrapped = groups.flat().map(({ fields }) => String(fields.get("enc") ?? ""));
  const values: string[] = [];
  for (const { value } of reading.entries) {
    if (values.length === VALUES) break;
    if (typeof value === "string" && looksEncrypted(value)) values.push(value);
  }
  return [...new Set([...wrapped, ...values].filter((text) => text !== "").map(hashOf))];
}

/** Whether a file has another data key than it had when the plan was made. */
export function isRotated({ marks }: PlannedFile, now: Parameters<typeof marksOf>[0]): boolean {
  const left = new Set(marksOf(now));
  return marks.length > 0 && !marks.some((mark) => left.has(mark));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export function askedBy({ args }: Pick<RotateRun, "args">): Asked {
  const changing = [...Object.keys(ADD_REMOVE), "update-selector"] as (keyof typeof args)[];
  const changes = changing
    .map((name) => [name, args[name]])
    .filter(([, value]) => value && String(value) !== "");
  const older = args["older-than"];
  return {
    paths: args.files,
    where: [...args.where, ...(older === undefined ? [] : [`older-than=${older}`])],
    changes: hashOf(JSON.stringify(changes)),
  };
}

export function planExists(path: string): boolean {
  return statOf(path) !== undefined;
}

export async function writePlan(path: string, plan: Plan): Promise<void> {
  const text = `${JSON.stringify({ tsops: "rotate", version: VERSION, ...plan }, null, 1)}\n`;
  await createFile(path, encodeText(text), { plaintext: false });
}

/** @throws TsopsError("usage") if it is not a plan, or one of something else than what is asked for now. */
export async function readPlan(path: string, shown: string, asked: Asked): Promise<Plan> {
  const plan = parsed(decodeText((await readDocument(path)).bytes));
  if (!plan) {
    throw new TsopsError("usage", "this file is not a plan of rotate", {
      place: { file: shown },
      hint: "--plan takes a file that is not there yet, or one that it wrote",
    });
  }
  const other = (["paths", "where", "changes"] as const).find((part) =>
    differs(asked[part], plan.asked[part]),
  );
  if (other === undefined) return plan;
  throw new TsopsError("usage", `the plan was made with other ${OTHERS[other]}`, {
    place: { file: shown },
    hint: "run the command that made it, or remove it for a new plan",
  });
}

const OTHERS = {
  paths: "files",
  where: "conditions (--where, --older-than)",
  changes: "changes (--add-…, --rm-…, --update-selector)",
} as const;

/** Files and conditions need not be said again; the changes do, since they decide who can read the files. */
function differs(asked: string | readonly string[], planned: string | readonly string[]): boolean {
  return asked.length > 0 && JSON.stringify(asked) !== JSON.stringify(planned);
}

function parsed(text: string): Plan | undefined {
  try {
    const found = JSON.parse(text) as Partial<Plan> & { tsops?: unknown; version?: unknown };
    const { made, asked, files } = found;
    const whole =
      found.tsops === "rotate" &&
      found.version === VERSION &&
      typeof made === "string" &&
      isTexts(asked?.paths) &&
      isTexts(asked?.where) &&
      typeof asked?.changes === "string" &&
      Array.isArray(files) &&
      files.every((item) => typeof item?.file === "string" && isTexts(item.marks));
    return whole ? { made: made!, asked: asked!, files: files! } : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** A file's name in a plan, and back. */
export function plannedName(plan: string, file: string, cwd: string): string {
  return relative(dirname(plan), resolve(cwd, file)).replaceAll(sep, "/");
}

export function nameFromPlan(plan: string, name: string, cwd: string): string {
  return relative(cwd, join(dirname(plan), name));
}
