import { ruleGroups } from "../../config/groups.ts";
import { compile } from "../../config/pattern.ts";
import { configError } from "../../config/problem.ts";
import type { NewFile, OpenDocument, Session } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { pathOf } from "../../formats/format.ts";
import { formatPath } from "../../formats/path.ts";
import { decodeText, placeOf } from "../../formats/text.ts";
import { compareGroups, differs } from "../../keys/difference.ts";
import {
  type Content,
  fileContent,
  madePlain,
  recreatedContent,
  valuesContent,
} from "../../publish/content.ts";
import { publishTo } from "../../publish/publish.ts";
import { looksEncrypted } from "../../sops/cipher.ts";
import { readEncrypted } from "../../sops/decrypt.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../sops/selection.ts";
import type { Args } from "../args.ts";
import { forEachFile, PASSED_OVER } from "../batch.ts";
import { inputFormat, missingFileExits, openFile, readInput } from "../files.ts";
import { type Io, visible, write } from "../io.ts";
import { askYes } from "../prompt.ts";
import { type Plan, planFiles } from "../publish-plan.ts";
import { formatDifference, showKey } from "../recipients.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor } from "../settings.ts";
import { documentTrees } from "./decrypt.ts";

/** `publish`: puts encrypted files where the destinations of the configuration say (SPEC section 7). */
export async function publish(args: Args, io: Io): Promise<number> {
  return await missingFileExits(1, new Publishing(args, io).run());
}

class Publishing {
  private readonly args: Args;
  private readonly io: Io;
  private session!: Session;
  private many = false;
  private unchanged = 0;
  private nobody = false;

  constructor(args: Args, io: Io) {
    this.args = args;
    this.io = io;
  }

  async run(): Promise<number> {
    const { args, io } = this;
    this.session = await makeSession(args, io);
    const planned = await planFiles(args, io, this.session);
    if (planned.length === 0) {
      await note(io, "there is no encrypted file to publish");
      return 0;
    }
    this.many = planned.length > 1;
    const work = new Map(planned.map((item) => [item.file, item]));
    const dry = args.flag("dry-run");
    const code = await forEachFile(
      [...work.keys()],
      dry ? "would publish" : "published",
      io,
      async (file) => {
        const { plan, error } = work.get(file)!;
        if (!plan) throw error;
        return dry ? await this.announce(plan) : await this.publishOne(plan);
      },
      // one question after the other
      { inOrder: !dry && !args.flag("yes") },
    );
    if (this.many && this.unchanged > 0) await note(io, `${this.unchanged} of them were there already`);
    return code;
  }

  /** `--dry-run`: what would go where, without network and keys. */
  private async announce(plan: Plan): Promise<void> {
    await this.readEncryptedFile(plan);
    const { groups } = plan.destination.recreation;
    const keys = ruleGroups(plan.destination.recreation).flat();
    const names = keys.map((key) => showKey(key, plan.settings)).join(", ");
    const recreated = groups.flat().length > 0 ? `, encrypted again for ${names}` : "";
    const how = plan.place.takes === "values" ? ", its decrypted values" : recreated;
    await note(this.io, `would publish ${plan.file} to ${plan.address}${how}`);
  }

  private async publishOne(plan: Plan): Promise<typeof PASSED_OVER | undefined> {
    if (this.nobody) return PASSED_OVER;
    const bytes = await this.readEncryptedFile(plan);
    const { takes } = plan.place;
    const recreates = takes === "file" && plan.destination.recreation.groups.flat().length > 0;
    if (takes === "file" && !recreates) return await this.send(plan, fileContent(bytes));
    const open = await openFile(plan.file, bytes, this.args, this.io, this.session);
    try {
      const content =
        takes === "values" ? valuesContent(documentTrees(open)) : await this.recreated(plan, open);
      return await this.send(plan, content);
    } finally {
      open.close();
    }
  }

  /** The file's bytes. @throws TsopsError if it is not encrypted, or not all of it that should be. */
  private async readEncryptedFile({ file }: Plan): Promise<Buffer> {
    const { bytes } = await readInput(file, this.io);
    const text = decodeText(bytes);
    const { reading, metadata } = readEncrypted(text, await inputFormat(this.args, file));
    if (metadata.mac === "") {
      throw new TsopsError("no-metadata", "the file has no MAC", {
        hint: "encrypt it again before it is published",
      });
    }
    const selected = (await compileSelector(metadata.selector))(reading.entries);
    const bare = reading.entries.find(
      ({ kind, value }, i) =>
        selected[i] && kind === "value" && value !== null && value !== "" && !looksEncrypted(String(value)),
    );
    if (!bare) return bytes;
    const where = visible(formatPath(pathOf(bare)));
    throw new TsopsError(
      "generic",
      `the value at ${where} is not encrypted, and the file says that it should be`,
      {
        place: placeOf(text, bare.start),
        hint: "somebody put it there without tsops: decrypt would refuse it; set it with `tsops set` or `tsops edit`",
      },
    );
  }

  private async recreated(plan: Plan, open: OpenDocument): Promise<Content> {
    const { settings, destination, file } = plan;
    const { recreation } = destination;
    const [selector] = recreation.selectors;
    if (selector?.kind.endsWith("_regex")) {
      const compiled = await compile(selector.value);
      // it would never match: nothing or everything would be plain without a word
      if ("why" in compiled) {
        const what = `${selector.kind} of the recreation rule is not a valid regular expression: ${compiled.why}`;
        throw configError(what, selector.place, "correct it; RE2 has no look-ahead and no back-references");
      }
    }
    const groups = ruleGroups(recreation);
    await this.checkPlain(plan, open);
    const differences = compareGroups(open.groups, groups);
    if (differs(differences)) {
      const which = this.many ? `${visible(file)}: ` : "";
      const shown = formatDifference(differences, settings);
      const head = "The following changes will be made to the file's key groups:";
      await write(this.io.stdout, `${which}${head}\n${shown}`);
    }
    const made: NewFile = {
      groups,
      threshold: recreation.threshold,
      selector: selector ?? DEFAULT_SELECTOR,
      macOnlyEncrypted: recreation.macOnlyEncrypted,
      seal: settings.config?.seal ?? true,
      indent: indentFor(open.format, this.args, settings),
    };
    return recreatedContent(open, made, this.session);
  }

  /** A selector of the rule may make values plain, and then it is said which; the default must not. */
  private async checkPlain({ destination, file }: Plan, open: OpenDocument): Promise<void> {
    const [selector] = destination.recreation.selectors;
    const bare = (await madePlain(open, selector ?? DEFAULT_SELECTOR)).map((path) =>
      visible(formatPath(path)),
    );
    if (bare.length === 0) return;
    if (!selector) {
      throw new TsopsError(
        "selectors-changed",
        `the value at ${bare[0]} is encrypted, and would be plain where the file is published`,
        {
          hint: "the recreation rule has no selector, so values whose key ends with _unencrypted are left plain: give it the file's own",
        },
      );
    }
    const more = bare.length > SHOWN_PATHS ? `, and ${bare.length - SHOWN_PATHS} more` : "";
    await note(
      this.io,
      `warning: ${file}: ${selector.kind} of the recreation rule publishes values plain that are encrypted in the file: ` +
        `${bare.slice(0, SHOWN_PATHS).join(", ")}${more}`,
    );
  }

  private async send(plan: Plan, content: Content): Promise<typeof PASSED_OVER | undefined> {
    const { file, path, address, place, name } = plan;
    if (!this.args.flag("yes") && !(await this.agreed(path, address))) return PASSED_OVER;
    const result = await publishTo(place, name, content, () =>
      note(
        this.io,
        `warning: ${file}: what stands at ${address} may not be read here: it is written in any case`,
      ),
    );
    if (result === "unchanged") this.unchanged++;
    const what =
      result === "published" ? `published ${file} to ${address}` : `${file} is up to date at ${address}`;
    // on a terminal the bar says how many
    if (!this.many || !this.io.stderr.isTTY || this.args.flag("verbose")) await note(this.io, what);
    return undefined;
  }

  /** Asks as SOPS does; a single file that is not published ends it with an error. */
  private async agreed(path: string, address: string): Promise<boolean> {
    const { io } = this;
    const answer = await askYes(`uploading ${path} to ${address} ?`, io, io.stdout);
    if (answer === undefined) {
      this.nobody = true;
      throw new TsopsError("generic", "there is nobody to ask", {
        hint: "use --yes to publish without a question",
      });
    }
    if (answer) return true;
    const message = `Publication of ${path} canceled`;
    if (!this.many && !this.args.flag("recursive")) {
      throw new TsopsError("generic", message, { hint: "nothing was uploaded" });
    }
    await write(io.stdout, `${visible(message)}\n`);
    return false;
  }
}

const SHOWN_PATHS = 10;
