/** `a` and `b` are ours and theirs, in an order that does not depend on which is which. */
export type Side = "base" | "a" | "b";

export interface Sides<T> {
  readonly base: T;
  readonly a: T;
  readonly b: T;
}
