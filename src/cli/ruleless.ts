import type { OpenDocument } from "../document.ts";
import { TreeMap } from "../formats/tree.ts";
import { textField } from "../keys/fields.ts";
import type { MasterKey } from "../keys/kind.ts";
import { uriOf } from "../keys/uri.ts";
import { printable, shellQuoted } from "../printable.ts";
import { DEFAULT_SELECTOR } from "../sops/selection.ts";
import type { Run } from "./command.ts";
import { keysIdentified } from "./creation.ts";
import { note } from "./report.ts";
import { ruleFor, type Settings } from "./settings.ts";

/*
 * `decrypt -i .` and `encrypt -i .` are no round trip for files that no creation rule is for: who encrypted them named the
 * keys on the command line, or had another configuration. With the file's metadata go the names of those who could read it,
 * so they are said before that is forgotten.
 */

/** Who has many such files makes a rule. */
const SHOWN = 5;

export class Ruleless {
  private readonly run: Run;
  private readonly named: ReadonlySet<string>;
  private readonly opened = new Map<string, string>();
  /** Names by the options that encrypt such a file as it was; "" where options cannot say it. */
  private readonly files = new Map<string, string[]>();

  /** @param given what was named; files below folders are only encrypted where a rule is for them. */
  constructor(given: readonly string[], run: Run) {
    this.run = run;
    this.named = new Set(given);
  }

  /** A file that was opened, and is to be decrypted in place. */
  async look(name: string, open: OpenDocument, settings: Settings): Promise<void> {
    // one whose expressions are wrong is said to be broken anyway
    if (await ruleFor(settings).catch(() => true)) return;
    const rules = settings.config?.rules !== undefined;
    // the person's variables name keys for what is named, unless there are rules and none matches
    const { args, io } = this.run;
    if (!rules && this.named.has(name) && keysIdentified(args, { env: io.env }).length > 0) return;
    this.opened.set(name, optionsFor(open, rules));
  }

  /** Now it is plain. */
  decrypted(name: string): void {
    const options = this.opened.get(name);
    if (options === undefined) return;
    const known = this.files.get(options);
    if (known) known.push(name);
    else this.files.set(options, [name]);
  }

  /** Once a run. */
  async tell(): Promise<void> {
    // many files are worked on side by side, and end in any order
    const files = [...this.files].map(([options, names]) => [options, names.sort()] as const);
    files.sort(([, [a = ""]], [, [b = ""]]) => (a < b ? -1 : 1));
    const names = files.flatMap(([, some]) => some);
    if (names.length === 0) return;
    const one = names.length === 1;
    const [first = ""] = names;
    const what = one ? `${first} matches` : `${names.length} of these files match`;
    await note(
      this.run.io,
      `${what} no creation rule, so encrypting in place leaves ${one ? "it" : "them"} in plaintext unless keys are named:`,
      ...files.slice(0, SHOWN).map(([options, some]) => `  ${commandFor(options, some)}`),
      ...(this.files.size > SHOWN ? ["  …"] : []),
      "  or make a rule for them: see `tsops config --help`",
    );
  }
}

function commandFor(options: string, files: readonly string[]): string {
  const more = files.length > SHOWN ? ` …` : "";
  const names = files.slice(0, SHOWN).map(quoted).join(" ");
  if (options === "") return `${names}${more}: had keys that options cannot name, only a rule can`;
  return `tsops encrypt -i${options} ${names}${more}`;
}

/** The options that give a new file the keys and the selection of this one; "" if options cannot say it. */
function optionsFor(open: OpenDocument, rules: boolean): string {
  const { groups } = open;
  const { selector, macOnlyEncrypted } = open.metadata;
  const [group = [], ...others] = groups;
  const ofKms = new Set(group.filter(({ kind }) => kind === "kms").map(kmsOptions));
  if (group.length === 0 || others.length > 0 || ofKms.size > 1) return "";
  if (group.some(({ kind }) => kind === "unknown")) return "";
  const keys = group.map((key) => ` --key ${quoted(uriOf(key.kind === "kms" ? withoutContext(key) : key))}`);
  const { kind, value } = selector;
  const isDefault = kind === DEFAULT_SELECTOR.kind && value === DEFAULT_SELECTOR.value;
  const selection = isDefault ? "" : ` --${kind.replaceAll("_", "-")} ${quoted(value)}`;
  // where there are rules, one has to match, as in SOPS
  const config = rules ? ` --config ${process.getBuiltinModule("node:os").devNull}` : "";
  return [config, ...keys, ...ofKms, selection, macOnlyEncrypted ? " --mac-only-encrypted" : ""].join("");
}

/** What identifies a key of AWS KMS to SOPS holds its context and profile, too. */
function withoutContext({ kind, fields }: MasterKey): Pick<MasterKey, "kind" | "id"> {
  const role = textField(fields, "role");
  return { kind, id: textField(fields, "arn") + (role === "" ? "" : `+${role}`) };
}

/** They apply to all keys of a command line. */
function kmsOptions({ fields }: MasterKey): string {
  const profile = textField(fields, "aws_profile");
  const context = fields.get("context");
  const pairs =
    context instanceof TreeMap ? context.entries().map(({ key }) => `${key}:${textField(context, key)}`) : [];
  const contextOption = pairs.length > 0 ? ` --encryption-context ${quoted(pairs.join(","))}` : "";
  return contextOption + (profile === "" ? "" : ` --aws-profile ${quoted(profile)}`);
}

function quoted(text: string): string {
  return shellQuoted(printable(text));
}
