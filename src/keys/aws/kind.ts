import { TsopsError } from "../../errors.ts";
import { TreeMap } from "../../formats/tree.ts";
import { checkedKeys, withoutControls } from "../controls.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField, unreadable } from "../fields.ts";
import type { KeyKind, MasterKey } from "../kind.ts";
import { lazily } from "../lazily.ts";
import { checkRoleArn, parseKeyArn } from "./arn.ts";

const TITLE = "AWS KMS";

/** AWS KMS keys: ARNs, each with a role to assume behind a `+` if need be (SPEC section 5). */
export const kms: KeyKind = withoutControls({
  name: "kms",
  field: "kms",
  title: TITLE,

  parse: (list) => parseKms(list),

  check({ fields }) {
    parseKeyArn(textField(fields, "arn"));
    const role = textField(fields, "role");
    if (role !== "") checkRoleArn(role);
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    const context = fields.get("context");
    if (context instanceof TreeMap) for (const { key } of context.entries()) textField(context, key);
    else if (context !== undefined && context !== null) {
      throw unreadable("the encryption context of an AWS KMS key is not a map");
    }
    neededField(fields, "arn", TITLE);
    return { kind: "kms", id: idOf(fields), fields };
  },

  ...lazily(async () => (await import("./use.ts")).kmsUse),
});

/** Keys from a list of ARNs, all with the same encryption context and AWS profile. @throws TsopsError("usage") */
export function parseKms(list: string, more: { context?: TreeMap; awsProfile?: string } = {}): MasterKey[] {
  const keys = splitList(list, TITLE).map((part): MasterKey => {
    const text = part.replaceAll(" ", "");
    // An ARN's path may hold a plus sign, but no colon.
    const plus = text.indexOf("+arn:");
    const context = more.context && more.context.entries().length > 0 ? more.context : undefined;
    const fields = sortedFields([
      ["arn", plus > 0 ? text.slice(0, plus) : text],
      ["aws_profile", more.awsProfile ?? ""],
      ["context", context],
      ["role", plus > 0 ? text.slice(plus + 1) : undefined],
    ]);
    return { kind: "kms", id: idOf(fields), fields };
  });
  return checkedKeys(keys, TITLE);
}

/**
 * An encryption context as flags write it: `name:value,name:value`. Undefined if the text is empty.
 * @throws TsopsError("encryption-context") if a pair does not have exactly one colon.
 */
export function parseEncryptionContext(text: string): TreeMap | undefined {
  if (text === "") return undefined;
  const pairs = text.split(",").map((pair) => pair.split(":"));
  if (pairs.some((pair) => pair.length !== 2)) {
    throw new TsopsError("encryption-context", "invalid KMS encryption context format", {
      hint: "write it as name:value,name:value",
    });
  }
  // The last of two values for one name counts.
  return sortedFields(new Map(pairs.map(([name = "", value = ""]) => [name, value])));
}

/** As SOPS prints it: ARN and role, context, profile. */
function idOf(fields: TreeMap): string {
  const role = textField(fields, "role");
  const context = fields.get("context");
  const pairs =
    context instanceof TreeMap ? sortedFields(context.entries().map((e) => [e.key, e.value])) : undefined;
  const shown = pairs?.entries().map(({ key }) => `${key}:${textField(pairs, key)}`) ?? [];
  const arn = textField(fields, "arn") + (role === "" ? "" : `+${role}`);
  const profile = textField(fields, "aws_profile");
  if (profile !== "") return `${arn}|${shown.join(",")}|${profile}`;
  return shown.length > 0 ? `${arn}|${shown.join(",")}` : arn;
}
