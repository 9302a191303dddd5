import { ruleGroups } from "../../../config/groups.ts";
import { documentTrees, type Session } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { type Content, fileContent, valuesContent } from "../../../publish/content.ts";
import { publishTo } from "../../../publish/publish.ts";
import { forEachFile, Otherwise } from "../../batch.ts";
import { missingFileExits, openFile } from "../../files.ts";
import { writeLines } from "../../io.ts";
import { askYes } from "../../prompt.ts";
import { showKey } from "../../recipients.ts";
import { note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import type { PublishRun } from "./command.ts";
import { readEncryptedFile, recreated } from "./content.ts";
import { planFiles, type SettledPlan } from "./plan.ts";

/** `publish`: puts encrypted files where the destinations of the configuration say (docs/internals/sops.md §7). */
export async function publish(run: PublishRun): Promise<number> {
  return await missingFileExits(1, new Publishing(run, await sessionOf(run)).all());
}

const NOT_PUBLISHED = new Otherwise("not published");
const UP_TO_DATE = new Otherwise("there already");

class Publishing {
  private readonly run: PublishRun;
  private readonly session: Session;
  private many = false;
  private nobody = false;

  constructor(run: PublishRun, session: Session) {
    this.run = run;
    this.session = session;
  }

  async all(): Promise<number> {
    const { args, io } = this.run;
    const planned = await planFiles(this.run, this.session);
    if (planned.length === 0) {
      await note(io, "there is no encrypted file to publish");
      return 0;
    }
    this.many = planned.length > 1;
    const work = new Map(planned.map((item) => [item.file, item]));
    const dry = args["dry-run"];
    // one question after the other
    const batch = { what: dry ? "would publish" : "published", run: this.run, inOrder: !dry && !args.yes };
    return await forEachFile([...work.keys()], batch, async (file) => {
      const { plan, error } = work.get(file)!;
      if (!plan) throw error;
      return dry ? await this.announce(plan) : await this.publishOne(plan);
    });
  }

  /** `--dry-run`: what would go where, without network and keys. */
  private async announce(plan: SettledPlan): Promise<void> {
    await readEncryptedFile(plan, this.run);
    const { groups } = plan.destination.recreation;
    const keys = ruleGroups(plan.destination.recreation).flat();
    const names = keys.map((key) => showKey(key, plan.settings)).join(", ");
    const recreated = groups.flat().length > 0 ? `, encrypted again for ${names}` : "";
    const how = plan.target.takes === "values" ? ", its decrypted values" : recreated;
    await note(this.run.io, `would publish ${plan.file} to ${plan.address}${how}`);
  }

  private async publishOne(plan: SettledPlan): Promise<Otherwise | undefined> {
    if (this.nobody) return NOT_PUBLISHED;
    const { run, session, many } = this;
    const bytes = await readEncryptedFile(plan, run);
    const { takes } = plan.target;
    const recreates = takes === "file" && plan.destination.recreation.groups.flat().length > 0;
    if (takes === "file" && !recreates) return await this.send(plan, fileContent(bytes));
    const open = await openFile(plan.file, bytes, run, session);
    try {
      const content =
        takes === "values"
          ? valuesContent(documentTrees(open.decrypted))
          : await recreated(plan, open, { run, session, many });
      return await this.send(plan, content);
    } finally {
      open.close();
    }
  }

  private async send(plan: SettledPlan, content: Content): Promise<Otherwise | undefined> {
    const { file, path, address, target, name } = plan;
    if (!this.run.args.yes && !(await this.agreed(path, address))) return NOT_PUBLISHED;
    const result = await publishTo(target, name, content, () =>
      note(
        this.run.io,
        `warning: ${file}: the copy at ${address} cannot be read from here, so it is written without comparing`,
      ),
    );
    const what =
      result === "published" ? `published ${file} to ${address}` : `${file} is up to date at ${address}`;
    // on a terminal the bar says how many
    if (!this.many || !this.run.io.stderr.isTTY || this.run.args.verbose) await note(this.run.io, what);
    return result === "unchanged" ? UP_TO_DATE : undefined;
  }

  /** Asks as SOPS does; a single file that is not published ends it with an error. */
  private async agreed(path: string, address: string): Promise<boolean> {
    const { io } = this.run;
    const answer = await askYes(`uploading ${path} to ${address} ?`, io, io.stdout);
    if (answer === undefined) {
      this.nobody = true;
      throw new TsopsError("usage", "there is nobody to ask", {
        hint: "use --yes to publish without a question",
      });
    }
    if (answer) return true;
    const message = `Publication of ${path} canceled`;
    if (!this.many && !this.run.args.recursive) {
      throw new TsopsError("generic", message, { hint: "nothing was uploaded" });
    }
    await writeLines(io.stdout, [message]);
    return false;
  }
}
