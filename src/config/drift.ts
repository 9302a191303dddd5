import { TsopsError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { compareGroups, differs, type GroupDifference } from "../keys/difference.ts";
import type { KeyGroup } from "../keys/kind.ts";
import { groupsNeeded } from "../keys/metadata.ts";
import type { Metadata } from "../sops/metadata.ts";
import { type Selector, selectorIn } from "../sops/selection.ts";
import { ruleGroups } from "./groups.ts";
import type { Rule } from "./model.ts";
import { selectorOf } from "./selectors.ts";

/** Who can read a file and what of it is encrypted, as far as a creation rule has a say in it. */
export interface Protection {
  /** Undefined where nobody says who: a rule may name no keys. */
  readonly groups: readonly KeyGroup[] | undefined;
  /** How many groups are needed; 0 means all of them (docs/internals/sops.md §4). */
  readonly threshold: number;
  /** Undefined for a file that has no keys to select by (binary). */
  readonly selector: Selector | undefined;
  readonly macOnlyEncrypted: boolean;
}

/** Where a file is not as its creation rule has it. At least one field is there. */
export interface Drift {
  /** From the file's groups to the rule's: what the file would gain and lose. */
  readonly groups?: readonly GroupDifference[];
  readonly threshold?: Sides<number>;
  readonly selector?: Sides<Selector>;
  /** The file leaves its plain values out of the MAC, and the rule does not say so. */
  readonly macOnlyEncrypted?: true;
}

export interface Sides<T> {
  readonly rule: T;
  readonly file: T;
}

/** What a rule gives files. @throws TsopsError("config") if a key of it is malformed. */
export function protectionOf(rule: Rule): Protection {
  const groups = ruleGroups(rule);
  return {
    groups: groups.some((group) => group.length > 0) ? groups : undefined,
    threshold: rule.threshold,
    selector: selectorOf(rule),
    macOnlyEncrypted: rule.macOnlyEncrypted,
  };
}

/** An encrypted file as far as it can be compared with its rule; no key is needed for that. */
export interface Compared {
  readonly groups: readonly KeyGroup[];
  readonly threshold: number;
  readonly metadata: Pick<Metadata, "selector" | "macOnlyEncrypted">;
  readonly format: Format;
}

export function protectedBy({ groups, threshold, metadata, format }: Compared): Protection {
  return {
    groups,
    threshold,
    selector: selectorIn(format, metadata.selector),
    macOnlyEncrypted: metadata.macOnlyEncrypted,
  };
}

/**
 * What a caller who gives keys and selector by hand wants: what is not given is not compared.
 * @param file stands in for what is not given.
 */
export function protectionWanted(wanted: Partial<Protection>, file: Protection): Protection {
  const threshold = wanted.groups ? (wanted.threshold ?? 0) : (wanted.threshold ?? file.threshold);
  return { ...file, ...wanted, groups: wanted.groups ?? file.groups, threshold };
}

/** The error for a file that is not as it should be and is about to be written again. */
export function driftError(
  { groups, threshold, selector }: Drift,
  hints: Readonly<Record<"recipients" | "selector", string>>,
) {
  if (groups || threshold) {
    return new TsopsError("recipients-changed", "the file's recipients are not those of its creation rule", {
      hint: hints.recipients,
    });
  }
  const what = selector
    ? "the file's selector is not that of its creation rule"
    : "the file's MAC leaves plain values out, and its creation rule does not";
  return new TsopsError("selectors-changed", what, { hint: hints.selector });
}

/** How a file differs from what its rule says; undefined if it does not. */
export function driftFrom(rule: Protection, file: Protection): Drift | undefined {
  const drift: Drift = {
    ...recipientsDrift(rule, file),
    ...selectorDrift(rule, file),
    ...(file.macOnlyEncrypted && !rule.macOnlyEncrypted && { macOnlyEncrypted: true }),
  };
  return Object.keys(drift).length > 0 ? drift : undefined;
}

function selectorDrift(
  { selector: rule }: Protection,
  { selector: file }: Protection,
): Pick<Drift, "selector"> {
  const same = !rule || !file || (rule.kind === file.kind && rule.value === file.value);
  return same ? {} : { selector: { rule, file } };
}

function recipientsDrift(rule: Protection, file: Protection): Pick<Drift, "groups" | "threshold"> {
  if (!rule.groups || !file.groups) return {};
  const groups = compareGroups(file.groups, rule.groups);
  if (differs(groups) || rule.groups.length !== file.groups.length) return { groups };
  const sides = {
    rule: groupsNeeded(rule.groups, rule.threshold),
    file: groupsNeeded(file.groups, file.threshold),
  };
  return sides.rule === sides.file ? {} : { threshold: sides };
}
