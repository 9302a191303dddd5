import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatName } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { type Node, outlineOf } from "../../../src/ui/outline/node.ts";

/** Each node with those in it. */
async function outline(text: string, format: FormatName): Promise<string> {
  const draw = ({ key, kind, children }: Node): string =>
    `${key ?? ""}:${kind}${children.length > 0 ? `(${children.map(draw).join(" ")})` : ""}`;
  return outlineOf((await loadFormat(format)).read(text))
    .roots.map(draw)
    .join(" ");
}

test("comments stand in the collection that they are in, empty or not, whatever has its name", async () => {
  assert.is(await outline("{a: [], a: {\n// c\n}}", "json5"), "a:list a:map(:comment)");
  assert.is(
    await outline("a: {\n # c\n}\nb: [\n # d\n 1]\n", "yaml"),
    "a:map(:comment) b:list(:comment 0:value)",
  );
  assert.is(await outline("[a]\n# c\n[b]\n", "toml"), "a:map(:comment) b:map");
});

test.run();
