import type { Config } from "../../src/config/model.ts";
import { readSopsYaml } from "../../src/config/sops-yaml.ts";
import { readSopsrc } from "../../src/config/sopsrc.ts";
import { TsopsError } from "../../src/errors.ts";

export const ALICE = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
export const BOB = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";
export const CAROL = "age1r2mt6hjmfpu806ahzuajsmty48e7juve3ez84h62rtjswnpvkspq6w5w4w";
export const FINGERPRINT = "D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262";
export const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
export const ROLE = "arn:aws:iam::111122223333:role/sops";

export const yaml = (text: string): Promise<Config> => readSopsYaml(text, "/repo/.sops.yaml");
export const sopsrc = (text: string): Promise<Config> => readSopsrc(text, "/repo/.sopsrc");

/** `line:column message`, which is what a person needs of an error. */
export function shown(error: unknown): string {
  if (!(error instanceof TsopsError)) throw error;
  if (!error.hint) throw new Error(`no hint: ${error.message}`);
  return `${error.place?.line}:${error.place?.column} ${error.message}`;
}

/** The error that a promise ends with. */
export async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TsopsError) return error;
  throw error ?? new Error("nothing was thrown");
}

/** The keys of each group of each rule, as `kind id`. */
export function keysOf(config: Config): string[][][] {
  return (config.rules ?? []).map(({ groups }) =>
    groups.map((group) => group.map(({ kind, id }) => `${kind} ${id}`)),
  );
}
