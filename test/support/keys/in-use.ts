import * as ageKind from "../../../src/keys/age/kind.ts";
import * as awsKind from "../../../src/keys/aws/kind.ts";
import * as azureKind from "../../../src/keys/azure/kind.ts";
import * as clusterKind from "../../../src/keys/cluster/kind.ts";
import * as googleKind from "../../../src/keys/google/kind.ts";
import * as huaweiKind from "../../../src/keys/huawei/kind.ts";
import type { KeyContext, KeyKind, Lines, MasterKey } from "../../../src/keys/kind.ts";
import * as pgpKind from "../../../src/keys/pgp/kind.ts";
import * as envKind from "../../../src/keys/stores/env.ts";
import * as keywhizKind from "../../../src/keys/stores/keywhiz.ts";
import * as vaultkvKind from "../../../src/keys/stores/vaultkv.ts";
import * as vaultKind from "../../../src/keys/vault/kind.ts";

/**
 * Kinds for tests that look at what one does by itself: its description and its use in one, what it unwraps or null, and
 * why the last key was not opened.
 */
function inUse(kind: KeyKind) {
  let why: Lines | undefined;
  return {
    ...kind,
    async wrap(key: MasterKey, dataKey: Uint8Array, context: KeyContext) {
      return (await kind.use()).wrap(key, dataKey, context);
    },
    async exact(key: MasterKey, context: KeyContext) {
      return (await (await kind.use()).exact?.(key, context)) ?? key;
    },
    async unwrap(key: MasterKey, context: KeyContext) {
      const opened = await (await kind.use()).unwrap(key, context);
      if ("key" in opened) return opened.key;
      why = opened.why;
      return null;
    },
    /** Of the last key that was not opened. */
    whyNot: (_key?: MasterKey, _context?: KeyContext): readonly string[] => why ?? [],
    async checkOpener(key: MasterKey, context: KeyContext) {
      const { checkOpener } = await kind.use();
      return checkOpener ? await checkOpener(key, context) : {};
    },
    async examine(key: MasterKey, context: KeyContext) {
      return (await kind.use()).examine(key, context);
    },
  };
}

export const age = inUse(ageKind.age);
export const azureKv = inUse(azureKind.azureKv);
export const cluster = inUse(clusterKind.cluster);
export const env = inUse(envKind.env);
export const gcpKms = inUse(googleKind.gcpKms);
export const hckms = inUse(huaweiKind.hckms);
export const hcVault = inUse(vaultKind.hcVault);
export const keywhiz = inUse(keywhizKind.keywhiz);
export const kms = inUse(awsKind.kms);
export const pgp = inUse(pgpKind.pgp);
export const vaultkv = inUse(vaultkvKind.vaultkv);
