import { readFile } from "node:fs/promises";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { splitCommand } from "../../programs/words.ts";
import type { KeyContext } from "../kind.ts";
import { runLogin } from "../login-program.ts";

const LIMIT_SECONDS = 30;
const PROGRAM = "the program that the Google credentials name";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The token of another system that a program prints (https://google.aip.dev/auth/4117, executable-sourced credentials),
 * or that it left in a file and that is still good. The program is run only if the environment allows that.
 * @throws TsopsError with what to do.
 */
export async function executableToken(
  executable: Fields,
  file: Fields,
  context: KeyContext,
): Promise<string> {
  const output = typeof executable.output_file === "string" ? executable.output_file : undefined;
  const kept = output && (await withRoom(() => readFile(output, "utf8")).catch(() => undefined));
  const token = kept ? tokenIn(kept, context, true) : undefined;
  return token ?? runFor(executable, output, file, context);
}

async function runFor(
  executable: Fields,
  output: string | undefined,
  file: Fields,
  context: KeyContext,
): Promise<string> {
  if (context.env.GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES !== "1") {
    throw new TsopsError(
      "bad-setting",
      "the Google credentials name a program to run, which is not allowed",
      {
        hint: "if you trust it, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1",
      },
    );
  }
  const target = /serviceAccounts\/([^:]+):generateAccessToken$/.exec(
    String(file.service_account_impersonation_url),
  )?.[1];
  const variables = {
    GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE: String(file.audience),
    GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE: String(file.subject_token_type),
    GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE: "0",
    ...(output && { GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE: output }),
    ...(target && { GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL: target }),
  };
  const limit = Number(executable.timeout_millis) / 1000 || LIMIT_SECONDS;
  const argv = await splitCommand(String(executable.command));
  const { code, stdout } = await runLogin({ argv, named: PROGRAM, variables, limit }, context);
  const token = code === 0 ? tokenIn(stdout.toString(), context, false) : undefined;
  stdout.fill(0);
  if (token) return token;
  throw new TsopsError("program-failed", `${PROGRAM} gives no token`, {
    hint: "run it by hand and see what it says",
  });
}

function tokenIn(text: string, context: KeyContext, mustExpire: boolean): string | undefined {
  let answer: Fields;
  try {
    answer = JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
  if (answer.success !== true) return undefined;
  const expires = answer.expiration_time as number | undefined;
  const good = expires === undefined ? !mustExpire : expires * 1000 > context.now().getTime();
  const token = answer.id_token ?? answer.saml_response;
  return good && typeof token === "string" ? token : undefined;
}
