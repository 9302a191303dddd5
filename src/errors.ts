/** A place in a file, as people count: line and column from 1, the column in characters. */
export interface Place {
  file?: string;
  line?: number;
  column?: number;
}

/**
 * What went wrong, as a stable word that programs may compare. Messages may change, codes do not.
 * The number beside each is the exit code that SOPS gives for it (SPEC section 8).
 */
export const EXIT_CODES = {
  generic: 1,
  usage: 1,
  config: 1,
  lock: 1,
  "not-allowed": 1,
  "changed-on-disk": 1,
  "recipients-changed": 1,
  "selectors-changed": 1,
  "no-metadata": 1,
  parse: 2,
  "merge-conflict": 2,
  read: 2,
  write: 3,
  print: 4,
  "encryption-context": 6,
  "invalid-set-value": 7,
  "conflicting-parameters": 8,
  "mac-encryption": 21,
  "tree-encryption": 23,
  "tree-decryption": 25,
  "no-such-file": 100,
  "add-remove-missing-file": 49,
  "mac-mismatch": 51,
  "seal-broken": 51,
  "seal-missing": 51,
  "bad-path": 91,
  "empty-file": 92,
  "no-file": 100,
  "no-key": 111,
  "duplicate-decryption-order": 112,
  "no-data-key": 128,
  "not-modified": 200,
  editor: 201,
  "already-encrypted": 203,
  aborted: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/**
 * Every error that tsops throws on purpose. The message says what is wrong, in lower case and without a full stop;
 * the hint says what to do next. Neither ever holds a secret, a data key or a hash of one.
 */
export class TsopsError extends Error {
  readonly code: ErrorCode;
  /** What to do next, a sentence or two for a person. */
  readonly hint?: string;
  readonly place?: Place;
  /** Exit code where it differs from the code's own. */
  readonly exit?: number;

  constructor(
    code: ErrorCode,
    message: string,
    more: { hint?: string; place?: Place; exit?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "TsopsError";
    this.code = code;
    this.hint = more.hint;
    this.place = more.place;
    this.exit = more.exit;
  }

  get exitCode(): number {
    return this.exit ?? EXIT_CODES[this.code];
  }
}

/** The same error with some of it changed. */
export function changed(
  error: TsopsError,
  more: { code?: ErrorCode; message?: string; hint?: string; place?: Place; exit?: number },
): TsopsError {
  const { hint, place, exit, cause } = error;
  const { code = error.code, message = error.message, ...others } = more;
  return new TsopsError(code, message, { hint, place, exit, cause, ...others });
}

/** The same error with more to do next, on lines of its own. */
export function withHint(error: TsopsError, ...lines: readonly string[]): TsopsError {
  return changed(error, { hint: [...(error.hint === undefined ? [] : [error.hint]), ...lines].join("\n") });
}

/** The same error with a file's name put to its place; other errors come back as they are. */
export function inFile(error: unknown, file: string): unknown {
  if (!(error instanceof TsopsError) || error.place?.file !== undefined) return error;
  return changed(error, { place: { ...error.place, file } });
}
