import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { groupsFromMetadata, unwrapDataKey } from "../../src/keys/groups.ts";
import { parseDecryptionOrder } from "../../src/keys/table.ts";
import { contextWith, emptyFolder, GOLDEN, sopsTreeOf } from "../support/keys/contexts.ts";

/** Every file with keys of its own kind that the real SOPS wrote: the data key comes out, or fails as it must. */

interface Case {
  env: Record<string, string | null>;
  home: Record<string, string>;
  steps: { argv: string[]; env?: Record<string, string>; rc: number | string }[];
}

const gnupg = emptyFolder();
const noGnupg = emptyFolder();
chmodSync(gnupg, 0o700);
chmodSync(noGnupg, 0o700);
const hasGpg = importKeys();

function importKeys(): boolean {
  const keys = readdirSync(join(GOLDEN, "keys")).filter((name) => name.endsWith(".asc"));
  try {
    for (const name of keys) {
      const args = ["--homedir", gnupg, "--batch", "--quiet", "--import", join(GOLDEN, "keys", name)];
      execFileSync("gpg", args, { stdio: "ignore" });
    }
    process.on("exit", () => execFileSync("gpgconf", ["--homedir", gnupg, "--kill", "all"]));
    return true;
  } catch {
    return false;
  }
}

const names = readdirSync(GOLDEN).filter((name) =>
  /^(keys|ident)-|^env-decryption-order$|^err-(no-keys|shamir)/.test(name),
);

for (const name of names) {
  const folder = join(GOLDEN, name);
  const golden = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as Case;
  for (const [i, step] of golden.steps.entries()) {
    const file = join(folder, "in", step.argv.at(-1)!);
    if (step.argv[0] !== "decrypt" || !existsSync(file)) continue;
    const needsGpg = JSON.stringify([golden.env, step.env]).includes("@G");
    if (needsGpg && !hasGpg) continue;
    test(`${name}, step ${i + 1}`, async () => {
      const home = emptyFolder();
      for (const [target, key] of Object.entries(golden.home)) {
        mkdirSync(dirname(join(home, target)), { recursive: true });
        copyFileSync(join(GOLDEN, "keys", key), join(home, target));
      }
      const put = (text: string): string =>
        text
          .replaceAll("@K", join(GOLDEN, "keys"))
          .replaceAll("@W", join(folder, "in"))
          .replaceAll("@H", home)
          .replaceAll("@G", gnupg)
          .replaceAll("@N", noGnupg);
      const env: Record<string, string> = { GNUPGHOME: noGnupg, MARK: join(home, "mark") };
      for (const [key, value] of Object.entries({ ...golden.env, ...step.env })) {
        if (value !== null && key !== "MARK") env[key] = put(value);
      }
      const context = contextWith(env, { home });
      const open = async (): Promise<Buffer> => {
        const order = parseDecryptionOrder(env.SOPS_DECRYPTION_ORDER ?? "");
        const { groups, threshold } = groupsFromMetadata(sopsTreeOf(file));
        return unwrapDataKey(groups, threshold, { order, context });
      };
      if (step.rc === 0) {
        assert.is((await open()).length, 32);
        return;
      }
      const error = await open().then(
        () => assert.unreachable("it must fail"),
        (reason: unknown) => reason,
      );
      assert.instance(error, TsopsError);
      assert.is((error as TsopsError).exitCode, step.rc);
    });
  }
}

test.run();
