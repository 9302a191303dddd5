import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { kmsUse } from "../../../src/keys/aws/use.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { kms } from "../../support/keys/in-use.ts";
import { ending, gate, until } from "../../support/pace.ts";
import { assumed, closeDoubles, double, failure, shown } from "../../support/servers/aws.ts";
import { ARN, answerOf } from "../../support/servers/counting-kms.ts";

/** Programs, people and login services that take longer than KMS may. */

const LIMIT = { TSOPS_KMS_TIMEOUT: "2" };
const LONG_MS = 2500;
const FILES = 20;
const MFA = `[profile top]
role_arn = arn:aws:iam::444455556666:role/top
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/ann
[profile base]
aws_access_key_id = AKIABASE
aws_secret_access_key = s
`;

const server = await double((asked) => (asked.action.includes(".") ? answerOf(asked) : assumed(asked)));
test.after(closeDoubles);

function contextFor(config: string, env: Record<string, string>, more: Partial<KeyContext> = {}): KeyContext {
  const home = emptyFolder();
  mkdirSync(join(home, ".aws"));
  writeFileSync(join(home, ".aws", "config"), config);
  return contextWith({ AWS_ENDPOINT_URL: server.url, ...env }, { home, ...more });
}

const [key] = kms.parse(ARN);
const wrapAll = (context: KeyContext) =>
  Array.from({ length: FILES }, (_, i) => kmsUse.wrap(key!, Buffer.alloc(32, i), context));

/** A program that says when it has begun, and waits until the test lets it go on. */
function waiting(more = "") {
  const folder = emptyFolder();
  const path = join(folder, "login");
  const answer = '{"Version":1,"AccessKeyId":"AKIAPROC","SecretAccessKey":"s"}';
  writeFileSync(
    path,
    `#!/bin/sh\n${more}\necho $$ >> '${folder}/begun'\nuntil [ -e '${folder}/go' ]; do sleep 0.05; done\necho '${answer}'\n`,
  );
  chmodSync(path, 0o755);
  const begun = () => (existsSync(join(folder, "begun")) ? readFileSync(join(folder, "begun"), "utf8") : "");
  return {
    config: `[default]\ncredential_process = ${path}\n`,
    folder,
    begun: () => until(() => begun().endsWith("\n"), "the program"),
    runs: () => begun().split("\n").length - 1,
    letGo: () => writeFileSync(join(folder, "go"), ""),
  };
}

test("a credential_process that is slower than KMS may be loses no file", async () => {
  const { config, begun, letGo, runs } = waiting();
  const wraps = Promise.all(wrapAll(contextFor(config, LIMIT)));
  wraps.catch(() => undefined);
  await begun();
  await sleep(LONG_MS);
  letGo();
  assert.is((await ending(wraps)).length, FILES);
  assert.is(runs(), 1);
});

test("a code of an MFA device that is typed late loses no file, and is asked for once", async () => {
  const asked = gate();
  const answered = gate();
  let questions = 0;
  const prompt = async () => {
    questions++;
    asked.open();
    await answered.opened;
    return "123456";
  };
  const wraps = Promise.all(wrapAll(contextFor(MFA, { ...LIMIT, AWS_PROFILE: "top" }, { prompt })));
  wraps.catch(() => undefined);
  await asked.opened;
  await sleep(LONG_MS);
  answered.open();
  assert.is((await ending(wraps)).length, FILES);
  assert.is(questions, 1);
});

test("a login service that hangs is named, asked once, and KMS is not called silent", async () => {
  const hanging = await double(() => ({ silent: true }));
  const env = { AWS_ENDPOINT_URL_STS: hanging.url, AWS_PROFILE: "top", TSOPS_KMS_TIMEOUT: "0.5" };
  const prompt = async () => "123456";
  const results = await ending(Promise.allSettled(wrapAll(contextFor(MFA, env, { prompt }))));
  for (const { reason } of results as PromiseRejectedResult[]) {
    assert.match(reason.message, /^cannot assume the role .*: it did not answer within 0.5 seconds$/);
  }
  assert.is(hanging.asked.length, 1);
});

test("a container's address that takes the request and never answers ends in time, too", async () => {
  const hanging = await double(() => ({ silent: true }));
  const { host } = new URL(hanging.url);
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${host}/creds`, TSOPS_KMS_TIMEOUT: "1" };
  const context = contextWith({ AWS_ENDPOINT_URL: server.url, ...env });
  const { message } = await failure(ending(kmsUse.wrap(key!, Buffer.alloc(32), context)));
  assert.match(
    message,
    /^the container's credentials .* cannot be fetched: it did not answer within 1 seconds$/,
  );
});

test("a program that is stopped with the run does not stay behind", async () => {
  const stop = new AbortController();
  const { config, begun, folder } = waiting(`trap 'echo > "$(dirname "$0")/stopped"; exit 1' TERM`);
  const work = failure(kmsUse.wrap(key!, Buffer.alloc(32), contextFor(config, {}, { signal: stop.signal })));
  await begun();
  stop.abort();
  assert.is((await work).code, "aborted");
  await until(() => existsSync(join(folder, "stopped")), "the signal");
});

test("a credential_process that cannot be started is named", async () => {
  const config = "[default]\ncredential_process = /nonexistent/login\n";
  const error = await failure(kmsUse.wrap(key!, Buffer.alloc(32), contextFor(config, {})));
  assert.match(shown(error), /^the credential_process of the AWS profile default: .*nonexistent/);
});

test.run();
