import { ruleGroups } from "../config/groups.ts";
import type { OpenDocument, Recipients } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { placeOf } from "../formats/text.ts";
import { compareGroups, differs } from "../keys/difference.ts";
import { looksEncrypted } from "../sops/cipher.ts";
import { readEncrypted } from "../sops/decrypt.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../sops/selection.ts";
import type { Args } from "./args.ts";
import { type Io, visible } from "./io.ts";
import { lossOf } from "./loss.ts";
import { askYes, interactive } from "./prompt.ts";
import { formatDifference } from "./recipients.ts";
import { note } from "./report.ts";
import { ruleFor, type Settings } from "./settings.ts";

/** What vouches for a file's recipients and selectors before it is written again (docs/security.md). */

/**
 * Whether a file's selectors may be sealed: its seal vouches for them, else the creation rule. A selector that somebody
 * weakened would otherwise be trusted from the next write on.
 */
export async function checkSelectorsVouched(
  open: OpenDocument,
  settings: Settings,
  name: string,
  args: Args,
  io: Io,
): Promise<boolean> {
  const wanted = settings.config?.seal ?? true;
  if (open.decrypted.sealed || args.flag("yes") || open.format.readEncrypted) return wanted;
  const rule = await ruleFor(settings);
  if (!rule) return wanted;
  const due = rule.selectors[0] ?? DEFAULT_SELECTOR;
  const own = open.metadata.selector;
  if (due.kind === own.kind && due.value === own.value) return wanted;
  await note(
    io,
    `${name}: its selector is not that of its creation rule, and it has no seal: it gets none without --yes\n` +
      `  the file says ${own.kind}: ${own.value}, the rule ${due.kind}: ${due.value}`,
  );
  return false;
}

/**
 * What vouches for a file's recipients before it is written again: its seal, else the creation rule (docs/security.md).
 * A difference from the rule is shown; rotating, which would give the difference a new data key, needs a yes.
 * @returns whether the new file may be sealed: what nobody vouches for is not.
 */
export async function checkRecipients(
  open: OpenDocument,
  settings: Settings,
  name: string,
  args: Args,
  io: Io,
  rewraps: boolean,
): Promise<boolean> {
  const wanted = await checkSelectorsVouched(open, settings, name, args, io);
  const rule = await ruleFor(settings);
  if (!rule) {
    const vouched = open.decrypted.sealed || args.flag("yes");
    if (!vouched && (wanted || rewraps)) {
      await note(
        io,
        `${name}: neither a seal nor a creation rule vouches for its recipients: it gets no seal without --yes`,
      );
    }
    return wanted && vouched;
  }
  const differences = compareGroups(ruleGroups(rule), open.groups);
  if (!differs(differences)) return wanted;
  const foreign = differences.some(({ added }) => added.length > 0);
  await note(io, `${name}: its recipients are not those of its creation rule (+++ only in the file):`);
  await note(io, formatDifference(differences, settings).trimEnd());
  await note(io, "tsops updatekeys gives it those of the rule");
  if (open.decrypted.sealed || !foreign) return wanted;
  if (!rewraps) return false;
  const agreed = args.flag("yes") || (interactive(io) && (await askYes("Rotate for these recipients?", io)));
  if (agreed) return wanted;
  throw new TsopsError(
    "recipients-changed",
    "the file names recipients that its creation rule does not, and it has no seal",
    {
      hint: "somebody may have put them there to be given the new data key: use updatekeys, or --yes if they belong there",
    },
  );
}

/**
 * Guard against a selector that was weakened in a file without a seal: no value that the rule wants encrypted is
 * written plain.
 * @throws TsopsError("selectors-changed") naming the first such value.
 */
export async function checkSelectors(
  open: OpenDocument,
  text: string,
  settings: Settings,
  args: Args,
): Promise<void> {
  if (open.decrypted.sealed || args.flag("yes") || open.format.readEncrypted) return;
  const rule = await ruleFor(settings);
  const selector = rule && (rule.selectors[0] ?? DEFAULT_SELECTOR);
  if (!selector || selector.kind.includes("comment")) return;
  const own = open.metadata.selector;
  if (selector.kind === own.kind && selector.value === own.value) return;
  const { reading } = readEncrypted(text, open.format);
  const wanted = (await compileSelector(selector))(reading.entries);
  const bare = reading.entries.find(
    ({ kind, value }, i) =>
      wanted[i] && kind === "value" && value !== null && value !== "" && !looksEncrypted(String(value)),
  );
  if (!bare) return;
  throw new TsopsError(
    "selectors-changed",
    `the value at ${visible(formatPath(pathOf(bare)))} would be written plain, and the creation rule wants it encrypted`,
    {
      place: placeOf(text, bare.start),
      hint:
        `the file says ${own.kind}: ${visible(own.value)}, the rule ${selector.kind}: ${visible(selector.value)}\n` +
        "correct the file (decrypt it and encrypt it again), or use --yes if it is right",
    },
  );
}

/** More lines than this help nobody. */
const SHOWN_PATHS = 40;

/** Who cannot read the values any more may have seen them: they have to be changed where they are used. */
export async function reportRemoved(
  after: Recipients,
  open: OpenDocument,
  settings: Settings,
  io: Io,
): Promise<void> {
  const loss = lossOf(open, after, settings);
  if (loss === undefined) return;
  const { reading, encrypted } = open.decrypted;
  const read = reading.entries.filter((entry, i) => encrypted[i] && entry.kind === "value");
  const lines = read.slice(0, SHOWN_PATHS).map((entry) => `  ${formatPath(pathOf(entry))}`);
  if (read.length > SHOWN_PATHS) lines.push(`  and ${read.length - SHOWN_PATHS} more`);
  await note(io, `${loss}; change them where they are used:\n${lines.join("\n")}`);
}
