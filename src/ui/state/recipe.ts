/** What can be generated, and how long it is to be. */
export type Recipe =
  | { readonly kind: "password"; readonly length: number; readonly alphabet: Alphabet }
  | { readonly kind: "words"; readonly length: number }
  | { readonly kind: "hex"; readonly length: number }
  | { readonly kind: "base64"; readonly length: number }
  | { readonly kind: "uuid" }
  | { readonly kind: "age" }
  | { readonly kind: "ssh" };

export type Alphabet = "letters" | "all";
