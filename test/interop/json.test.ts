import { test } from "uvu";
import { generateJson } from "../support/generate/others.ts";
import { testDocuments } from "../support/interop/documents.ts";

testDocuments(
  "json",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateJson,
);
test.run();
