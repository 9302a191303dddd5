/** A place in a file, as people count: line and column from 1, the column in characters. */
export interface Place {
  file?: string;
  line?: number;
  column?: number;
}

/**
 * What went wrong, as a stable word that programs may compare. Messages may change, codes do not. The number beside
 * each is the exit code that SOPS gives for it (docs/internals/sops.md §8). docs/errors.md says when each comes.
 */
export const EXIT_CODES = {
  /** None of the others. */
  generic: 1,
  usage: 1,
  config: 1,
  lock: 1,
  "not-allowed": 1,
  "changed-on-disk": 1,
  "recipients-changed": 1,
  "selectors-changed": 1,
  "no-metadata": 1,
  /** A document has metadata that cannot be read. SOPS exits with 1, too. */
  "bad-metadata": 1,
  // Of a key or a service, where the file and what was asked for are in order otherwise (keys/reasons.ts):
  /** Nothing here can use the key: no credentials, no identity, nobody to ask. Log in, or have another key used. */
  "key-unavailable": 1,
  /** What names the key or what it wrapped is malformed, damaged or another key's. Mend the file or configuration. */
  "bad-key": 1,
  /** Credentials, identities or certificates are here, and cannot be read or are not accepted. Renew them. */
  "bad-credentials": 1,
  /** A variable, an address or a profile of this machine says what cannot be used. Correct it. */
  "bad-setting": 1,
  /** The service knows who asks and says no, or a person does. Have access granted; another try is no use. */
  "access-denied": 1,
  /** The key is not where it should be, or is disabled, expired or deleted. Ask its owner, or use another key. */
  "no-such-key": 1,
  /** There was no answer: the network, a proxy, TLS, or time was up. Try again, or see to the connection. */
  "service-unreachable": 1,
  /** The service answers with a failure of its own, with nonsense, or that it is busy. Try again later. */
  "service-failed": 1,
  /** Another program cannot be started, or fails: a plugin, gpg, a command that gives credentials. Run it by hand. */
  "program-failed": 1,
  /** There is no git or no repository, or git refuses what tsops asks. See what git says. */
  git: 1,
  // Of programs that are run with a file's values:
  /** A value or its name cannot be an environment variable. Rename it, or hand the values over in a file. */
  "bad-variable": 1,
  parse: 2,
  "merge-conflict": 2,
  read: 2,
  write: 3,
  print: 4,
  "encryption-context": 6,
  "invalid-set-value": 7,
  "conflicting-parameters": 8,
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
  more: { code?: ErrorCode; message?: string; hint?: string; place?: Place; exit?: number; cause?: unknown },
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
