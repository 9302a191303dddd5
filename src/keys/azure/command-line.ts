import { access } from "node:fs/promises";
import { join } from "node:path";
import { printable } from "../../printable.ts";
import { findProgram } from "../../programs/run.ts";
import type { KeyContext } from "../kind.ts";
import { runLogin } from "../login-program.ts";
import {
  type AccessToken,
  type AzureSource,
  type GetTokenOptions,
  type Missing,
  type SourceName,
  Unavailable,
} from "./sources.ts";

/** Credentials of programs that a person has logged in with. */

interface Tool {
  readonly name: SourceName;
  readonly program: string;
  readonly title: string;
  /** Where it keeps its login: in the home folder, unless a variable names another place. */
  readonly place: string;
  readonly variable?: string;
  readonly login: string;
  argv(scope: string, tenant: string | undefined): string[];
  token(answer: Record<string, unknown>): AccessToken;
}

const AZ: Tool = {
  name: "AzureCLICredential",
  program: "az",
  title: "Azure CLI",
  place: ".azure",
  variable: "AZURE_CONFIG_DIR",
  login: "az login",
  argv: (scope, tenant) => [
    ...["account", "get-access-token", "--output", "json", "--resource", scope.replace(/\/\.default$/, "")],
    ...(tenant ? ["--tenant", tenant] : []),
  ],
  // older versions only give a local time
  token: ({ accessToken, expires_on, expiresOn }) =>
    tokenOf(accessToken, Number(expires_on) * 1000 || Date.parse(String(expiresOn))),
};

const AZD: Tool = {
  name: "AzureDeveloperCLICredential",
  program: "azd",
  title: "Azure Developer CLI",
  place: ".azd",
  variable: "AZD_CONFIG_DIR",
  login: "azd auth login",
  argv: (scope, tenant) => [
    ...["auth", "token", "--output", "json", "--no-prompt", "--scope", scope],
    ...(tenant ? ["--tenant-id", tenant] : []),
  ],
  token: ({ token, expiresOn }) => tokenOf(token, Date.parse(String(expiresOn))),
};

/** Newer versions of its module give the token as a SecureString. */
const POWERSHELL: Tool = {
  name: "AzurePowerShellCredential",
  program: "pwsh",
  title: "Azure PowerShell",
  place: join(".Azure", "AzureRmContext.json"),
  login: "Connect-AzAccount",
  argv: (scope, tenant) => [
    ...["-NoLogo", "-NoProfile", "-NonInteractive", "-Command"],
    `$ErrorActionPreference = 'Stop'
$t = Get-AzAccessToken -ResourceUrl '${scope.replace(/\/\.default$/, "")}'${tenant ? ` -TenantId '${tenant}'` : ""}
$s = $t.Token
if ($s -is [securestring]) { $s = [System.Net.NetworkCredential]::new('', $s).Password }
@{ token = $s; expiresOn = $t.ExpiresOn.ToUniversalTime().ToString('o') } | ConvertTo-Json -Compress`,
  ],
  token: ({ token, expiresOn }) => tokenOf(token, Date.parse(String(expiresOn))),
};

export const azureCli = (context: KeyContext) => toolSource(AZ, context);
export const azureDeveloperCli = (context: KeyContext) => toolSource(AZD, context);
export const powerShell = (context: KeyContext) => toolSource(POWERSHELL, context);

async function toolSource(tool: Tool, context: KeyContext): Promise<AzureSource | Missing> {
  const { title, variable, program } = tool;
  const found = findTool(program, context.env);
  if (!found) return { missing: `${title}: no ${program} on PATH` };
  const place = (variable && context.env[variable]) || join(context.home, tool.place);
  if (!(await exists(place))) return { missing: `${title}: no login, since there is no ${printable(place)}` };
  return {
    name: tool.name,
    where: `${title} (${printable(found)}), logged in by ${printable(place)}`,
    make: async () => ({
      getToken: (scopes, options) => askTool(tool, found, { ...options, scope: String(scopes) }, context),
    }),
  };
}

/** On Windows `az` is a batch file, which only its interpreter can run. */
function findTool(program: string, env: KeyContext["env"]): string | undefined {
  if (process.platform !== "win32" || program !== "az") return findProgram(program, env);
  return findProgram(program, env, [".cmd"]);
}

async function askTool(
  tool: Tool,
  program: string,
  { scope, claims, tenantId: tenant }: GetTokenOptions & { readonly scope: string },
  context: KeyContext,
): Promise<AccessToken> {
  if (claims) throw new Unavailable(`a new login is wanted: run \`${tool.login}\``);
  // the vault says both: no batch file or shell may take them for commands
  if (!/^[\w.:/-]+$/.test(scope) || (tenant && !/^[\w.-]+$/.test(tenant))) {
    throw new Unavailable("the vault asks for a token in a strange way");
  }
  const args = tool.argv(scope, tenant);
  const batch = program.endsWith(".cmd") ? [context.env.ComSpec || "cmd.exe", "/d", "/c"] : [];
  const named = `the login of ${tool.title}`;
  const outcome = await runLogin({ argv: [...batch, program, ...args], named }, context);
  try {
    if (outcome.code !== 0) throw new Unavailable(failure(tool, outcome.stderr));
    return tool.token(JSON.parse(outcome.stdout.toString()) as Record<string, unknown>);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Unavailable(`${tool.program} printed something unexpected`);
    throw error;
  } finally {
    outcome.stdout.fill(0);
  }
}

function failure({ program, login }: Tool, stderr: string): string {
  const [code] = /AADSTS\d+/.exec(stderr) ?? [];
  if (code) return `${program} could not get a token (${code}): run \`${login}\``;
  if (/log ?in|Connect-AzAccount/i.test(stderr)) return `nobody is logged in: run \`${login}\``;
  return `${program} ended with an error: see what \`${login}\` says`;
}

function tokenOf(token: unknown, expiresOnTimestamp: number): AccessToken {
  if (typeof token === "string" && token !== "" && !Number.isNaN(expiresOnTimestamp)) {
    return { token, expiresOnTimestamp, tokenType: "Bearer" };
  }
  throw new SyntaxError("no token in it");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
