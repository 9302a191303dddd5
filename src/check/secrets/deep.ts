/** A piece of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A second opinion on a text: where another program sees a secret. `what` names its rule, and holds nothing of the text. */
export type DeepScan = (text: string, file: string) => Promise<readonly (Span & { readonly what: string })[]>;
