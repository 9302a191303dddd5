import { dirname } from "node:path";
import type { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import type { FormatName } from "../formats/format.ts";
import { isFormatName } from "../formats/index.ts";
import { ALLOW_NOTHING, type Allow, allowFrom } from "../keys/allow-lists.ts";
import { SELECTOR_KINDS } from "../sops/selection.ts";
import { GlobError, globExpression } from "./glob.ts";
import { readJson5 } from "./json5.ts";
import type { Config, Destination, Pattern, Rule, Stores } from "./model.ts";
import { fieldOf, itemsOf, type MapNode, type Node, numberOf, type Places, textOf, truthOf } from "./node.ts";
import { makePattern } from "./pattern.ts";
import { configError } from "./problem.ts";
import { Recipients } from "./recipients.ts";
import { SHARING, SOPSRC } from "./schema.ts";
import { TARGET_TEXTS, type Targets, targetErrors, targetsOf } from "./targets.ts";

/**
 * Reads a `.sopsrc`: JSON5 with names for keys and groups (docs/config.md). What is wrong with it is in the result's
 * `errors`, all at once: such a file cannot be used.
 * @throws TsopsError("config") with the place, if it is not JSON5.
 */
export async function readSopsrc(text: string, path: string): Promise<Config> {
  const { root, places, errors } = await readJson5(text, path, SOPSRC);
  const empty: Config = {
    path,
    folder: dirname(path),
    kind: "sopsrc",
    rules: undefined,
    destinations: [],
    stores: {},
    seal: true,
    requireSeal: false,
    allow: ALLOW_NOTHING,
    names: [],
    groups: new Map(),
    errors,
    secrets: [],
    unknown: [],
  };
  // what has the wrong shape leaves holes, and everything else is looked at all the same: all is said in one round
  const config = new Sopsrc(places, root, empty.folder).read(empty);
  return { ...config, errors: firstOfEach([...errors, ...config.errors]) };
}

/** One error a place: what follows from another one is none. */
function firstOfEach(errors: readonly TsopsError[]): TsopsError[] {
  const seen = new Set<string>();
  return errors.filter(({ place }) => {
    const at = `${place?.line}:${place?.column}`;
    if (seen.has(at)) return false;
    seen.add(at);
    return true;
  });
}

/**
 * A file whose shape was checked: its fields have the types that src/config/schema.ts says, or there is an error for them, and
 * they are passed over here.
 */
class Sopsrc {
  private readonly places: Places;
  private readonly root: MapNode;
  private readonly errors: TsopsError[] = [];
  private readonly recipients: Recipients;
  /** The folder that relative ones start from. */
  private readonly folder: string;

  constructor(places: Places, root: MapNode, folder: string) {
    this.places = places;
    this.root = root;
    this.folder = folder;
    this.recipients = new Recipients(places, this.errors, fieldOf(root, "keys"), fieldOf(root, "groups"));
  }

  read(empty: Config): Config {
    const rules = itemsOf(fieldOf(this.root, "rules"));
    const config: Config = {
      ...empty,
      rules: rules?.map((node, i) => this.rule(node, i + 1, ruleTitle("rule", i, node))),
      destinations: (itemsOf(fieldOf(this.root, "destinations")) ?? []).map((node, i) =>
        this.destination(node, i),
      ),
      stores: this.stores(),
      seal: truthOf(fieldOf(this.root, "seal")) ?? true,
      requireSeal: truthOf(fieldOf(this.root, "require_seal")) ?? false,
      allow: allowOf(this.root),
      names: this.recipients.names,
      groups: this.recipients.groups(),
    };
    return { ...config, errors: this.errors };
  }

  private rule(node: Node, number: number, what: string): Rule {
    const groups = this.groups(node, what);
    const threshold = fieldOf(node, "shamir_threshold");
    const needed = numberOf(threshold) ?? 0;
    if (threshold && needed > groups.length && needed >= 2 && hasGroups(node)) {
      const many = groups.length === 1 ? "one key group" : `${groups.length} key groups`;
      this.fail(
        threshold,
        `the threshold of ${what} is ${needed}, and it has ${many}`,
        "lower it, or add key groups",
      );
    }
    return {
      number,
      name: textOf(fieldOf(node, "name")),
      place: this.places.at(node.at),
      pattern: this.pattern(node, what),
      format: formatNamed(textOf(fieldOf(node, "format"))),
      groups,
      distinct: true,
      threshold: needed,
      thresholdPlace: threshold && this.places.at(threshold.at),
      selectors: SELECTOR_KINDS.flatMap((kind) => {
        const field = fieldOf(node, kind);
        return field ? [{ kind, value: textOf(field) ?? "", place: this.places.at(field.at) }] : [];
      }),
      macOnlyEncrypted: truthOf(fieldOf(node, "mac_only_encrypted")) ?? false,
      shareDataKey: SHARING.find((word) => word === textOf(fieldOf(node, "share_data_key"))),
      ignored: [],
      errors: [],
    };
  }

  private groups(node: Node, what: string): Rule["groups"] {
    const groups = itemsOf(fieldOf(node, "key_groups"));
    if (groups) return groups.map((group, i) => this.recipients.keys(group, `key group ${i + 1} of ${what}`));
    const recipients = fieldOf(node, "recipients");
    return [recipients ? this.recipients.keys(recipients, `the recipients of ${what}`) : []];
  }

  private pattern(node: Node, what: string): Pattern | undefined {
    const path = fieldOf(node, "path");
    if (path) {
      const text = textOf(path);
      if (text === undefined) return undefined;
      return makePattern(
        { kind: "path_regex", text, expressions: [text], place: this.places.at(path.at) },
        `path of ${what}`,
      );
    }
    const glob = fieldOf(node, "glob");
    if (!glob) return undefined;
    const globs = itemsOf(glob) ?? [glob];
    const texts = globs.filter((one) => textOf(one) !== undefined);
    const expressions = texts.flatMap((one) => this.globExpression(one, what) ?? []);
    const patterns = texts.flatMap((one) => textOf(one) ?? []);
    const text = patterns.join(", ");
    return makePattern(
      { kind: "glob", text, globs: patterns, expressions, place: this.places.at(glob.at) },
      `glob of ${what}`,
    );
  }

  private globExpression(node: Node, what: string): string | undefined {
    try {
      return globExpression(textOf(node) ?? "");
    } catch (error) {
      if (!(error instanceof GlobError)) throw error;
      const hint =
        "`*` and `?` stand for anything but a slash, `**` for folders, `[abc]` and `{a,b}` for a choice";
      this.fail(node, `a glob of ${what} is not valid: ${error.message}`, hint);
      return undefined;
    }
  }

  private destination(node: Node, index: number): Destination {
    const what = ruleTitle("destination", index, node);
    const text = (name: string) => textOf(fieldOf(node, name));
    const given: Targets = {
      ...Object.fromEntries(TARGET_TEXTS.map((name) => [name, text(name)])),
      vault_kv_version: numberOf(fieldOf(node, "vault_kv_version")) === 1 ? 1 : 2,
    };
    append(this.errors, targetErrors(given, what, this.places.at(node.at)));
    const recreation = fieldOf(node, "recreation_rule") ?? { kind: "map", fields: [], at: node.at };
    return {
      number: index + 1,
      name: text("name"),
      place: this.places.at(node.at),
      pattern: this.pattern(node, what),
      ...targetsOf(given, this.folder),
      omitExtensions: truthOf(fieldOf(node, "omit_extensions")) ?? false,
      recreation: this.rule(recreation, index + 1, `the recreation rule of ${what}`),
      errors: [],
    };
  }

  private stores(): Stores {
    const stores = fieldOf(this.root, "stores");
    const indent = (name: string) => numberOf(fieldOf(fieldOf(stores, name), "indent"));
    // a YAML level of no blanks cannot be printed
    return { yaml: indent("yaml") || undefined, json: indent("json"), jsonBinary: indent("json_binary") };
  }

  private fail(node: Node, message: string, hint: string): void {
    this.errors.push(configError(message, this.places.at(node.at), hint));
  }
}

/** The lists of the field `allow`, which the user's own configuration has, too. */
export function allowOf(root: MapNode): Allow {
  const allow = fieldOf(root, "allow");
  return allowFrom((name) => (itemsOf(fieldOf(allow, name)) ?? []).flatMap((item) => textOf(item) ?? []));
}

/** Whether the groups of a rule can be counted. */
function hasGroups(node: Node): boolean {
  return [fieldOf(node, "key_groups")?.kind, fieldOf(node, "recipients") && "list"].includes("list");
}

function formatNamed(name: string | undefined): FormatName | undefined {
  return isFormatName(name) ? name : undefined;
}

function ruleTitle(word: string, index: number, node: Node): string {
  const name = textOf(fieldOf(node, "name"));
  return name === undefined ? `${word} ${index + 1}` : `${word} ${index + 1} (${name})`;
}
