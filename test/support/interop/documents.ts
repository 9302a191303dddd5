import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { contentDifference } from "../golden/content.ts";
import { type Outcome, Sides } from "./sides.ts";

interface Document {
  readonly name: string;
  /** The seed, to make it again. */
  readonly seed: number;
  readonly plain: string | Buffer;
}

/** What became of the documents, printed at the end. */
interface Count {
  refusedByBoth: number;
  refusedBySops: number;
  sameBytes: number;
  sameContent: number;
  damagedBySops: number;
}

/**
 * Makes a test of each document: what tsops encrypts SOPS decrypts to the same values and comments as what it
 * encrypts itself; and what SOPS encrypts tsops decrypts to the same content as SOPS does.
 */
export function testDocuments(
  extension: string,
  seeds: readonly number[],
  generate: (seed: number) => string | Buffer,
): void {
  const sides = new Sides();
  const documents: Document[] = seeds.map((seed) => ({
    name: `${seed}.${extension}`,
    seed,
    plain: generate(seed),
  }));
  const count: Count = { refusedByBoth: 0, refusedBySops: 0, sameBytes: 0, sameContent: 0, damagedBySops: 0 };

  test.before(() => prepare(sides, documents));
  for (const document of documents) {
    test(`${extension} document ${document.seed}`, () => new Exchange(sides, document, count).check());
  }
  test(`SOPS accepts nearly all ${extension} documents`, () => {
    const refused = count.refusedByBoth + count.refusedBySops;
    assert.ok(refused <= documents.length * 0.1, `${refused} of ${documents.length} documents are refused`);
  });
  test.after(() => {
    sides.close();
    process.stdout.write(`\n  ${extension}: ${JSON.stringify(count)}\n`);
  });
}

/** Everything that needs no process for each document: tsops takes them all at once. */
function prepare(sides: Sides, documents: readonly Document[]): void {
  for (const { name, plain } of documents) sides.write(name, plain);
  const names = documents.map(({ name }) => name);
  sides.tsopsAll("encrypt", names, "ours");
  const encrypted = names.filter((name) => sides.read("ours", name));
  sides.tsopsAll(
    "decrypt",
    encrypted.map((name) => join("ours", name)),
    "back",
  );
  const theirs: string[] = [];
  for (const { name } of documents) {
    const { code, stdout } = sides.sops(["encrypt", name]);
    if (code !== 0) continue;
    theirs.push(`theirs-${name}`);
    sides.write(`theirs-${name}`, stdout);
  }
  sides.tsopsAll("decrypt", theirs, "read");
}

class Exchange {
  private readonly sides: Sides;
  private readonly document: Document;
  private readonly count: Count;

  constructor(sides: Sides, document: Document, count: Count) {
    this.sides = sides;
    this.document = document;
    this.count = count;
  }

  check(): void {
    const { name } = this.document;
    const { sides } = this;
    const ours = sides.read("ours", name);
    const theirs = sides.read(`theirs-${name}`);
    if (!theirs) {
      if (ours) this.count.refusedBySops++;
      else this.count.refusedByBoth++;
      return;
    }
    assert.ok(ours, `tsops does not encrypt it: ${sides.tsops(["encrypt", name]).stderr}`);
    this.checkOwn();
    const own = sides.sops(["decrypt", `theirs-${name}`]);
    this.checkOurs(own);
    this.checkTheirs(own);
  }

  /** tsops gives back the very bytes. */
  private checkOwn(): void {
    const { name, plain } = this.document;
    const back = this.sides.read("back", "ours", name);
    assert.ok(
      back,
      `tsops does not decrypt its own: ${this.sides.tsops(["decrypt", `ours/${name}`]).stderr}`,
    );
    assert.ok(back.equals(Buffer.from(plain)), "tsops does not give back the bytes that it encrypted");
  }

  /** SOPS decrypts what tsops wrote, to the same values and comments as what it wrote itself. */
  private checkOurs(own: Outcome): void {
    const file = join("ours", this.document.name);
    const got = this.sides.sops(["decrypt", file]);
    assert.is(got.code, 0, `SOPS does not decrypt what tsops encrypted: ${got.stderr}`);
    assert.not.match(got.stdout.toString("latin1"), "ENC[", "SOPS left something encrypted");
    if (own.code === 0 && !this.differs(got, file, own, `theirs-${this.document.name}`)) return;
    const difference = this.differs(got, file, this.readClear(), `clear-${this.document.name}`);
    assert.not(difference, `SOPS reads ${difference}`);
    this.count.damagedBySops++;
  }

  /**
   * How SOPS reads a file in which nothing is encrypted: it cannot decrypt all of its own files, nor all comments, and
   * makes items of empty ones.
   */
  private readClear(): Outcome {
    const { name } = this.document;
    const encrypted = this.sides.sops(["encrypt", "--encrypted-regex", "^no such key$", name]);
    this.sides.write(`clear-${name}`, succeeded(encrypted).stdout);
    return succeeded(this.sides.sops(["decrypt", `clear-${name}`]));
  }

  /** What SOPS finds in one file and not, or not so, in another. */
  private differs(got: Outcome, file: string, want: Outcome, reference: string): string | undefined {
    if (got.stdout.equals(want.stdout)) return undefined;
    const difference = isDeepStrictEqual(this.asJson(file), this.asJson(reference))
      ? contentDifference(got.stdout.toString("latin1"), want.stdout.toString("latin1"), {
          moreComments: true,
        })
      : "other values";
    return difference && `${difference}${sideBySide(got.stdout, want.stdout)}`;
  }

  /** Its values as SOPS prints them; undefined where JSON cannot hold them. */
  private asJson(file: string): unknown {
    const { code, stdout } = this.sides.sops(["decrypt", "--output-type", "json", file]);
    return code === 0 ? JSON.parse(stdout.toString()) : undefined;
  }

  /** tsops decrypts what SOPS wrote, to what SOPS says is in it. */
  private checkTheirs(want: Outcome): void {
    const file = `theirs-${this.document.name}`;
    const got = this.sides.read("read", file);
    assert.ok(
      got,
      `tsops does not decrypt what SOPS encrypted: ${this.sides.tsops(["decrypt", file]).stderr}`,
    );
    if (want.code !== 0) return;
    if (got.equals(want.stdout)) {
      this.count.sameBytes++;
      return;
    }
    const readsAs = ({ stdout }: Outcome): boolean =>
      !contentDifference(got.toString("latin1"), stdout.toString("latin1"), { moreComments: true });
    assert.ok(
      readsAs(want) || readsAs(this.readClear()),
      `tsops reads something else than SOPS${sideBySide(got, want.stdout)}`,
    );
    this.count.sameContent++;
  }
}

function succeeded(outcome: Outcome): Outcome {
  assert.is(outcome.code, 0, outcome.stderr);
  return outcome;
}

/** The lines that differ, for the eye; the documents hold no secrets. */
function sideBySide(got: Buffer, want: Buffer): string {
  const [gotLines, wantLines] = [got, want].map((bytes) => bytes.toString().split("\n"));
  const at = gotLines!.findIndex((line, i) => line !== wantLines![i]);
  const from = Math.max(0, at - 2);
  const part = (lines: string[]): string => lines.slice(from, from + 8).join("\n        ");
  return `\n    line ${at + 1}\n      got\n        ${part(gotLines!)}\n      want\n        ${part(wantLines!)}\n`;
}
