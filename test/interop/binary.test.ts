import { test } from "uvu";
import { generateBinary } from "../support/generate/others.ts";
import { testDocuments } from "../support/interop/documents.ts";

testDocuments(
  "bin",
  Array.from({ length: 12 }, (_, i) => 1000 + i),
  generateBinary,
);
test.run();
