/** Region and UUID; undefined if one of them is missing. */
export function splitHuaweiId(id: string): { region: string; uuid: string } | undefined {
  const colon = id.indexOf(":");
  const region = id.slice(0, Math.max(colon, 0)).trim();
  const uuid = id.slice(colon + 1).trim();
  return region === "" || uuid === "" ? undefined : { region, uuid };
}
