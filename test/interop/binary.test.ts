import { test } from "uvu";
import { generateBinary } from "../support/generate.ts";
import { testDocuments } from "./documents.ts";

testDocuments(
  "bin",
  Array.from({ length: 12 }, (_, i) => 1000 + i),
  generateBinary,
);
test.run();
