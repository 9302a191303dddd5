import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { splitCommand } from "../../programs/words.ts";
import type { KeyContext } from "../kind.ts";
import { runLogin } from "../login-program.ts";
import type { AwsCredentials, CredentialSource } from "./source.ts";

/**
 * `credential_process` of a profile: a program that prints credentials as JSON. Run without a shell and with the
 * context's environment (the SDK would use a shell and the process's).
 */
export function processSource(context: KeyContext, command: string, profile: string): CredentialSource {
  const named = `the credential_process of the AWS profile ${printable(profile)}`;
  return {
    where: named,
    renew: `see why ${named} gives such credentials: run it by hand`,
    provider: async () => {
      const { code, stdout } = await runLogin({ argv: await splitCommand(command), named }, context);
      try {
        // what it printed may hold anything
        if (code !== 0)
          throw failed(named, `it ends with ${code === null ? "a signal" : `exit code ${code}`}`);
        return readCredentials(stdout, named, context.now());
      } finally {
        stdout.fill(0);
      }
    },
  };
}

/** The format is that of "Sourcing credentials with an external process" in AWS's SDK reference. */
function readCredentials(output: Buffer, named: string, now: Date): AwsCredentials {
  let given: Record<string, unknown>;
  try {
    given = Object(JSON.parse(output.toString("utf8")));
  } catch {
    // the error's own message may quote the output
    throw failed(named, "it does not print JSON");
  }
  const text = (name: string) => (typeof given[name] === "string" ? (given[name] as string) : "");
  if (given.Version !== 1) throw failed(named, "what it prints is not of version 1");
  if (!text("AccessKeyId") || !text("SecretAccessKey")) {
    throw failed(named, "it prints no AccessKeyId or no SecretAccessKey");
  }
  const expiration = text("Expiration") ? new Date(text("Expiration")) : undefined;
  if (expiration && !(expiration > now)) throw failed(named, "the credentials that it prints have expired");
  return {
    accessKeyId: text("AccessKeyId"),
    secretAccessKey: text("SecretAccessKey"),
    ...(text("SessionToken") ? { sessionToken: text("SessionToken") } : {}),
    ...(expiration ? { expiration } : {}),
  };
}

function failed(named: string, why: string): TsopsError {
  return new TsopsError("program-failed", `${named} does not work: ${why}`, {
    hint: "run it by hand and see what it prints",
  });
}
