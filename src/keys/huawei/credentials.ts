import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { hasSign, signsOf } from "../../net/machine.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { Login } from "../login.ts";
import type { Credentials } from "./sign.ts";
import { federatedCredentials, instanceCredentials, podCredentials } from "./temporary.ts";

/**
 * Credentials for HuaweiCloud, from where the vendor's SDK for Go, and so SOPS, has them, in its order: environment,
 * credentials file, metadata service of the machine, identity of the pod. Which of them there are is found out without
 * the network.
 */

export interface Source {
  /** For reports. */
  readonly name: string;
  /** If it fails, the next one counts: the SDK finds out only by asking. */
  readonly mayFail?: true;
  load(): Promise<Credentials>;
}

/** Credentials, and the place that they come from. */
export interface Loaded extends Credentials {
  readonly source: string;
}

export interface Sources {
  readonly found: readonly Source[];
  /** Where there is nothing, or too little, and what is missing. */
  readonly missing: readonly string[];
}

/** What says on a HuaweiCloud machine that it is one (as cloud-init recognizes it). */
const SIGNS = signsOf(["chassis_asset_tag"], /^HUAWEICLOUD$/);
const METADATA_ADDRESS = "http://169.254.169.254";
/** Temporary credentials are fetched again so long before they expire. */
const REFRESH_MS = 10 * 60_000;

/** The places that have credentials, the first one first. Touches no network. */
export async function credentialSources(context: KeyContext): Promise<Sources> {
  const places = [
    fromEnvironment(context),
    await fromFile(context),
    await fromMachine(context),
    fromPod(context),
  ];
  return {
    found: places.filter((place): place is Source => typeof place !== "string"),
    missing: places.filter((place): place is string => typeof place === "string"),
  };
}

/**
 * The credentials to use; undefined if there are none. Those that expire are fetched again in time.
 * @throws TsopsError("bad-credentials") if they should be there, but cannot be had.
 */
export async function loadCredentials(context: KeyContext): Promise<Loaded | undefined> {
  const login = once(context, "hckms credentials", () => {
    return new Login(context, load, {
      now: () => context.now().getTime(),
      until: (loaded) => (loaded?.expires ? loaded.expires - REFRESH_MS : Number.POSITIVE_INFINITY),
    });
  });
  return await login.get();
}

async function load(context: KeyContext): Promise<Loaded | undefined> {
  const { found } = await credentialSources(context);
  for (const [i, source] of found.entries()) {
    try {
      return { ...checked(await source.load(), source.name), source: source.name };
    } catch (error) {
      if (!source.mayFail || i === found.length - 1) throw error;
    }
  }
  return undefined;
}

/** They become headers: nothing but visible ASCII can. */
function checked(credentials: Credentials, source: string): Credentials {
  const { accessKey, securityToken = "", projectId = "" } = credentials;
  if ([accessKey, securityToken, projectId].every((text) => /^[\x21-\x7e]*$/.test(text))) return credentials;
  throw new TsopsError("bad-credentials", `the credentials from ${source} contain spaces or line breaks`, {
    hint: "set them again without the characters around them",
  });
}

interface Fields {
  readonly ak: string;
  readonly sk: string;
  readonly token: string;
  readonly project: string;
  readonly idp: string;
  readonly idTokenFile: string;
  readonly iam: string;
}

/** Federated credentials win over keys, as in the SDK. A text says what is missing. */
function sourceOf(
  name: string,
  names: Fields,
  get: (name: string) => string,
  context: KeyContext,
): Source | string {
  const projectId = get(names.project) || undefined;
  const iam = get(names.iam) || undefined;
  const [idp, idTokenFile] = [get(names.idp), get(names.idTokenFile)];
  if (idp && idTokenFile) {
    const load = async (): Promise<Credentials> => ({
      ...(await federatedCredentials(context, idp, idTokenFile, iam)),
      projectId,
      iamEndpoint: iam,
    });
    return { name: `${name} (identity provider ${printable(idp)})`, load };
  }
  const [accessKey, secretKey] = [get(names.ak), get(names.sk)];
  if (accessKey && secretKey) {
    const securityToken = get(names.token) || undefined;
    return { name, load: async () => ({ accessKey, secretKey, securityToken, projectId, iamEndpoint: iam }) };
  }
  const missing = (half: string) => `${name}: ${half} is missing`;
  if (accessKey) return missing(names.sk);
  if (secretKey) return missing(names.ak);
  if (idp) return missing(names.idTokenFile);
  if (idTokenFile) return missing(names.idp);
  return `${name}: neither ${names.ak} and ${names.sk} nor ${names.idp}`;
}

function fromEnvironment(context: KeyContext): Source | string {
  const names: Fields = {
    ak: "HUAWEICLOUD_SDK_AK",
    sk: "HUAWEICLOUD_SDK_SK",
    token: "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    project: "HUAWEICLOUD_SDK_PROJECT_ID",
    idp: "HUAWEICLOUD_SDK_IDP_ID",
    idTokenFile: "HUAWEICLOUD_SDK_ID_TOKEN_FILE",
    iam: "",
  };
  return sourceOf("the environment", names, (name) => context.env[name] ?? "", context);
}

const FILE_NAMES: Fields = {
  ak: "ak",
  sk: "sk",
  token: "security_token",
  project: "project_id",
  idp: "idp_id",
  idTokenFile: "id_token_file",
  iam: "iam_endpoint",
};

/** The section `basic` of the credentials file. */
async function fromFile(context: KeyContext): Promise<Source | string> {
  const path =
    context.env.HUAWEICLOUD_SDK_CREDENTIALS_FILE || join(context.home, ".huaweicloud", "credentials");
  const name = printable(path);
  let text: string;
  try {
    text = await withRoom(() => readFileSync(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `${name}: ${code === "ENOENT" || code === "ENOTDIR" ? "there is no such file" : `it cannot be read (${code})`}`;
  }
  const values = await basicSection(text).catch(() => undefined);
  if (!values) return `${name}: it is not an INI file`;
  return sourceOf(name, FILE_NAMES, (key) => values.get(key) ?? "", context);
}

async function basicSection(text: string): Promise<Map<string, string>> {
  const { loadFormat } = await import("../../formats/index.ts");
  const { pathOf } = await import("../../formats/format.ts");
  const { entries } = (await loadFormat("ini")).read(text);
  const values = new Map<string, string>();
  for (const entry of entries) {
    const [section, key] = pathOf(entry);
    if (entry.kind === "value" && section === "basic") values.set(String(key), String(entry.value));
  }
  return values;
}

/**
 * The agency of the machine. Asking elsewhere than on such a machine costs seconds, and asks a stranger:
 * `TSOPS_HUAWEICLOUD_METADATA` says `on`, `off` or an address where the machine itself does not tell.
 */
async function fromMachine(context: KeyContext): Promise<Source | string> {
  const said = context.env.TSOPS_HUAWEICLOUD_METADATA ?? "";
  const address = /^https?:\/\//.test(said) ? said : METADATA_ADDRESS;
  const name = "the machine's metadata service";
  if (said === "off") return `${name}: TSOPS_HUAWEICLOUD_METADATA is off`;
  if (said === "" && !(await hasSign(SIGNS))) return `${name}: this is not a HuaweiCloud machine`;
  return { name, mayFail: true, load: () => instanceCredentials(context, address) };
}

function fromPod(context: KeyContext): Source | string {
  const uri = context.env.HC_CONTAINER_CREDENTIALS_FULL_URI;
  const file = context.env.HC_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const name = "the pod's identity";
  if (!uri || !file) return `${name}: HC_CONTAINER_CREDENTIALS_FULL_URI is not set`;
  return { name, mayFail: true, load: () => podCredentials(context, uri, file) };
}
