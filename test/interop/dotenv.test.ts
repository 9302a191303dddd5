import { test } from "uvu";
import { generateDotenv } from "../support/generate/others.ts";
import { testDocuments } from "../support/interop/documents.ts";

testDocuments(
  "env",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateDotenv,
);
test.run();
