import { test } from "uvu";
import { generateDotenv } from "../support/generate.ts";
import { testDocuments } from "./documents.ts";

testDocuments(
  "env",
  Array.from({ length: 60 }, (_, i) => 1000 + i),
  generateDotenv,
);
test.run();
