import { test } from "uvu";
import * as assert from "uvu/assert";
import { proofOf } from "../../../src/keys/pgp/proof.ts";
import { openedBy } from "../../support/keys/pgp-messages.ts";

const FP = "A65B9A25028F373AD4C3D5ACB8BA14654D5DA8DE";
const PRIMARY = "D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262";
const good = openedBy(FP, PRIMARY);

/** The good output with one of its lines replaced. */
function but(word: string, ...lines: readonly string[]): string {
  const prefixed = lines.map((line) => `[GNUPG:] ${line}`);
  return good.flatMap((line) => (line.startsWith(`[GNUPG:] ${word}`) ? prefixed : [line])).join("\n");
}

test("the key that opened a message, and whose subkey it is", () => {
  assert.equal(proofOf(good.join("\n")), { opener: { fingerprint: FP, primary: PRIMARY } });
  assert.equal(proofOf(`gpg: hello\n${good.join("\r\n")}\r\n`), {
    opener: { fingerprint: FP, primary: PRIMARY },
  });
});

test("a gpg that does not name the key: the only one that the message is for", () => {
  assert.equal(proofOf(but("DECRYPTION_KEY")), { opener: { keyId: FP.slice(-16) } });
  const two = but("DECRYPTION_KEY", "ENC_TO E7B9E49CB8E52BB2 1 0");
  assert.match(JSON.stringify(proofOf(two)), /does not say which key/);
  const hidden = but("DECRYPTION_KEY").replace(FP.slice(-16), "0".repeat(16));
  assert.match(JSON.stringify(proofOf(hidden)), /does not say which key/);
});

test("what was printed, but not decrypted, or not all of it", () => {
  const says = (status: string): string => (proofOf(status) as { missing?: string }).missing ?? "proved";
  assert.match(says(""), /does not say that all of it was decrypted/);
  assert.match(says("[GNUPG:] PLAINTEXT 62 0 \n[GNUPG:] PLAINTEXT_LENGTH 32"), /not encrypted at all/);
  for (const word of ["BEGIN_DECRYPTION", "DECRYPTION_OKAY", "END_DECRYPTION"]) {
    assert.match(says(but(word)), /not encrypted at all|does not say that all/, word);
    assert.match(says(but(word, word, word)), /does not say that all/, word);
  }
  assert.match(says(but("GOODMDC")), /does not say that it is unchanged/);
  assert.match(says(but("GOODMDC", "BADMDC")), /does not say that it is unchanged/);
  const plain = "[GNUPG:] PLAINTEXT 62 0 ";
  assert.match(says(`${plain}\n${good.join("\n")}`), /does not say that all/);
  assert.match(says(`${but("PLAINTEXT ")}\n${plain}`), /does not say that all/);
  assert.match(says(but("ENC_TO", "NEED_PASSPHRASE_SYM 9 3 2")), /a password opened it/);
  // a line of gpg's that only looks like one of its status
  assert.match(
    says(but("DECRYPTION_OKAY").concat("\ngpg: [GNUPG:] DECRYPTION_OKAY")),
    /does not say that all/,
  );
});

test.run();
