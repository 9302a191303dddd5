import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { endpointFor } from "../../../src/keys/aws/client.ts";
import { awsCredentials, type CredentialSource } from "../../../src/keys/aws/credentials.ts";
import { instanceSource } from "../../../src/keys/aws/machine.ts";
import { parseSections } from "../../../src/keys/aws/shared-config.ts";
import { roleSessionName } from "../../../src/keys/aws/sts.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import {
  assumed,
  closeDoubles,
  double,
  failure,
  shown,
  signer,
  stsRefusal,
  withProcessEnv,
} from "../../support/servers/aws.ts";

const KEYS = { AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "s" };
const ROLE = "arn:aws:iam::111122223333:role/sops";
const region = "eu-west-1";

interface Files {
  readonly config?: string;
  readonly credentials?: string;
}

function homeWith({ config, credentials }: Files): string {
  const home = emptyFolder();
  mkdirSync(join(home, ".aws"));
  if (config) writeFileSync(join(home, ".aws", "config"), config);
  if (credentials) writeFileSync(join(home, ".aws", "credentials"), credentials);
  return home;
}

async function found(
  context: KeyContext,
  more: { profile?: string; role?: string } = {},
): Promise<CredentialSource> {
  const source = await awsCredentials(context, { region, ...more });
  if ("missing" in source) return assert.unreachable(source.missing.join("\n")) as never;
  return source;
}

const keyOf = async (source: CredentialSource): Promise<string> => (await source.provider()).accessKeyId;

const TWO = `[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = s
[team]
aws_access_key_id = AKIATEAM
aws_secret_access_key = s
aws_session_token = t
`;

test("the order of the places, as SOPS has it", async () => {
  const token = join(emptyFolder(), "token");
  writeFileSync(token, "web.identity.token\n");
  const { url, asked } = await double((one) => assumed(one, "ASIAWEB"));
  const home = homeWith({ credentials: TWO });
  const all = {
    ...KEYS,
    AWS_WEB_IDENTITY_TOKEN_FILE: token,
    AWS_ROLE_ARN: ROLE,
    AWS_ENDPOINT_URL_STS: url,
    AWS_PROFILE: "team",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/creds`,
  };
  const at = (env: Record<string, string | undefined>, more = {}) => found(contextWith(env, { home }), more);
  assert.is(await keyOf(await at(all)), "AKIAENV");
  assert.is(await keyOf(await at(all, { profile: "team" })), "AKIATEAM");
  const withoutKeys = { ...all, AWS_ACCESS_KEY_ID: undefined };
  assert.is(await keyOf(await at(withoutKeys)), "ASIAWEB");
  const form = new URLSearchParams(asked[0]!.body);
  assert.is(form.get("WebIdentityToken"), "web.identity.token");
  assert.is(form.get("RoleSessionName"), roleSessionName());
  assert.is(asked[0]!.headers.authorization, undefined);
  const withoutToken = { ...withoutKeys, AWS_WEB_IDENTITY_TOKEN_FILE: undefined };
  const team = await (await at(withoutToken)).provider();
  assert.equal(team, { accessKeyId: "AKIATEAM", secretAccessKey: "s", sessionToken: "t" });
  assert.is(await keyOf(await at({ ...withoutToken, AWS_PROFILE: undefined })), "AKIADEFAULT");
  assert.is(await keyOf(await at({ AWS_DEFAULT_PROFILE: "team" })), "AKIATEAM");
});

test("the shared files: where they are, sections, comments, nesting", async () => {
  const sections = parseSections(
    "stray = 1\r\n# c\n[profile a b]\nRegion=x ; c\nempty =\nurl = http://h/#frag\n[services local]\nkms =\n  endpoint_url = http://k\ns3 =\n  endpoint_url = http://s\nlast = 1\nnonsense\n",
  );
  assert.equal(
    [...sections].map(([title, section]) => [title, Object.fromEntries(section)]),
    [
      ["profile a b", { region: "x", empty: "", url: "http://h/#frag" }],
      [
        "services local",
        { kms: "", "kms.endpoint_url": "http://k", s3: "", "s3.endpoint_url": "http://s", last: "1" },
      ],
    ],
  );
  const folder = emptyFolder();
  writeFileSync(join(folder, "c"), TWO);
  writeFileSync(
    join(folder, "f"),
    '[profile "other"]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=s\n',
  );
  const env = { AWS_SHARED_CREDENTIALS_FILE: join(folder, "c"), AWS_CONFIG_FILE: "~/f" };
  assert.is(await keyOf(await found(contextWith(env, { home: folder }), { profile: "other" })), "AKIAOTHER");
  assert.is(await keyOf(await found(contextWith(env, { home: folder }))), "AKIADEFAULT");
  const unreadable = await failure(awsCredentials(contextWith({ AWS_CONFIG_FILE: folder }), { region }));
  assert.match(unreadable.message, "cannot be read: EISDIR");
});

test("endpoints: variables first, then the profile's", async () => {
  const config =
    "[default]\nservices = local\nendpoint_url = http://all\n[services local]\nkms =\n  endpoint_url = http://kms\n[profile bad]\nendpoint_url = nowhere\n";
  const home = homeWith({ config });
  const at = (service: "KMS" | "STS" | "S3", env = {}, profile?: string) =>
    endpointFor(contextWith(env, { home }), service, profile);
  assert.is(await at("KMS"), "http://kms");
  assert.is(await at("STS"), "http://all");
  assert.is(await at("STS", {}, "other"), undefined);
  assert.is(await at("KMS", { AWS_ENDPOINT_URL: "http://v" }), "http://v");
  assert.is(await at("KMS", { AWS_ENDPOINT_URL: "http://v", AWS_ENDPOINT_URL_KMS: "http://k" }), "http://k");
  assert.is(await at("KMS", { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }), undefined);
  assert.match(
    (await failure(at("KMS", { AWS_ENDPOINT_URL: "localhost:1" }))).message,
    "AWS_ENDPOINT_URL is not a URL",
  );
  assert.match((await failure(at("KMS", {}, "bad"))).message, "the AWS profile bad is not a URL");
});

test("the process's own variables are not looked at", async () => {
  const { url, asked } = await double((one) => assumed(one));
  const variables = {
    AWS_ACCESS_KEY_ID: "AKIAPROCESS",
    AWS_SECRET_ACCESS_KEY: "s",
    AWS_PROFILE: "nobody",
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_USE_FIPS_ENDPOINT: "true",
  };
  await withProcessEnv(variables, async () => {
    const none = await awsCredentials(contextWith({}), { region });
    assert.ok("missing" in none);
    const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL_STS: url });
    await (await found(context, { role: ROLE })).provider();
  });
  assert.is(signer(asked[0]!), "AKIAENV");
});

test("a role: session name, region, and the credentials that assume it", async () => {
  assert.is(roleSessionName("build-host_7.example"), "sops@buildhost_7.example");
  assert.is(roleSessionName("ünï cödé!"), "sops@ncd");
  assert.is(roleSessionName("x".repeat(100)).length, 64);
  const { url, asked } = await double((one) => assumed(one));
  const source = await found(contextWith({ ...KEYS, AWS_ENDPOINT_URL: url }), { role: ROLE });
  assert.is(asked.length, 0);
  assert.is(await keyOf(source), "ASIAROLE");
  await source.provider();
  assert.is(asked.length, 1);
  const form = new URLSearchParams(asked[0]!.body);
  assert.is(form.get("RoleArn"), ROLE);
  assert.is(form.get("RoleSessionName"), roleSessionName());
  assert.match(String(asked[0]!.headers.authorization), "/eu-west-1/sts/");
  assert.is(source.where, `the role ${ROLE} through the variable AWS_ACCESS_KEY_ID`);
});

test("credentials are renewed before they expire", async () => {
  const { url, asked } = await double((one, count) => assumed(one, `ASIA${count}`, "2025-01-01T01:00:00Z"));
  let now = new Date("2025-01-01T00:00:00Z");
  const source = await found(contextWith({ ...KEYS, AWS_ENDPOINT_URL: url }, { now: () => now }), {
    role: ROLE,
  });
  assert.is(await keyOf(source), "ASIA1");
  now = new Date("2025-01-01T00:58:00Z");
  assert.is(await keyOf(source), "ASIA1");
  now = new Date("2025-01-01T00:59:30Z");
  assert.is(await keyOf(source), "ASIA2");
  assert.is(asked.length, 2);
});

test("a role that may not be assumed, and tokens that are not accepted, are told apart", async () => {
  const token = join(emptyFolder(), "token");
  writeFileSync(token, "t");
  const web = { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: ROLE };
  const user = "arn:aws:iam::111122223333:user/ann";
  const cases: [Record<string, string>, ReturnType<typeof stsRefusal>, string, string][] = [
    [
      KEYS,
      stsRefusal(
        "AccessDenied",
        `User: ${user} is not authorized to perform: sts:AssumeRole on resource: x`,
        403,
      ),
      `cannot assume the role ${ROLE}: access denied: ${user} may not do sts:AssumeRole`,
      "trust policy",
    ],
    [KEYS, stsRefusal("ExpiredToken"), "the credentials have expired", "AWS_SESSION_TOKEN"],
    [KEYS, stsRefusal("InvalidClientTokenId", "", 403), "AWS does not know these credentials", "deleted"],
    [
      KEYS,
      stsRefusal("RegionDisabledException", "", 403),
      "STS is not enabled in eu-west-1",
      "enable the region",
    ],
    [web, stsRefusal("ExpiredTokenException"), "have expired", "get a new token"],
    [web, stsRefusal("InvalidIdentityToken"), "the web identity token is not accepted", "trust policy"],
    [web, stsRefusal("AccessDenied", "Not authorized", 403), "access denied", "trust policy"],
  ];
  for (const [env, answer, cause, next] of cases) {
    const { url } = await double(() => answer);
    const role = env === web ? undefined : ROLE;
    const error = await failure(
      (await found(contextWith({ ...env, AWS_ENDPOINT_URL: url }), { role })).provider(),
    );
    assert.match(error.message, cause);
    assert.match(error.hint!, next);
  }
  const gone = await found(contextWith({ ...web, AWS_WEB_IDENTITY_TOKEN_FILE: join(emptyFolder(), "x") }));
  assert.match((await failure(gone.provider())).message, "cannot be read: ENOENT");
});

test("profiles: roles through other profiles, with external id and MFA", async () => {
  const { url, asked } = await double((one, count) => assumed(one, `ASIA${count}`));
  const config = `[profile base]
aws_access_key_id = AKIABASE
aws_secret_access_key = s
[profile middle]
role_arn = arn:aws:iam::111122223333:role/middle
source_profile = base
external_id = ext
duration_seconds = 900
[profile top]
role_arn = arn:aws:iam::444455556666:role/top
source_profile = middle
role_session_name = mine
mfa_serial = arn:aws:iam::111122223333:mfa/ann
[profile self]
role_arn = ${ROLE}
source_profile = self
aws_access_key_id = AKIASELF
aws_secret_access_key = s
[profile named]
role_arn = ${ROLE}
credential_source = Environment
`;
  const env = { AWS_ENDPOINT_URL: url, AWS_PROFILE: "top" };
  const questions: string[] = [];
  const prompt = async (question: string) => {
    questions.push(question);
    return "123456\n";
  };
  const home = homeWith({ config });
  assert.is(await keyOf(await found(contextWith(env, { home, prompt }))), "ASIA2");
  const [first, second] = asked.map((one) => new URLSearchParams(one.body));
  assert.equal(asked.map(signer), ["AKIABASE", "ASIA1"]);
  assert.is(first!.get("ExternalId"), "ext");
  assert.is(first!.get("DurationSeconds"), "900");
  assert.is(second!.get("RoleSessionName"), "mine");
  assert.is(second!.get("TokenCode"), "123456");
  assert.is(second!.get("SerialNumber"), "arn:aws:iam::111122223333:mfa/ann");
  assert.match(questions[0]!, "MFA device");
  const nobody = await failure((await found(contextWith(env, { home }))).provider());
  assert.match(nobody.message, "the code of the MFA device");
  asked.length = 0;
  await (await found(contextWith(env, { home }), { profile: "self" })).provider();
  await (await found(contextWith({ ...env, ...KEYS }, { home }), { profile: "named" })).provider();
  assert.equal(asked.map(signer), ["AKIASELF", "AKIAENV"]);
});

test("profiles that cannot be used say why", async () => {
  const config = `[profile loop]
role_arn = ${ROLE}
source_profile = pool
[profile pool]
role_arn = ${ROLE}
source_profile = loop
[profile alone]
role_arn = ${ROLE}
[profile odd]
role_arn = ${ROLE}
credential_source = Moon
[profile dry]
role_arn = ${ROLE}
credential_source = EcsContainer
[profile to-nobody]
role_arn = ${ROLE}
source_profile = nobody
[profile half]
sso_session = x
`;
  const home = homeWith({ config });
  const why = async (profile: string) =>
    shown(await failure(awsCredentials(contextWith({}, { home }), { region, profile })));
  assert.match(await why("loop"), "leads back to itself");
  assert.match(await why("alone"), "role_arn needs source_profile");
  assert.match(await why("odd"), "credential_source Moon, which does not exist");
  assert.match(await why("dry"), "where there are no credentials");
  assert.match(await why("to-nobody"), "the AWS profile nobody is not on this machine");
  assert.match(await why("half"), "not set up completely");
  const missing = await failure(awsCredentials(contextWith({ AWS_PROFILE: "gone" }, { home }), { region }));
  assert.match(shown(missing), /profile gone is not on this machine[\s\S]*\.aws\/config/);
});

test("credential_process: run without a shell, with the context's environment and no identities", async () => {
  const folder = emptyFolder();
  const program = join(folder, "my program");
  const answer = (text: string, code = 0) => {
    writeFileSync(
      program,
      `#!/bin/sh\nenv > '${folder}/env'\necho "$@" > '${folder}/args'\necho secret-noise >&2\necho '${text}'\nexit ${code}\n`,
    );
    chmodSync(program, 0o755);
  };
  const config = `[default]\ncredential_process = "${program}" --for 'a b' $HOME\n`;
  const env = { MARK: "context", SOPS_AGE_KEY: "identity" };
  const source = () => found(contextWith(env, { home: homeWith({ config }) }));
  answer(
    '{"Version":1,"AccessKeyId":"AKIAPROC","SecretAccessKey":"s","SessionToken":"t","Expiration":"2099-01-01T00:00:00Z"}',
  );
  const credentials = await (await source()).provider();
  assert.is(credentials.accessKeyId, "AKIAPROC");
  assert.is(credentials.expiration?.getUTCFullYear(), 2099);
  assert.is(readFileSync(join(folder, "args"), "utf8"), "--for a b $HOME\n");
  assert.match(readFileSync(join(folder, "env"), "utf8"), "MARK=context");
  assert.not.match(readFileSync(join(folder, "env"), "utf8"), "identity");
  const cases: [string, number, string][] = [
    ["secret-noise", 0, "does not print JSON"],
    ['{"Version":2}', 0, "not of version 1"],
    ['{"Version":1,"AccessKeyId":"A"}', 0, "no SecretAccessKey"],
    [
      '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"secret-noise","Expiration":"2020-01-01T00:00:00Z"}',
      0,
      "have expired",
    ],
    ["secret-noise", 3, "exit code 3"],
  ];
  for (const [text, code, why] of cases) {
    answer(text, code);
    const error = await failure((await source()).provider());
    assert.match(error.message, why);
    assert.not.match(shown(error), "secret-noise");
  }
});

test("containers: the address and the token that variables name", async () => {
  const token = join(emptyFolder(), "token");
  writeFileSync(token, "Bearer pod");
  const body = {
    AccessKeyId: "ASIAPOD",
    SecretAccessKey: "s",
    Token: "t",
    Expiration: "2099-01-01T00:00:00Z",
  };
  const { url, asked } = await double((one) => (one.path === "/v1" ? { body } : { status: 404, body: "no" }));
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
  };
  const source = await found(contextWith(env));
  assert.match(source.where, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  assert.is(await keyOf(source), "ASIAPOD");
  assert.is(asked[0]!.headers.authorization, "Bearer pod");
  for (const address of [`${url}/other`, "http://example.com/creds"]) {
    const bad = await found(contextWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: address }));
    assert.match((await failure(bad.provider())).message, "cannot be fetched");
  }
});

test("EC2: asked only where the machine looks like it, or a variable names it", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "vendor"), "Amazon EC2\n");
  const ec2 = [[join(folder, "vendor"), /^Amazon EC2/]] as const;
  const elsewhere = [[join(folder, "nothing"), /./]] as const;
  const at = (env: Record<string, string>, more: Parameters<typeof instanceSource>[1]) =>
    instanceSource(contextWith(env, { home: process.env.HOME ?? "" }), more);
  assert.match(String(await at({}, { dmi: elsewhere })), "does not look like an EC2 instance");
  assert.type(await at({}, { dmi: ec2 }), "object");
  assert.type(await at({ AWS_EC2_METADATA_DISABLED: "false" }, { dmi: elsewhere }), "object");
  for (const more of [{ dmi: ec2 }, { dmi: elsewhere, asked: true }]) {
    assert.match(
      String(await at({ AWS_EC2_METADATA_DISABLED: "true" }, more)),
      "AWS_EC2_METADATA_DISABLED is set",
    );
  }
  const other = await at({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1" }, { dmi: ec2 });
  assert.match(String(other), "reads AWS_EC2_METADATA_SERVICE_ENDPOINT from the process only");
});

test("EC2: the instance's role, by version 2 of the metadata service", async () => {
  const { url, asked } = await double((one) => {
    if (one.method === "PUT") return { body: "imds-token" };
    if (one.path.endsWith("/security-credentials/")) return { body: "my-role" };
    const creds = {
      AccessKeyId: "ASIAEC2",
      SecretAccessKey: "s",
      Token: "t",
      Expiration: "2099-01-01T00:00:00Z",
    };
    return { body: { Code: "Success", ...creds } };
  });
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url };
  await withProcessEnv(env, async () => {
    const source = await found(contextWith(env, { home: process.env.HOME ?? "" }));
    assert.match(source.where, "EC2 instance's role");
    assert.is(await keyOf(source), "ASIAEC2");
  });
  assert.is(asked.at(-1)!.headers["x-aws-ec2-metadata-token"], "imds-token");
  const bare = await double((one) => (one.method === "PUT" ? { body: "t" } : { status: 404, body: "" }));
  const none = { AWS_EC2_METADATA_SERVICE_ENDPOINT: bare.url };
  await withProcessEnv(none, async () => {
    const source = await found(contextWith(none, { home: process.env.HOME ?? "" }));
    assert.match((await failure(source.provider())).message, "the instance has no role");
  });
});

const SSO = `[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-central-1
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = dev
[profile old]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = dev
`;

function logIn(home: string, id: string, token: object): void {
  const path = join(home, ".aws", "sso", "cache", `${createHash("sha1").update(id).digest("hex")}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(token));
}

test("SSO: who is not logged in, or not any more, is told the command", async () => {
  const home = homeWith({ config: SSO });
  const why = async () =>
    shown(await failure((await found(contextWith({}, { home }), { profile: "sso" })).provider()));
  assert.match(await why(), /profile sso: nobody is logged in\nrun aws sso login --profile sso/);
  logIn(home, "corp", { accessToken: "secret-token", expiresAt: "2020-01-01T00:00:00Z" });
  assert.match(await why(), /profile sso has expired\nrun aws sso login --profile sso/);
  logIn(home, "corp", { accessToken: "secret-token", expiresAt: "2099-01-01T00:00:00Z" });
  assert.match(await why(), "AWS's SDK reads the home folder from the process");
});

test("SSO: credentials of a session, and what the portal refuses", async () => {
  const home = homeWith({ config: SSO });
  const far = "2099-01-01T00:00:00Z";
  for (const id of ["corp", "https://corp.awsapps.com/start"])
    logIn(home, id, { accessToken: "token", expiresAt: far });
  const roleCredentials = {
    accessKeyId: "ASIASSO",
    secretAccessKey: "s",
    sessionToken: "t",
    expiration: 4e12,
  };
  let answer: object = { body: { roleCredentials } };
  const { url, asked } = await double(() => answer);
  const env = { AWS_ENDPOINT_URL_SSO: url, HOME: home };
  await withProcessEnv(env, async () => {
    const source = (profile: string) => found(contextWith(env, { home }), { profile });
    assert.is(await keyOf(await source("sso")), "ASIASSO");
    assert.is(await keyOf(await source("old")), "ASIASSO");
    assert.match(asked[0]!.path, /^\/federation\/credentials\?.*role_name=dev/);
    assert.is(asked[0]!.headers["x-amz-sso_bearer_token"], "token");
    const cases: [string, number, RegExp][] = [
      ["UnauthorizedException", 401, /the session has expired\nrun aws sso login --profile sso/],
      ["ForbiddenException", 403, /is not assigned to the person\nsee sso_account_id/],
    ];
    for (const [type, status, text] of cases) {
      answer = { status, headers: { "x-amzn-errortype": type }, body: { message: "raw" } };
      const error = await failure((await source("sso")).provider());
      assert.match(shown(error), text);
      assert.not.match(shown(error), "raw");
    }
  });
  const dead = { AWS_ENDPOINT_URL_SSO: "http://127.0.0.1:1", HOME: home };
  await withProcessEnv(dead, async () => {
    const error = await failure((await found(contextWith(dead, { home }), { profile: "sso" })).provider());
    assert.match(error.message, "cannot be reached: nothing listens there (ECONNREFUSED)");
  });
});

test("SSO: a session that can be renewed is", async () => {
  const home = homeWith({ config: SSO });
  const registered = { clientId: "c", clientSecret: "x", registrationExpiresAt: "2099-01-01T00:00:00Z" };
  logIn(home, "corp", {
    accessToken: "old",
    expiresAt: "2020-01-01T00:00:00Z",
    refreshToken: "r",
    ...registered,
  });
  const roleCredentials = {
    accessKeyId: "ASIASSO",
    secretAccessKey: "s",
    sessionToken: "t",
    expiration: 4e12,
  };
  const portal = await double(() => ({ body: { roleCredentials } }));
  const oidc = await double(() => ({ body: { accessToken: "new", expiresIn: 3600, refreshToken: "r2" } }));
  const env = { AWS_ENDPOINT_URL_SSO: portal.url, AWS_ENDPOINT_URL_SSO_OIDC: oidc.url, HOME: home };
  await withProcessEnv(env, async () => {
    assert.is(await keyOf(await found(contextWith(env, { home }), { profile: "sso" })), "ASIASSO");
  });
  assert.is(JSON.parse(oidc.asked[0]!.body).refreshToken, "r");
  assert.is(portal.asked[0]!.headers["x-amz-sso_bearer_token"], "new");
});

test.after(closeDoubles);
test.run();
