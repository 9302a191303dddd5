import { type Entry, type PathElement, pathOf, type Reading } from "../../formats/format.ts";
import { formatPath } from "../../formats/path.ts";
import { printable, shellQuoted } from "../../printable.ts";
import { looksEncrypted } from "../../sops/cipher.ts";
import { type Finding, finding, type Lines } from "../finding.ts";
import { assignmentsIn } from "./assignments.ts";
import type { DeepScan, Span } from "./deep.ts";
import { type Named, type SecretName, secretName } from "./names.ts";
import { isPlaceholder, isProse } from "./placeholders.ts";
import { looksRandom } from "./random.ts";
import { type Hit, shapesIn } from "./shapes.ts";

/** What looks like a secret in what stays plain. */

export interface PlainText {
  readonly name: string;
  readonly lines: Lines;
  /** What the file says, where its format is known. */
  readonly reading?: Reading;
  /** Whether an entry stays plain: of what is encrypted, or will be, nothing is said. Default: all do. */
  readonly staysPlain?: (entry: Entry) => boolean;
  /** Whether the file is encrypted, or is to be: what is found stays plain because of its name. */
  readonly covered: boolean;
}

/** @param deep a second opinion; what it finds is reported where we did not find it. */
export async function secretsIn(plain: PlainText, deep?: DeepScan): Promise<Finding[]> {
  const { text, offsetOf } = withoutSpans(plain.lines.text, hiddenIn(plain));
  const placed = <T extends Span>(span: T): T => {
    const start = offsetOf(span.start);
    return { ...span, start, end: start + span.end - span.start };
  };
  const hits = (await shapesIn(text)).map(placed);
  const names = named(plain, hits);
  const found: readonly Span[] = [...hits, ...names.map(({ item }) => item)];
  const others = deep ? (await deep(text, plain.name)).map(placed) : [];
  return [
    ...hits.map((hit) => shapeFinding(hit, plain)),
    ...names.map((name) => nameFinding(name, plain)),
    ...others
      .filter((hit) => !found.some((span) => overlap(span, hit)))
      .map((hit) => deepFinding(hit, plain)),
  ];
}

function overlap(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Where nothing is looked for: ciphertexts, metadata, values that will be encrypted. */
function hiddenIn({ reading, staysPlain = () => true }: PlainText): Span[] {
  if (!reading) return [];
  const covered = reading.entries.filter((entry) => !staysPlain(entry) || isCipher(entry));
  return [...covered, ...(reading.metadata?.entries ?? [])].sort((a, b) => a.start - b.start);
}

function isCipher({ value }: Entry): boolean {
  return typeof value === "string" && looksEncrypted(value);
}

/** A text with a line break in the place of each span, and where what is left of it stood. */
function withoutSpans(whole: string, spans: readonly Span[]): { text: string; offsetOf(at: number): number } {
  if (spans.length === 0) return { text: whole, offsetOf: (at) => at };
  const parts: string[] = [];
  const starts: { at: number; offset: number }[] = [];
  let length = 0;
  let from = 0;
  const keep = (to: number): void => {
    starts.push({ at: length, offset: from });
    const part = `${whole.slice(from, to)}\n`;
    parts.push(part);
    length += part.length;
  };
  for (const { start, end } of spans) {
    if (start > from) keep(start);
    from = Math.max(from, end);
  }
  keep(whole.length);
  const offsetOf = (at: number): number => {
    const part = starts.findLast((start) => start.at <= at)!;
    return part.offset + at - part.at;
  };
  return { text: parts.join(""), offsetOf };
}

function shapeFinding(hit: Hit, plain: PlainText): Finding {
  const { rule, what, name, start, end } = hit;
  const size = rule === "vendor-token" ? ` (${end - start} characters)` : "";
  const { path, where } = placeIn(plain, hit);
  return finding(rule, {
    file: plain.name,
    at: plain.lines.at(start),
    path,
    what,
    message: `${where} ${name}${size}, in plaintext`,
    hint: howToMend(plain),
  });
}

function deepFinding(hit: Span & { readonly what: string }, plain: PlainText): Finding {
  const { start, what } = hit;
  const { path, where } = placeIn(plain, hit);
  return finding("secretlint", {
    file: plain.name,
    at: plain.lines.at(start),
    path,
    what,
    message: `${where} a secret in plaintext, says secretlint's rule ${what}`,
    hint: howToMend(plain),
  });
}

/** The value that something stands in. */
function placeIn({ reading }: PlainText, hit: Span): { path?: PathElement[]; where: string } {
  const entry = reading?.entries.find((other) => overlap(other, hit));
  if (entry?.kind !== "value") return { where: "this is" };
  const path = pathOf(entry);
  return { path, where: `the value at ${formatPath(path)} holds` };
}

function howToMend({ name, covered }: PlainText): string {
  const file = shellQuoted(printable(name));
  if (covered) {
    return (
      `give it a name that the file's selector encrypts: tsops edit ${file}\n` +
      "then change it where it is used; if it is no secret, add it to a baseline (see tsops check --help)"
    );
  }
  return (
    `move it into a file that a creation rule covers, or encrypt this one: tsops encrypt -i ${file}\n` +
    "then change it where it is used; if it is no secret, put tsops:allow into a comment on its line"
  );
}

interface NamedSecret {
  readonly item: Named;
  readonly random: boolean;
}

/** Values whose names are those of secrets, but for what was found by its form. */
function named(plain: PlainText, hits: readonly Hit[]): NamedSecret[] {
  const items = plain.reading ? entriesNamed(plain) : assignmentsIn(plain.name, plain.lines.text);
  return items.flatMap((item) => {
    const name = item.entry && inKubernetesSecret(item.entry, plain) ? KUBERNETES : secretName(item.key);
    if (!name || !mayBeSecret(item.value, name)) return [];
    const random = typeof item.value === "string" && looksRandom(item.value);
    if (name.randomOnly && !random) return [];
    return hits.some((hit) => overlap(hit, item)) ? [] : [{ item, random }];
  });
}

function nameFinding({ item: { key, start, entry }, random }: NamedSecret, plain: PlainText): Finding {
  const path = entry && pathOf(entry);
  const where = path ? `the value at ${formatPath(path)}` : `the value of ${printable(key)}`;
  const why = random ? "looks random, with the name of a secret" : "has the name of a secret";
  return finding(random ? "secret-value" : "secret-name", {
    file: plain.name,
    at: plain.lines.at(start),
    path,
    ...(path ? {} : { what: printable(key) }),
    message: `${where} is in plaintext, and ${why}`,
    hint: howToMend(plain),
  });
}

function mayBeSecret(value: Named["value"], { number }: SecretName): boolean {
  if (typeof value !== "string") return number;
  return !isPlaceholder(value) && !isProse(value);
}

/** Values by the innermost key that is a text: those of a list by the key of the list. */
function entriesNamed({ reading, staysPlain = () => true }: PlainText): Named[] {
  return reading!.entries.flatMap((entry): Named[] => {
    const { kind, value, start, end } = entry;
    const plain = kind === "value" && !entry.alias && staysPlain(entry) && !isCipher(entry);
    if (!plain || (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint"))
      return [];
    const key = nameOf(entry);
    return key === undefined || isSealedElsewhere(entry) ? [] : [{ key, value, start, end, entry }];
  });
}

function nameOf(entry: Entry): string | undefined {
  if (typeof entry.key === "string") return entry.key;
  for (let holder = entry.in; holder; holder = holder.parent)
    if (typeof holder.key === "string") return holder.key;
  return undefined;
}

/** Values of a SealedSecret are encrypted in a way of its own. */
function isSealedElsewhere(entry: Entry): boolean {
  return pathOf(entry).includes("encryptedData");
}

const KUBERNETES: SecretName = { randomOnly: false, number: true };
/** The values of these fields are secrets, whatever they are called. */
const SECRET_FIELDS: readonly unknown[] = ["data", "stringData"];

function inKubernetesSecret(entry: Entry, plain: PlainText): boolean {
  return SECRET_FIELDS.includes(pathOf(entry)[0]) && kubernetesSecrets(plain).has(entry.in?.document ?? 0);
}

const known = new WeakMap<Reading, ReadonlySet<number>>();

/** Which documents of a file are Secrets of Kubernetes. */
function kubernetesSecrets({ reading }: PlainText): ReadonlySet<number> {
  let documents = known.get(reading!);
  if (!documents) {
    const kinds = reading!.entries.filter(({ key, value, in: holder }) => {
      return key === "kind" && value === "Secret" && holder?.parent === undefined;
    });
    known.set(reading!, (documents = new Set(kinds.map((entry) => entry.in?.document ?? 0))));
  }
  return documents;
}
