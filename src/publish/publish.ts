import type { Content } from "./content.ts";
import type { Target } from "./target.ts";

/**
 * Puts a content to its target, unless that says the same already. What may be written but not read is written in any
 * case, as SOPS does for Vault.
 * @param unseen called where it cannot be seen what stands there.
 */
export async function publishTo(
  target: Target,
  name: string,
  content: Content,
  unseen: () => Promise<void>,
): Promise<"published" | "unchanged"> {
  const there = await target.read(name);
  if (there === "unreadable") await unseen();
  else if (there !== "nothing" && (await content.same(there))) return "unchanged";
  await target.write(name, await content.bytes());
  return "published";
}
