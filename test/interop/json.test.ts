import { test } from "uvu";
import { generateJson } from "../support/generate.ts";
import { testDocuments } from "./documents.ts";

testDocuments(
  "json",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateJson,
);
test.run();
