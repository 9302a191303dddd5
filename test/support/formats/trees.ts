import fc from "fast-check";
import type { Scalar } from "../../../src/formats/scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";

const scalars: fc.Arbitrary<Scalar> = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "true", "1", "null", "a\nb", "\u2028", '"', "'", "\\", "<&>", "//x", "#", "ENC["),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1, -0, 1e21, 1e-7, 5e-324, 2 ** 53),
  fc.boolean(),
);

/** Trees without nulls, which some formats lack; keys are unique. */
export function trees(leaves: fc.Arbitrary<Scalar> = scalars): fc.Arbitrary<Tree> {
  const keys = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.constantFrom("a", "__proto__", "1", "a.b", "", "é", "a b"),
  );
  return fc.letrec<{ tree: Tree; map: Tree; list: Tree }>((tie) => ({
    tree: fc.oneof({ maxDepth: 3, depthSize: "small" }, leaves, tie("map"), tie("list")),
    map: fc
      .uniqueArray(fc.tuple(keys, tie("tree")), { maxLength: 3, selector: ([key]) => key })
      .map((pairs) => TreeMap.of(pairs)),
    list: fc.array(tie("tree"), { maxLength: 3 }).map((items) => new TreeList(items)),
  })).tree;
}
