import { DURATION, DURATION_WORDS } from "../duration.ts";
import { FORMAT_NAMES } from "../formats/index.ts";
import { ALLOW_LISTS } from "../keys/allow-lists.ts";
import { sopsKinds } from "../keys/table.ts";
import { URI_FORMS, uriPattern } from "../keys/uri.ts";
import { SELECTOR_KINDS } from "../sops/selection.ts";
import { type FieldsShape, jsonSchema, type Shape } from "./shape.ts";
import { TARGET_CHOICE } from "./targets.ts";

/**
 * The shapes of a `.sopsrc` and of the user's own configuration: the only place that says which fields there are.
 * docs/config.md explains them.
 */

const NAME = {
  pattern: /^[^\s:,\x00-\x1f\x7f][^:,\x00-\x1f\x7f]*$/,
  words: "a name does not begin with a space, and has no colon, comma or control character",
};

const RECIPIENT: Shape = {
  is: "text",
  schemaPattern: `^(?:(?!AGE-|age1|ssh-)${NAME.pattern.source.slice(1)}|${uriPattern()}$)`,
  about: "The name of a key or a group, or the URI of a key.",
  examples: ["alice", "team", ...URI_FORMS.map(({ example }) => example)],
};

const RECIPIENTS: Shape = {
  is: "either",
  about: "Who can read the files: names of keys and groups, and URIs of keys.",
  of: [RECIPIENT, { is: "list", of: RECIPIENT, atLeast: 1 }],
};

const URI: Shape = {
  is: "text",
  schemaPattern: `^(?:${uriPattern()})$`,
  about: "The URI of a key.",
  examples: URI_FORMS.map(({ example }) => example),
};

const KEY: Shape = {
  is: "either",
  of: [
    URI,
    {
      is: "fields",
      about: "An AWS KMS key that needs more than its ARN.",
      fields: {
        uri: URI,
        role: { is: "text", about: "ARN of the role to assume." },
        profile: { is: "text", about: "Name of the AWS profile to use." },
        context: {
          is: "names",
          about: "Encryption context.",
          name: { pattern: /./, words: "a name is not empty" },
          of: { is: "text" },
        },
      },
      needed: ["uri"],
    },
  ],
};

const THRESHOLD: Shape = {
  is: "number",
  from: 2,
  to: 255,
  about: "How many of the key groups are needed to decrypt. All of them if not given.",
};

export const SHARING = ["folder", "rule"] as const;

const SHARE_DATA_KEY: Shape = {
  is: "text",
  about:
    "Which files share one data key when they are encrypted or rotated in one run: those of a folder, or all of the rule. A key service is then asked once for all of them, and whoever gets the data key of one can read all.",
  oneOf: SHARING,
};

const KEY_GROUPS: Shape = {
  is: "list",
  about: "Groups of keys, each of which opens one share of the data key: one key of each group is needed.",
  of: RECIPIENTS,
  atLeast: 1,
};

const SELECTOR_ABOUT: Record<(typeof SELECTOR_KINDS)[number], string> = {
  unencrypted_suffix: "Leave values plain whose key, or a key above it, ends with this.",
  encrypted_suffix: "Encrypt only values whose key, or a key above it, ends with this.",
  unencrypted_regex: "Leave values plain whose key, or a key above it, matches this RE2 expression.",
  encrypted_regex: "Encrypt only values whose key, or a key above it, matches this RE2 expression.",
  unencrypted_comment_regex: "Leave values plain that are under a comment that matches this RE2 expression.",
  encrypted_comment_regex: "Encrypt only values that are under a comment that matches this RE2 expression.",
};

const SELECTION: Readonly<Record<string, Shape>> = {
  ...Object.fromEntries(SELECTOR_KINDS.map((kind) => [kind, { is: "text", about: SELECTOR_ABOUT[kind] }])),
  mac_only_encrypted: {
    is: "truth",
    default: false,
    about: "Let the MAC cover encrypted values only, so that plain ones can be edited without a key.",
  },
};

const GLOB: Shape = { is: "text", about: "A file pattern.", examples: ["*.enc.yaml", "prod/**/*.json"] };

const PATHS: Readonly<Record<string, Shape>> = {
  name: { is: "text", about: "What to call the rule in messages." },
  path: {
    is: "text",
    about:
      "An RE2 expression that has to match somewhere in the path, which begins at the folder of this file.",
    examples: ["^prod/.*\\.yaml$"],
  },
  glob: {
    is: "either",
    about: "File patterns, of which one has to match. Without a slash, it is for names in any folder.",
    of: [GLOB, { is: "list", of: GLOB, atLeast: 1 }],
  },
};

/** SOPS's names of the fields that hold keys. */
const SOPS_KEYS = {
  ...Object.fromEntries(
    sopsKinds("rule").map(({ sops, uris }) => [sops.rule, `recipients: ["${uris[0]!.scheme}…"]`]),
  ),
  aws_profile: "profile, a field of a key",
};

const RECREATION_RULE: Shape = {
  is: "fields",
  about: "Whom and how to encrypt the file again for, before it is published.",
  fields: {
    recipients: RECIPIENTS,
    key_groups: KEY_GROUPS,
    shamir_threshold: THRESHOLD,
    ...SELECTION,
  },
  exactlyOne: [["recipients", "key_groups"]],
  atMostOne: [[...SELECTOR_KINDS]],
  otherNames: SOPS_KEYS,
};

const FORMAT: Shape = {
  is: "text",
  about:
    "What its files are, where their names do not say it: SOPS's own endings (.yaml, .json, .env, .ini) count more.",
  oneOf: FORMAT_NAMES,
};

const RULE: Shape = {
  is: "fields",
  fields: {
    ...PATHS,
    format: FORMAT,
    recipients: RECIPIENTS,
    key_groups: KEY_GROUPS,
    shamir_threshold: THRESHOLD,
    share_data_key: SHARE_DATA_KEY,
    ...SELECTION,
  },
  exactlyOne: [["recipients", "key_groups"]],
  atMostOne: [["path", "glob"], [...SELECTOR_KINDS]],
  otherNames: { path_regex: "path", ...SOPS_KEYS },
};

const DESTINATION: Shape = {
  is: "fields",
  fields: {
    ...PATHS,
    s3_bucket: { is: "text", about: "The S3 bucket to put the encrypted file into." },
    s3_prefix: { is: "text", about: "What to put before its name there." },
    gcs_bucket: { is: "text", about: "The Google Cloud Storage bucket to put the encrypted file into." },
    gcs_prefix: { is: "text", about: "What to put before its name there." },
    vault_path: { is: "text", about: "The path in Vault to write the decrypted values to." },
    vault_address: { is: "text", about: "Address of the Vault server; that of VAULT_ADDR if not given." },
    vault_kv_mount_name: { is: "text", about: "Where the KV engine is mounted; secret/ if not given." },
    vault_kv_version: { is: "number", from: 1, to: 2, about: "Version of the KV engine; 2 if not given." },
    azure_account: {
      is: "text",
      about: "The Azure storage account with the container; azure_url instead for other clouds.",
      examples: ["examplesecrets"],
    },
    azure_url: {
      is: "text",
      about: "Its address for blobs, instead of its name.",
      examples: ["https://examplesecrets.blob.core.windows.net"],
    },
    azure_container: { is: "text", about: "The Azure Blob container to put the encrypted file into." },
    azure_prefix: { is: "text", about: "What to put before its name there." },
    folder: {
      is: "text",
      about: "The folder to put the encrypted file into; a relative one starts at the folder of this file.",
    },
    omit_extensions: {
      is: "truth",
      default: false,
      about: "Leave the file's extension out of its name there.",
    },
    recreation_rule: RECREATION_RULE,
  },
  exactlyOne: [TARGET_CHOICE],
  atMostOne: [
    ["path", "glob"],
    ["azure_account", "azure_url"],
  ],
  otherNames: { path_regex: "path" },
};

const STORE = (format: string): Shape => ({
  is: "fields",
  fields: {
    indent: {
      is: "number",
      from: 0,
      to: 32,
      about: `How many spaces each level is indented by, where tsops writes all of a file as ${format}.`,
    },
  },
});

const ALLOW: Shape = {
  is: "fields",
  about: "Servers, roles, profiles and plugins that your credentials and data keys may be used with.",
  fields: Object.fromEntries(
    ALLOW_LISTS.map(({ field, about, example }) => [
      field,
      { is: "list", about, of: { is: "text", examples: [example] } },
    ]),
  ),
};

/** SOPS's names of our lists. */
export const SOPS_LISTS = { creation_rules: "rules", destination_rules: "destinations" };

export const SOPSRC: FieldsShape = {
  is: "fields",
  about: "Configuration of tsops: who can read which files, and which of their values are encrypted.",
  otherNames: SOPS_LISTS,
  fields: {
    $schema: { is: "text", about: "The JSON Schema of this file, for editors." },
    keys: {
      is: "names",
      about: "Names for keys. Rules use them, and messages show them.",
      name: NAME,
      of: KEY,
    },
    groups: {
      is: "names",
      about: "Names for several keys at once. Groups may hold groups.",
      name: NAME,
      of: { is: "list", of: RECIPIENT, atLeast: 1 },
    },
    rules: {
      is: "list",
      about: "Rules for new files. The first one whose path or glob matches counts.",
      of: RULE,
    },
    destinations: {
      is: "list",
      about: "Where files are published to. The first one whose path or glob matches counts.",
      of: DESTINATION,
    },
    stores: {
      is: "fields",
      about: "How files are written where tsops cannot keep their layout.",
      fields: {
        yaml: STORE("YAML"),
        json: STORE("JSON"),
        json_binary: STORE("the JSON around a binary file"),
      },
    },
    seal: {
      is: "truth",
      default: true,
      about: "Seal what the MAC does not cover: names, order, comments, selectors and recipients.",
    },
    require_seal: {
      is: "truth",
      default: false,
      about: "Refuse files without a seal: that somebody removed it is noticed.",
    },
    allow: {
      ...ALLOW,
      about: "What encrypted files may ask for beside what the keys above name, once you approved this file.",
    },
  },
};

const LASTING = { is: "text", form: { pattern: DURATION, words: DURATION_WORDS } } as const;

/** The user's own configuration: what only the user may say. */
export const USER_CONFIG: Shape = {
  is: "fields",
  about: "Configuration of tsops for one user: what may be used, whatever a repository says.",
  fields: {
    $schema: { is: "text", about: "The JSON Schema of this file, for editors." },
    allow: ALLOW,
    require_seal: {
      is: "truth",
      default: false,
      about: "Refuse encrypted files that have no seal.",
    },
    agent: {
      is: "fields",
      about: "How `tsops agent` runs, which keeps in memory what was unlocked.",
      fields: {
        start: { is: "truth", default: false, about: "Start it when there is something to keep." },
        idle: { ...LASTING, about: "How long it keeps what nobody asks for.", examples: ["15m"] },
        total: { ...LASTING, about: "How long it keeps anything at most.", examples: ["8h"] },
      },
    },
  },
};

/** The JSON Schema that is published as schema/tsopsrc.schema.json. */
export function sopsrcSchema(): Record<string, unknown> {
  return titled("sopsrc", ".sopsrc", SOPSRC);
}

/** The JSON Schema that is published as schema/user-config.schema.json. */
export function userConfigSchema(): Record<string, unknown> {
  return titled("user-config", "tsops/config.json5", USER_CONFIG);
}

function titled(name: string, title: string, shape: Shape): Record<string, unknown> {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    // a name, and no address: the file comes with the package
    $id: `urn:tsops:schema:${name}`,
    title,
    ...jsonSchema(shape),
  };
}
