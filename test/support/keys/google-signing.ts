import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { googleCredentials, login } from "../../../src/keys/google/credentials.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "./contexts.ts";

export const SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];
export const EMAIL = "tsops@project.iam.gserviceaccount.com";
const URL_ASKED = "https://cloudkms.googleapis.com/";

/** A context in which there is no metadata server. */
export function context(env: Record<string, string | undefined> = {}, home = emptyFolder()): KeyContext {
  return contextWith({ METADATA_SERVER_DETECTION: "none", ...env }, { home });
}

export function jsonFile(content: unknown): string {
  const path = join(emptyFolder(), "credentials.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** What the credentials of a context sign a request with. */
export async function signed(at: KeyContext): Promise<{ authorization: string | null; headers: Headers }> {
  const credentials = await googleCredentials(at, SCOPES);
  assert.ok(credentials);
  const headers = await login(credentials!, at, URL_ASKED);
  return { authorization: headers.get("authorization"), headers };
}
