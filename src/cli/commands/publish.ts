import { ruleGroups } from "../../config/groups.ts";
import type { Session } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { type Content, fileContent, valuesContent } from "../../publish/content.ts";
import { publishTo } from "../../publish/publish.ts";
import type { Args } from "../args.ts";
import { forEachFile, Otherwise } from "../batch.ts";
import { missingFileExits, openFile } from "../files.ts";
import { type Io, writeLines } from "../io.ts";
import { askYes } from "../prompt.ts";
import { readEncryptedFile, recreated } from "../publish-content.ts";
import { type Plan, planFiles } from "../publish-plan.ts";
import { showKey } from "../recipients.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { documentTrees } from "./decrypt.ts";

/** `publish`: puts encrypted files where the destinations of the configuration say (SPEC section 7). */
export async function publish(args: Args, io: Io): Promise<number> {
  return await missingFileExits(1, new Publishing(args, io).run());
}

const NOT_PUBLISHED = new Otherwise("not published");
const UP_TO_DATE = new Otherwise("there already");

class Publishing {
  private readonly args: Args;
  private readonly io: Io;
  private session!: Session;
  private many = false;
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
    return await forEachFile(
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
  }

  /** `--dry-run`: what would go where, without network and keys. */
  private async announce(plan: Plan): Promise<void> {
    await readEncryptedFile(plan, this.args, this.io);
    const { groups } = plan.destination.recreation;
    const keys = ruleGroups(plan.destination.recreation).flat();
    const names = keys.map((key) => showKey(key, plan.settings)).join(", ");
    const recreated = groups.flat().length > 0 ? `, encrypted again for ${names}` : "";
    const how = plan.target.takes === "values" ? ", its decrypted values" : recreated;
    await note(this.io, `would publish ${plan.file} to ${plan.address}${how}`);
  }

  private async publishOne(plan: Plan): Promise<Otherwise | undefined> {
    if (this.nobody) return NOT_PUBLISHED;
    const { args, io, session, many } = this;
    const bytes = await readEncryptedFile(plan, args, io);
    const { takes } = plan.target;
    const recreates = takes === "file" && plan.destination.recreation.groups.flat().length > 0;
    if (takes === "file" && !recreates) return await this.send(plan, fileContent(bytes));
    const open = await openFile(plan.file, bytes, args, io, session);
    try {
      const content =
        takes === "values"
          ? valuesContent(documentTrees(open))
          : await recreated(plan, open, { args, io, session, many });
      return await this.send(plan, content);
    } finally {
      open.close();
    }
  }

  private async send(plan: Plan, content: Content): Promise<Otherwise | undefined> {
    const { file, path, address, target, name } = plan;
    if (!this.args.flag("yes") && !(await this.agreed(path, address))) return NOT_PUBLISHED;
    const result = await publishTo(target, name, content, () =>
      note(
        this.io,
        `warning: ${file}: the copy at ${address} cannot be read from here, so it is written without comparing`,
      ),
    );
    const what =
      result === "published" ? `published ${file} to ${address}` : `${file} is up to date at ${address}`;
    // on a terminal the bar says how many
    if (!this.many || !this.io.stderr.isTTY || this.args.flag("verbose")) await note(this.io, what);
    return result === "unchanged" ? UP_TO_DATE : undefined;
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
    await writeLines(io.stdout, [message]);
    return false;
  }
}
