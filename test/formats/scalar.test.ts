import { test } from "uvu";
import * as assert from "uvu/assert";
import { Time, valToString } from "../../src/formats/scalar.ts";

test("values as text are what SOPS gives to dotenv, INI and the environment", () => {
  assert.is(valToString("a\nb"), "a\nb");
  assert.is(valToString(7n), "7");
  assert.is(valToString(12), "12.0");
  assert.is(valToString(1e21), "1E+21");
  assert.is(valToString(1.5e-9), "1.5E-09");
  assert.is(valToString(Number.POSITIVE_INFINITY), "+Inf");
  assert.is(valToString(true), "true");
  assert.is(valToString(null), "<nil>");
});

test("times lose their fraction and keep their offset", () => {
  assert.is(valToString(Time.parse("2025-01-02T03:04:05.678+02:00")!), "2025-01-02T03:04:05+02:00");
  assert.is(valToString(Time.parse("2025-01-02T00:00:00Z")!), "2025-01-02T00:00:00Z");
});

test.run();
