import type { Recipe } from "../state/recipe.ts";
import type { MenuItem } from "../state/state.ts";

/** What `g` offers, with the lengths that are used unless others are typed. */
export const RECIPES: readonly MenuItem[] = [
  item("p", "a password of letters, digits and signs", { kind: "password", length: 24, alphabet: "all" }),
  item("l", "a password of letters and digits", { kind: "password", length: 32, alphabet: "letters" }),
  item("h", "hex digits", { kind: "hex", length: 32 }),
  item("b", "bytes as base64", { kind: "base64", length: 32 }),
  item("w", "words that can be read out", { kind: "words", length: 7 }),
  item("u", "a UUID", { kind: "uuid" }),
  item("a", "an age key", { kind: "age" }),
  item("s", "an SSH key (Ed25519)", { kind: "ssh" }),
];

function item(key: string, label: string, recipe: Recipe): MenuItem {
  return { key, label, act: { kind: "generate", recipe } };
}

/** What a recipe counts, for the question how many; undefined if there is nothing to choose. */
export function unitOf({ kind }: Recipe): string | undefined {
  switch (kind) {
    case "password":
      return "characters";
    case "words":
      return "words";
    case "hex":
    case "base64":
      return "bytes";
    default:
      return undefined;
  }
}
