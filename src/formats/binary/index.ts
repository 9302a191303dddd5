import { TsopsError } from "../../errors.ts";
import { type Entry, type Format, type Reading, rootContainer } from "../format.ts";
import { json } from "../json/index.ts";
import { placeOf } from "../text.ts";
import { TreeMap } from "../tree.ts";

/** The one key that a binary file's text stands under (docs/internals/sops.md §6). */
const KEY = "data";

/**
 * Any file as one secret. A plaintext is a single entry `data` whose span is the whole text. Encrypted it is a JSON
 * document `{"data": "ENC[…]", "sops": {…}}`: {@link Format.wrapper}.
 */
export const binary: Format = {
  name: "binary",

  read(text) {
    const entry: Entry = {
      kind: "value",
      in: rootContainer(),
      key: KEY,
      value: text,
      start: 0,
      end: text.length,
    };
    return { text, entries: [entry], documents: 1 };
  },

  wrapper: {
    format: json,
    wrap: (cipher, options) => json.print([TreeMap.of([[KEY, cipher]])], options),

    read(text) {
      const reading = readWrapper(text);
      const [entry, other] = reading.entries;
      if (entry?.kind !== "value" || entry.key !== KEY || typeof entry.value !== "string") {
        throw notBinary(text, entry?.start ?? 0, "its first entry is not a text named data");
      }
      if (other) throw notBinary(text, other.start, "it holds more than data and sops");
      return reading;
    },
  },

  spell(_reading, _entry, value) {
    if (typeof value === "string") return value;
    throw new TsopsError("print", "a binary file holds a text, and no other type of value");
  },

  spellCipher: json.spellCipher,
  addMetadata: json.addMetadata,
  replaceMetadata: json.replaceMetadata,

  /** Takes all away that stands around the value, whose own span is what `spell` replaces. */
  removeMetadata({ text, entries }) {
    const [{ value, start, end }] = entries as [Entry];
    const all = { start: 0, end: text.length };
    // A text that is no ciphertext is not replaced by anybody: it stands here as JSON spells it.
    if (typeof value === "string" && !value.startsWith("ENC[")) return [{ ...all, text: value }];
    return [
      { start: 0, end: start, text: "" },
      { start: end, end: all.end, text: "" },
    ];
  },

  // only the value counts, whatever stands around it
  ownText: () => () => "",
  otherLineEnds: () => undefined,

  set({ text }, path, value) {
    if (path.length !== 1 || path[0] !== KEY) {
      throw new TsopsError("bad-path", "a binary file has one place that can be set", {
        hint: 'write ["data"]',
      });
    }
    if (typeof value !== "string") {
      throw new TsopsError("print", "a binary file holds a text, and no other type of value", {
        hint: "put the value in double quotes",
      });
    }
    return [{ start: 0, end: text.length, text: value }];
  },

  unset() {
    throw new TsopsError("print", "a binary file is one value, which cannot be removed", {
      hint: "delete the file, or set its data to an empty text",
    });
  },

  /** SOPS refuses trees without a text named `data` (docs/internals/sops.md §6). */
  print([tree]) {
    const value = tree?.get(KEY);
    if (typeof value === "string") return value;
    throw new TsopsError("print", "there is no text named data to print as a binary file", {
      hint: "choose another type with --output-type",
    });
  },

  printValue() {
    throw new TsopsError("print", "a binary file has no structure to take a single value from", {
      hint: 'the whole of it is ["data"]',
    });
  },
};

function readWrapper(text: string): Reading {
  try {
    return json.read(text);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw new TsopsError(
      "parse",
      `this is not an encrypted binary file, which would be JSON: ${error.message}`,
      {
        place: error.place ?? placeOf(text, 0),
        hint: error.hint,
      },
    );
  }
}

/** SOPS finds out when it prints the file (docs/internals/sops.md §8, exit code 4). */
function notBinary(text: string, offset: number, why: string): TsopsError {
  return new TsopsError("print", `this is not an encrypted binary file: ${why}`, {
    place: placeOf(text, offset),
    hint: "say what type the file is with --input-type, and what type you want with --output-type",
  });
}
