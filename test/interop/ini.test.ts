import { test } from "uvu";
import { generateIni } from "../support/generate/others.ts";
import { testDocuments } from "../support/interop/documents.ts";

testDocuments(
  "ini",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateIni,
);
test.run();
