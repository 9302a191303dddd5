import type { Format, PrintOptions } from "./format.ts";
import { TreeComment, type TreeEntry, TreeList, TreeMap } from "./tree.ts";

/**
 * What SOPS puts into a new file that is edited (docs/internals/sops.md §7, `edit`), in the shape that its format can
 * hold.
 */
export function exampleText(format: Format, options: PrintOptions): string {
  const hello: TreeEntry = { key: "hello", value: "Welcome to SOPS! Edit this file as you please!" };
  const example: TreeEntry = { key: "example_key", value: "example_value" };
  const note = new TreeComment(" This is an example file.");
  switch (format.name) {
    case "binary":
      return "Welcome to SOPS! Edit this file as you please!";
    case "dotenv":
      return format.print(
        [new TreeMap([note, hello, example, { key: "example_multiline", value: "foo\nbar\nbaz" }])],
        options,
      );
    case "ini":
      return format.print(
        [new TreeMap([{ key: "Welcome!", value: new TreeMap([note, hello, example]) }])],
        options,
      );
    default:
      return format.print(
        [
          new TreeMap([
            hello,
            example,
            new TreeComment(" Example comment"),
            { key: "example_array", value: new TreeList(["example_value1", "example_value2"]) },
            { key: "example_number", value: 1234.56789 },
            { key: "example_booleans", value: new TreeList([true, false]) },
          ]),
        ],
        options,
      );
  }
}
