import { type ScryptOptions, scrypt } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { type AgeFile, decode64, openFileKey } from "./file.ts";

/** Age files under a passphrase (C2SP age, scrypt recipient): how people protect their identity files. */

const LABEL = "age-encryption.org/v1/scrypt";
/** The largest work factor that age takes by default: 2^22 needs 4 GiB. */
const MAX_LOG_N = 22;

function stretch(passphrase: string, salt: Buffer, logN: number): Promise<Buffer> {
  const cost: ScryptOptions = { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** (logN + 10) + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

/**
 * The key of a file under a passphrase; null if the passphrase is wrong. `ask` is called only when the file is one. The
 * caller clears it.
 * @throws TsopsError("bad-credentials") if the file is not of this kind.
 */
export async function fileKeyByPassphrase(file: AgeFile, ask: () => Promise<string>): Promise<Buffer | null> {
  const [stanza] = file.stanzas;
  const [type, salt64 = "", factor = ""] = stanza?.args ?? [];
  if (!stanza || type !== "scrypt" || file.stanzas.length !== 1) {
    throw new TsopsError("bad-credentials", "it is an age file that no passphrase opens", {
      hint: "only identity files with a passphrase can be used: make one with `age -p`",
    });
  }
  const logN = /^[1-9][0-9]?$/.test(factor) ? Number(factor) : Number.POSITIVE_INFINITY;
  const salt = decode64(salt64);
  if (stanza.args.length !== 3 || salt.length !== 16) {
    throw new TsopsError("bad-credentials", "malformed age file: bad scrypt stanza");
  }
  if (logN > MAX_LOG_N)
    throw new TsopsError("bad-credentials", `its scrypt work factor is above ${MAX_LOG_N}`);
  const key = await stretch(await ask(), Buffer.concat([Buffer.from(LABEL), salt]), logN);
  const fileKey = await openFileKey(key, stanza.body);
  key.fill(0);
  return fileKey;
}
