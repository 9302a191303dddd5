import { test } from "uvu";
import * as assert from "uvu/assert";
import { creationRule } from "../../src/config/match.ts";
import { chooseSelector } from "../../src/config/selectors.ts";
import { TsopsError } from "../../src/errors.ts";
import { ALICE, failure, yaml } from "../support/config.ts";

const ruleWith = async (line: string) =>
  (await creationRule(await yaml(`creation_rules:\n  - age: ${ALICE}\n    ${line}\n`), "/repo/x"))!;

test("a flag wins over the same option of the rule", async () => {
  const rule = await ruleWith("encrypted_suffix: _a");
  assert.equal(chooseSelector(rule), { kind: "encrypted_suffix", value: "_a" });
  assert.equal(chooseSelector(rule, { encrypted_suffix: "_b" }), { kind: "encrypted_suffix", value: "_b" });
  assert.equal(chooseSelector(rule, { encrypted_regex: "" }), { kind: "encrypted_suffix", value: "_a" });
  assert.is(chooseSelector(undefined), undefined);
  assert.is(chooseSelector(await ruleWith("mac_only_encrypted: true")), undefined);
});

test("two different ones are exit code 8, in the configuration alone 1", async () => {
  const rule = await ruleWith("encrypted_suffix: _a");
  for (const flags of [{ encrypted_regex: "b" }, { unencrypted_suffix: "a", encrypted_suffix: "b" }]) {
    try {
      chooseSelector(rule, flags);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, TsopsError);
      assert.is((error as TsopsError).exitCode, 8);
    }
  }
  const error = await failure(ruleWith("encrypted_suffix: _a\n    encrypted_regex: b"));
  assert.is(error.exitCode, 1);
});

test.run();
