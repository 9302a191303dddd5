import { TsopsError } from "../../../errors.ts";
import type { Recipients } from "../../../keys/difference.ts";
import { nearest } from "../../../nearest.ts";
import type { Metadata } from "../../../sops/metadata.ts";
import { OlderThan, parseOlderThan } from "../../older.ts";
import { RecipientWord } from "../../recipient-word.ts";
import type { Settings } from "../../settings.ts";

/** `--where`: what has to hold of a file for it to be rotated; several conditions have to hold together. No key is needed. */
export class Where {
  /** As they were given, for people. */
  readonly words: string;
  private readonly recipients: readonly RecipientWord[];
  private readonly older: readonly OlderThan[];

  /** @param more what `--older-than` says, which is one condition more. @throws TsopsError("usage") */
  constructor(conditions: readonly string[], now: Date, more?: OlderThan) {
    const parsed = conditions.map((text) => parse(text, now));
    this.recipients = parsed.flatMap((item) => (item instanceof RecipientWord ? [item] : []));
    this.older = [...parsed, ...(more ? [more] : [])].flatMap((item) =>
      item instanceof OlderThan ? [item] : [],
    );
    this.words = [
      ...this.recipients.map(({ word }) => `recipient=${word}`),
      ...this.older.map(({ time }) => `older than ${time}`),
    ].join(" and ");
  }

  selects(
    { groups, metadata }: Pick<Recipients, "groups"> & { metadata: Metadata },
    settings: Settings,
  ): boolean {
    // each is asked, so that a name that nobody has is seen
    const readers = this.recipients.map((recipient) => recipient.isIn(groups, settings));
    return readers.every(Boolean) && this.older.every((older) => !older.sparesThat(metadata));
  }

  /** @throws TsopsError("usage") if it names a recipient that nothing knows: a slip would rotate nothing in silence. */
  refuseUnknown(settings: readonly Settings[]): void {
    for (const recipient of this.recipients) recipient.refuseUnknown(settings);
  }
}

const FIELDS = ["recipient", "older"] as const;

function parse(text: string, now: Date): RecipientWord | OlderThan {
  const [, field = "", value = ""] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
  if (field === "recipient") return new RecipientWord(value);
  if (field === "older") return parseOlderThan(value, now, "--where older=");
  const meant = nearest(field, FIELDS);
  throw new TsopsError("usage", "--where takes recipient=WHO or older=TIME", {
    hint: `${meant === undefined ? "" : `did you mean ${meant}=? `}such as recipient=alice, older=90d`,
  });
}
