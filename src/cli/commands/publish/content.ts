import { ruleGroups } from "../../../config/groups.ts";
import type { NewFile, OpenDocument, Session } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { pathOf } from "../../../formats/format.ts";
import { formatPath } from "../../../formats/path.ts";
import { decodeText, placeOf } from "../../../formats/text.ts";
import { compareGroups, differs } from "../../../keys/difference.ts";
import { groupsFromMetadata } from "../../../keys/metadata.ts";
import { type Content, recreatedContent } from "../../../publish/content.ts";
import { baredBy, checkExpression } from "../../../publish/recreation.ts";
import { bareHint, bareValues } from "../../../sops/bare.ts";
import { refuseHeldConflicts } from "../../../sops/conflicts.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "../../../sops/selection.ts";
import type { Run } from "../../command.ts";
import { readEncryptedAs, readInput } from "../../files.ts";
import type { Io } from "../../io.ts";
import { formatDifference } from "../../recipients.ts";
import { differenceLine, note, tell } from "../../report.ts";
import { checkSealThere } from "../../require-seal.ts";
import { indentFor } from "../../settings.ts";
import { checkDrift } from "../../vouch.ts";
import type { SettledPlan } from "./plan.ts";

/**
 * The bytes of a file that is to be published; no key is needed.
 * @throws TsopsError("no-metadata") if it is not encrypted, "generic" if not all of it is that should be, what
 * `checkDrift` throws if it is not as its creation rule has it.
 */
export async function readEncryptedFile({ file, settings }: SettledPlan, run: Run): Promise<Buffer> {
  const { bytes } = await readInput(file, run.io);
  const text = decodeText(bytes);
  const { format, reading, metadata } = await readEncryptedAs(text, file, run.args);
  await checkSealThere(file, metadata, run);
  refuseHeldConflicts(metadata);
  const compared = { ...groupsFromMetadata(metadata.tree), metadata, format };
  await checkDrift({ name: file, open: compared, settings }, run);
  if (metadata.mac === "") {
    throw new TsopsError("no-metadata", "the file has no MAC", {
      hint: "encrypt it again before it is published",
    });
  }
  const [bare] = bareValues(reading, await compileSelector(metadata.selector));
  if (!bare) return bytes;
  const where = formatPath(pathOf(bare));
  throw new TsopsError(
    "generic",
    `the value at ${where} is not encrypted, and the file says that it should be`,
    {
      place: placeOf(text, bare.start),
      hint: bareHint([bare], file),
    },
  );
}

/**
 * The file for the recipients of its destination's recreation rule. Prints how the recipients change, as SOPS does.
 * @throws TsopsError("config") for an invalid expression, "selectors-changed" if a secret would become plain.
 */
export async function recreated(
  { settings, destination: { recreation }, file }: SettledPlan,
  open: OpenDocument,
  { run, session, many }: { run: Run; session: Session; many: boolean },
): Promise<Content> {
  const { args, io } = run;
  const [selector] = recreation.selectors;
  if (selector) await checkExpression(selector);
  await notePlain(file, selector, open, io);
  const groups = ruleGroups(recreation);
  const differences = compareGroups(open.groups, groups);
  if (differs(differences)) {
    const head = "The following changes will be made to the file's key groups:";
    const title = many ? `${file}: ${head}` : head;
    await tell(io, [title, ...formatDifference(differences, settings).map(differenceLine)], "stdout");
  }
  const made: NewFile = {
    groups,
    threshold: recreation.threshold,
    selector: selector ?? DEFAULT_SELECTOR,
    macOnlyEncrypted: recreation.macOnlyEncrypted,
    seal: settings.config?.seal ?? true,
    indent: indentFor(open.format, args, settings),
  };
  return recreatedContent(open, made, session);
}

const SHOWN_PATHS = 10;

/** A selector of the rule may make values plain, and then it is said which. */
async function notePlain(
  file: string,
  selector: Selector | undefined,
  open: OpenDocument,
  io: Io,
): Promise<void> {
  const bare = await baredBy(selector, open);
  if (bare.length === 0) return;
  const more = bare.length > SHOWN_PATHS ? `, and ${bare.length - SHOWN_PATHS} more` : "";
  await note(
    io,
    `warning: ${file}: ${selector?.kind} of the recreation rule publishes plain what is encrypted in the file: ` +
      `${bare.slice(0, SHOWN_PATHS).join(", ")}${more}`,
  );
}
