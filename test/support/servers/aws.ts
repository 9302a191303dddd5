import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";

/** What a client of AWS's asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `TrentService.Decrypt`, or the Action of STS. */
  readonly action: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: string | object;
  /** No answer at all; the connection stays open. */
  readonly silent?: boolean;
  /** The connection breaks. */
  readonly broken?: boolean;
}

export interface Double {
  readonly url: string;
  readonly asked: Asked[];
}

const servers = new Set<Server>();

/** An HTTP server in this process that answers as a test wants, and notes what it was asked. */
export async function double(answer: (asked: Asked, count: number) => Answer): Promise<Double> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const target = String(request.headers["x-amz-target"] ?? "");
      const one: Asked = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body,
        action: target || (new URLSearchParams(body).get("Action") ?? ""),
      };
      asked.push(one);
      const { status = 200, headers = {}, body: given = {}, silent, broken } = answer(one, asked.length);
      if (silent) return;
      if (broken) return void request.socket.destroy();
      const text = typeof given === "string" ? given : JSON.stringify(given);
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1", ...headers }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  servers.add(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** To be called at the end of a test file: connections that are kept alive would keep the process. */
export function closeDoubles(): void {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}

/** An error as KMS answers it. */
export function refusal(type: string, message = "", status = 400): Answer {
  return { status, body: { __type: type, message } };
}

/** STS's answer to AssumeRole and AssumeRoleWithWebIdentity. */
export function assumed(asked: Asked, keyId = "ASIAROLE", expiration = "2099-01-01T00:00:00Z"): Answer {
  const { action } = asked;
  return {
    headers: { "content-type": "text/xml" },
    body: `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>${keyId}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>${expiration}</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn><AssumedRoleId>x:s</AssumedRoleId></AssumedRoleUser></${action}Result></${action}Response>`,
  };
}

export function stsRefusal(code: string, message = "", status = 400): Answer {
  return {
    status,
    headers: { "content-type": "text/xml" },
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  };
}

/** The access key id that a request was signed with. */
export function signer({ headers }: Asked): string {
  return /Credential=([^/]+)\//.exec(String(headers.authorization))?.[1] ?? "";
}

export async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

/** Everything that a person may get to see of an error. */
export function shown(error: TsopsError): string {
  return `${error.message}\n${error.hint ?? ""}`;
}

/** For what AWS's SDK reads from the process only: sets variables while `work` runs. */
export async function withProcessEnv<T>(
  variables: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
