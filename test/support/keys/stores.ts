import { randomBytes } from "node:crypto";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { masterKeyId } from "../../../src/keys/stores/master.ts";

/** A new master key as it stands in a secret, and its id. */
export function newMaster(): { readonly text: string; readonly id: string } {
  const bytes = randomBytes(32);
  return { text: bytes.toString("base64"), id: masterKeyId(bytes) };
}

/** The error that some work must end with. */
export async function failure(work: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await work.then(
    () => assert.unreachable("no error"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

/** Message and hint of that error. */
export async function said(work: Promise<unknown>): Promise<string> {
  const { message, hint } = await failure(work);
  assert.ok(hint, `${message}: it has no hint`);
  return `${message}\n${hint}`;
}
