import { TsopsError } from "../../errors.ts";
import { TreeMap } from "../../formats/tree.ts";
import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField, unreadable } from "../fields.ts";
import type { GivenForKeys, MasterKey } from "../kind.ts";
import { AWS_PROFILES, AWS_ROLES } from "./allow.ts";
import { checkRoleArn, parseKeyArn } from "./arn.ts";

const TITLE = "AWS KMS";
const ARN = "arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[\\w/:=,.@-]+";
const ROLE = "(\\+arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+)?";

/** AWS KMS keys: ARNs, each with a role to assume behind a `+` if need be (docs/internals/sops.md §5). */
export const kms = defineKind({
  name: "kms",
  title: TITLE,
  uris: [
    {
      scheme: "awskms://",
      stands: "",
      example: "awskms://arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
      // other tools write `awskms:///arn:…`: their URIs have room for an endpoint
      optional: "/",
      rest: `${ARN}${ROLE}`,
    },
  ],
  bare: /^arn:/,
  sops: {
    field: "kms",
    written: ["aws_profile"],
    option: "kms",
    alias: "k",
    listed: "AWS KMS ARNs",
    variable: "SOPS_KMS_ARN",
    rule: "kms",
    group: "kms",
    groupFields: ["arn", "role", "context", "aws_profile"],
    groupId: (text) => text("arn"),
    place: { option: 1, rule: 3 },
  },
  wire: {
    name: "kms_key",
    number: 1,
    fields: [
      { wire: "arn", own: "arn" },
      { wire: "role", own: "role" },
      { wire: "context", own: "context", map: true },
      { wire: "aws_profile", own: "aws_profile" },
    ],
  },
  withProfile: true,
  examinedFor: () => "",
  names: [AWS_ROLES, AWS_PROFILES],
  secrets: {
    prefixes: ["AWS_"],
    words: ["aws"],
    credentials: [
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_SECURITY_TOKEN",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ],
  },

  parse: parseKms,

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

  // ARN+ROLE|CONTEXT|PROFILE, as SOPS prints it
  spellings(id) {
    const whole = id.replaceAll(" ", "");
    return [whole, whole.replace(/\|.*/, ""), whole.replace(/(?:\+arn:|\|).*/, "")];
  },

  // whatever role and profile a person comes with
  holder: ({ fields }) => textField(fields, "arn"),

  use: async () => (await import("./use.ts")).kmsUse,
});

/** Keys from a list of ARNs, all with the same encryption context and AWS profile. @throws TsopsError("usage") */
function parseKms(list: string, { context: given, awsProfile = "" }: GivenForKeys = {}): MasterKey[] {
  const context = given && given.entries().length > 0 ? given : undefined;
  return splitList(list, TITLE).map((part): MasterKey => {
    const text = part.replaceAll(" ", "");
    // An ARN's path may hold a plus sign, but no colon.
    const plus = text.indexOf("+arn:");
    const fields = sortedFields([
      ["arn", plus > 0 ? text.slice(0, plus) : text],
      ["aws_profile", awsProfile],
      ["context", context],
      ["role", plus > 0 ? text.slice(plus + 1) : undefined],
    ]);
    return { kind: "kms", id: idOf(fields), fields };
  });
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
