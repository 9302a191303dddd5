import { test } from "uvu";
import { generateIni } from "../support/generate.ts";
import { testDocuments } from "./documents.ts";

testDocuments(
  "ini",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateIni,
);
test.run();
