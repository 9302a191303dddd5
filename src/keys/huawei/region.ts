import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";

/**
 * Where requests go. A file names only a region, and its text never becomes part of an address by itself: it picks one
 * of the vendor's regions from the list below, or an address that the person's environment gives for that region. So no
 * file can send anyone's credentials elsewhere.
 */

/** The regions that have a KMS, by the vendor's SDK for Go (as of version 0.1.207, which SOPS 3.13.3 uses). */
const KMS_REGIONS: readonly string[] = `
  ae-ad-1 af-north-1 af-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 cn-east-2
  cn-east-3 cn-east-4 cn-east-5 cn-north-1 cn-north-11 cn-north-12 cn-north-2 cn-north-4 cn-north-9 cn-south-1 cn-south-2
  cn-south-4 cn-southwest-2 cn-southwest-3 eu-west-101 la-north-2 la-south-2 me-east-1 my-kualalumpur-1 na-mexico-1
  ru-moscow-1 sa-brazil-1 tr-west-1`
  .trim()
  .split(/\s+/);

/** The regions whose IAM has an address of its own, by the same source. */
const IAM_REGIONS: readonly string[] = `
  ae-ad-1 af-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 cn-east-2 cn-east-3 cn-east-4 cn-east-5
  cn-north-1 cn-north-12 cn-north-2 cn-north-4 cn-north-9 cn-south-1 cn-south-2 cn-southwest-2 eu-west-0 la-north-2
  la-south-2 me-east-1 my-kualalumpur-1 na-mexico-1 ru-moscow-1 sa-brazil-1 tr-west-1`
  .trim()
  .split(/\s+/);

const GLOBAL_IAM = "https://iam.myhuaweicloud.com";

/** The variable that gives the KMS of a region another address. */
export function endpointVariable(region: string): string {
  return `HUAWEICLOUD_SDK_REGION_KMS_${region.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * The addresses of a region's KMS, the first one first: from the variable, from the person's list of regions, from the
 * vendor's. The others are for when the first one's name is unknown.
 * @throws TsopsError if there is no such region, or an address is malformed.
 */
export async function kmsEndpoints(region: string, context: KeyContext): Promise<URL[]> {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/i.test(region)) {
    throw new TsopsError("bad-key", `${printable(region)} is not the name of a region`, {
      hint: "regions are letters, digits and hyphens, such as tr-west-1: check where the file's key comes from",
    });
  }
  const variable = endpointVariable(region);
  const named = context.env[variable];
  if (named) return named.split(",").map((text) => endpoint(text, variable));
  const listed = await endpointsOfFile(region, context);
  if (listed.length > 0) return listed;
  if (!KMS_REGIONS.includes(region)) {
    throw new TsopsError("bad-key", `HuaweiCloud has no KMS in a region ${region} that this version knows`, {
      hint: `check the region before the colon; for a new one, put its address into ${variable}`,
    });
  }
  return [new URL(`https://kms.${region}.myhuaweicloud.${region === "eu-west-101" ? "eu" : "com"}`)];
}

/** The address of IAM, which knows projects and gives temporary credentials. */
export function iamEndpoint(context: KeyContext, region?: string, fromProfile?: string): URL {
  if (fromProfile) return endpoint(fromProfile, "iam_endpoint of the credentials file");
  const named = context.env.HUAWEICLOUD_SDK_IAM_ENDPOINT;
  if (named) return endpoint(named, "HUAWEICLOUD_SDK_IAM_ENDPOINT");
  const regional = region !== undefined && IAM_REGIONS.includes(region);
  return new URL(regional ? `https://iam.${region}.myhuaweicloud.com` : GLOBAL_IAM);
}

/** HTTPS unless the address says otherwise. */
function endpoint(text: string, from: string): URL {
  const trimmed = text.trim();
  const full = /^https?:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url && url.username === "" && url.password === "") return url;
  throw new TsopsError("bad-setting", `${from} holds no address`, { hint: "write it as https://HOST" });
}

/** `regions.yaml`: for each service a list of maps with `id` and `endpoint` or `endpoints`. */
async function endpointsOfFile(region: string, { env, home }: KeyContext): Promise<URL[]> {
  const named = env.HUAWEICLOUD_SDK_REGIONS_FILE;
  const path = named || join(home, ".huaweicloud", "regions.yaml");
  let text: string;
  try {
    text = await withRoom(() => readFileSync(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new TsopsError("bad-setting", `${printable(path)} cannot be read (${code ?? "unknown cause"})`);
  }
  const { loadFormat } = await import("../../formats/index.ts");
  const { buildTrees } = await import("../../formats/build.ts");
  const { toPlain } = await import("../../formats/plain.ts");
  const { entries, documents } = (await loadFormat("yaml")).read(text);
  const services = toPlain(buildTrees(entries, documents)[0]!) as Record<string, unknown>;
  return Object.entries(services)
    .filter(([service]) => service.toUpperCase() === "KMS")
    .flatMap(([, regions]) => (Array.isArray(regions) ? regions : []))
    .filter((entry) => entry?.id === region)
    .flatMap(({ endpoint: one, endpoints: many }) => [one, ...(Array.isArray(many) ? many : [])])
    .filter((address): address is string => typeof address === "string" && address !== "")
    .map((address) => endpoint(address, printable(path)));
}
