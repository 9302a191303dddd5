import { changed, EXIT_CODES, type TsopsError } from "../../errors.ts";
import { buildTrees } from "../build.ts";
import {
  type Container,
  childContainer,
  type Entry,
  type MetadataBlock,
  type PathElement,
  type Reading,
  rootContainer,
} from "../format.ts";
import type { Scalar } from "../scalar.ts";
import { placeOf } from "../text.ts";
import { MAX_DEPTH } from "../tree.ts";
import { CommentPlacer } from "./comments.ts";
import type { Dialect } from "./dialect.ts";
import { type Scanner, syntaxError, type TokenKind } from "./scan.ts";

/** Length of `//` and of the start of a block comment. */
const COMMENT_MARK = 2;

const ONE_OBJECT = "a file holds one object; JSON Lines can be encrypted as a whole: --input-type binary";

/** A reading of a JSON or JSON5 text. */
export interface ObjectReading extends Reading {
  /** The root object; its span is known. */
  readonly root: Container;
}

/** The reading as {@link readObject} gave it, or else read again. */
export function objectReading(reading: Reading, dialect: Dialect): ObjectReading {
  return isObjectReading(reading) ? reading : readObject(reading.text, dialect);
}

function isObjectReading(reading: Reading): reading is ObjectReading {
  return "root" in reading;
}

/** Reads a whole text. @throws TsopsError("parse") with the place. */
export function readObject(text: string, dialect: Dialect): ObjectReading {
  const reading = new ObjectReader(text, dialect).read();
  const mayHoldComments = reading.metadata && !dialect.comments && text.includes(COMMENT_TYPE);
  return mayHoldComments ? new ObjectReader(text, dialect, true).read() : reading;
}

const COMMENT_TYPE = ",type:comment]";

/** A collection that is open at the moment. */
interface Frame {
  readonly container: Container;
  readonly close: "}" | "]";
  readonly keys: Set<string> | undefined;
  count: number;
  /** The collection holds a comment, and so is not empty. */
  commented: boolean;
  /** Offset of a comma that nothing followed yet. */
  comma: number | undefined;
  /** A comment in the place of an item: its span ends where the next item starts. */
  comment: { end: number } | undefined;
}

class ObjectReader {
  private readonly text: string;
  private readonly dialect: Dialect;
  /**
   * Whether items of arrays may be comments: what SOPS makes of a YAML list with comments (`encrypt --output-type json`).
   * JSON has none, so the plaintext is without them.
   */
  private readonly itemComments: boolean;
  private readonly scanner: Scanner;
  private readonly frames: Frame[] = [];
  private readonly entries: Entry[] = [];
  private readonly duplicates: number[] = [];
  private readonly comments = new CommentPlacer();
  /** Where entries go now: the document's, or the metadata's while its block is open. */
  private sink = this.entries;
  private metadata: MetadataBlock | undefined;
  private root = rootContainer();

  constructor(text: string, dialect: Dialect, itemComments = false) {
    this.text = text;
    this.dialect = dialect;
    this.itemComments = itemComments;
    this.scanner = dialect.scan(text);
  }

  read(): ObjectReading {
    this.openRoot();
    while (this.frames.length > 0) this.step();
    this.afterRoot();
    const { text, entries, metadata, root } = this;
    const duplicates = this.duplicates.length > 0 ? this.duplicates : undefined;
    return { text, entries, documents: 1, metadata, duplicates, root };
  }

  private openRoot(): void {
    const kind = this.next();
    if (kind === "{") {
      this.open(this.root, kind);
      return;
    }
    const { start } = this.scanner;
    if (kind === "end") {
      throw this.error(start, "the file is empty", "an empty document is written {}");
    }
    const what = kind === "[" ? "an array" : "a single value";
    // docs/internals/sops.md §6: SOPS refuses these as well.
    throw this.error(
      start,
      `the file holds ${what}, and only an object can be encrypted by its values`,
      "wrap it in an object, or encrypt the whole file: --input-type binary",
    );
  }

  /** One member or item up to its comma, the opening of a collection, or the closing bracket. */
  private step(): void {
    const frame = this.frames.at(-1)!;
    const kind = this.next();
    if (kind === frame.close) {
      if (frame.comma !== undefined && !this.dialect.trailingCommas) {
        throw this.error(
          frame.comma,
          "there is a comma after the last entry",
          "remove the comma; JSON5 allows it",
        );
      }
      this.close();
      this.afterValue();
      return;
    }
    const key = frame.keys ? this.key(frame) : frame.count;
    const isBlock = key === "sops" && this.frames.length === 1;
    const { comma } = frame;
    const { scanner } = this;
    if (frame.comment) frame.comment.end = scanner.start;
    frame.comment = undefined;
    frame.count++;
    frame.comma = undefined;
    if (this.itemComments && !frame.keys && this.isCipherComment()) this.itemComment(frame, comma);
    else if (isBlock) this.openMetadata(frame);
    else if (scanner.kind === "{" || scanner.kind === "[") {
      const child = childContainer(scanner.kind === "{" ? "map" : "list", frame.container, key);
      this.open(child, scanner.kind);
    } else {
      this.sink.push(this.scalar(frame.container, key));
      this.comments.afterEntry(this.sink, frame.container);
      this.afterValue();
    }
  }

  /** Reads key and colon, and goes on to the value. */
  private key(frame: Frame): string {
    const { scanner } = this;
    const { start } = scanner;
    const name = scanner.kind === "end" ? undefined : scanner.name();
    if (name === undefined) throw this.unexpected("a key was expected here", "keys need double quotes");
    if (frame.keys!.has(name)) {
      if (name === "sops" && this.frames.length === 1) {
        throw this.error(start, "there are two entries named sops", "compare the file with git's history");
      }
      this.duplicates.push(start);
    }
    frame.keys!.add(name);
    if (this.next() !== ":") throw this.unexpected("a colon was expected after the key");
    this.next();
    return name;
  }

  private scalar(container: Container, key: PathElement): Entry {
    const { scanner } = this;
    const { kind, start, end } = scanner;
    if (kind !== "string" && kind !== "number" && kind !== "word") {
      throw this.unexpected("a value was expected here");
    }
    const value: Scalar = scanner.scalar();
    return { kind: "value", in: container, key, value, start, end };
  }

  private isCipherComment(): boolean {
    if (this.sink !== this.entries || this.scanner.kind !== "string") return false;
    const text = String(this.scanner.scalar());
    return text.startsWith("ENC[AES256_GCM,") && text.endsWith(COMMENT_TYPE);
  }

  /** The span takes a comma with it: that before the comment or, where no item is before it, that behind it. */
  private itemComment(frame: Frame, comma: number | undefined): void {
    const { scanner } = this;
    frame.count--;
    frame.commented = true;
    const start = frame.count > 0 && comma !== undefined ? comma : scanner.start;
    const comment = {
      kind: "comment" as const,
      in: frame.container,
      key: undefined,
      value: scanner.scalar(),
      start,
      end: scanner.end,
      item: true as const,
    };
    if (frame.count === 0) frame.comment = comment;
    this.sink.push(comment);
    this.afterValue();
  }

  private open(container: Container, bracket: "{" | "["): void {
    const { start } = this.scanner;
    if (this.frames.length >= MAX_DEPTH) {
      throw this.error(start, `this is nested deeper than ${MAX_DEPTH} levels`);
    }
    container.start = start;
    this.frames.push({
      container,
      close: bracket === "{" ? "}" : "]",
      keys: bracket === "{" ? new Set() : undefined,
      count: 0,
      commented: false,
      comma: undefined,
      comment: undefined,
    });
  }

  private openMetadata(frame: Frame): void {
    const { scanner } = this;
    if (scanner.kind !== "{") {
      const error = this.error(
        scanner.start,
        "the entry named sops is not an object",
        "SOPS keeps its metadata under this name; call the entry something else",
      );
      // as for any other entry of this name
      throw changed(error, { exit: EXIT_CODES["already-encrypted"] });
    }
    const block = rootContainer();
    this.open(block, "{");
    this.sink = [];
    // Members of the block do not count for the root's emptiness.
    frame.count--;
  }

  private close(): void {
    const frame = this.frames.pop()!;
    const { container } = frame;
    const { end } = this.scanner;
    container.end = end;
    if (this.sink !== this.entries && this.frames.length === 1) {
      this.closeMetadata();
      return;
    }
    if (frame.count > 0 || frame.commented) return;
    const kind = container.kind === "map" ? "empty-map" : "empty-list";
    const { parent, key, start } = container;
    this.sink.push({ kind, in: parent, key, value: undefined, start: start!, end });
    if (parent) this.comments.afterEntry(this.sink, parent);
  }

  private closeMetadata(): void {
    const entries = this.sink;
    this.sink = this.entries;
    const [tree] = buildTrees(entries, 1);
    this.metadata = { tree: tree!, entries };
  }

  /** A comma or the closing brackets that follow a value. */
  private afterValue(): void {
    for (;;) {
      const frame = this.frames.at(-1);
      if (!frame) return;
      const kind = this.next();
      if (kind === ",") {
        frame.comma = this.scanner.start;
        return;
      }
      if (kind !== frame.close) {
        throw this.unexpected(`a comma or the closing ${frame.keys ? "brace" : "bracket"} was expected here`);
      }
      this.close();
    }
  }

  /**
   * Nothing may follow but white space, and in JSON5 comments: SOPS drops it in silence (docs/internals/sops.md §6),
   * and left where it is it would stay readable in an encrypted file.
   */
  private afterRoot(): void {
    const { text, dialect, scanner } = this;
    if (dialect.comments) {
      if (this.next() === "end") return;
      throw this.error(scanner.start, "there is something after the end of the document", ONE_OBJECT);
    }
    const rest = text.slice(scanner.end).search(/[^ \t\r\n]/);
    if (rest < 0) return;
    throw this.error(scanner.end + rest, "there is something after the end of the object", ONE_OBJECT);
  }

  /** The next token that is no comment; comments become entries on the way. */
  private next(): TokenKind {
    const { scanner } = this;
    const before = scanner.end;
    let kind = scanner.next();
    if (!this.dialect.comments) return kind;
    this.comments.token(this.text, before, scanner.start, kind);
    while (kind === "comment") {
      const frame = this.frames.at(-1);
      if (frame) frame.commented = true;
      const { end } = scanner;
      this.comments.add(this.sink, this.comment(frame?.container ?? this.root));
      kind = scanner.next();
      this.comments.token(this.text, end, scanner.start, kind);
    }
    return kind;
  }

  /** The comment that the scanner is at; its span is what stands between the marks. */
  private comment(container: Container): Entry {
    const start = this.scanner.start + COMMENT_MARK;
    const value = this.scanner.scalar();
    const end = start + String(value).length;
    return { kind: "comment", in: container, key: undefined, value, start, end };
  }

  private unexpected(message: string, hint?: string): TsopsError {
    const { kind, start } = this.scanner;
    if (kind !== "end") return this.error(start, message, hint);
    const open = this.frames.at(-1)!.container;
    const { line, column } = placeOf(this.text, open.start!);
    const what = open.kind === "map" ? "object" : "array";
    return this.error(
      start,
      `the file ends inside the ${what} that starts at line ${line}, column ${column}`,
      "a closing bracket is missing, or the file was cut off",
    );
  }

  private error(offset: number, message: string, hint?: string): TsopsError {
    return syntaxError(this.text, offset, message, hint);
  }
}
