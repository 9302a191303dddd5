import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inSandbox, type Sandbox } from "../cli.ts";
import { Git, PROGRAM_WORDS } from "../git.ts";

/** A git repository with tsops as its merge driver, in a folder of its own. */
export class Repository extends Git {
  constructor(box: Sandbox) {
    super(box);
    this.git("init", "-q", "-b", "main");
    this.git("config", "commit.gpgsign", "false");
    box.write(".gitattributes", "s.* merge=tsops\nnew.* merge=tsops\n");
    this.drive(
      `${PROGRAM_WORDS} git merge %O %A %B --path=%P --marker-size=%L --base-label=%S --ours-label=%X --theirs-label=%Y`,
    );
    this.git("config", "merge.tsops.recursive", "binary");
  }

  /** Sets git's merge driver. */
  drive(command: string): void {
    this.git("config", "merge.tsops.driver", command);
  }

  /** Encrypts a plaintext in the place of a file, with the ciphertexts that it had where nothing changed. */
  async save(name: string, plain: string): Promise<void> {
    this.box.write(`plain/${name}`, plain);
    const old = existsSync(this.box.path(name));
    const how = old ? ["encrypt", "--update", name] : ["encrypt", "--filename-override", name];
    this.box.write(name, await this.tsops(...how, `plain/${name}`));
    this.box.write("plain/.gitignore", "*\n");
    this.git("add", "-A");
    this.git("commit", "-q", "-m", name);
  }

  async plain(name: string): Promise<string> {
    return await this.tsops("decrypt", name);
  }

  /** Two branches from one base: the current one is `main`. */
  async fork(name: string, base: string, ours: string, theirs: string): Promise<void> {
    await this.save(name, base);
    this.git("checkout", "-q", "-b", "side");
    await this.save(name, theirs);
    this.git("checkout", "-q", "main");
    await this.save(name, ours);
  }

  /** Every place where one of these words stands in plaintext: objects, work tree, and all files of `.git`. */
  leaks(word: string): string[] {
    const found: string[] = [];
    const all = this.git("cat-file", "--batch-all-objects", "--batch");
    if (all.includes(word)) found.push("an object");
    const walk = (folder: string): void => {
      for (const entry of readdirSync(folder)) {
        const path = join(folder, entry);
        if (entry === "plain") continue;
        if (statSync(path).isDirectory()) walk(path);
        else if (readFileSync(path).includes(word)) found.push(path);
      }
    };
    walk(this.box.folder);
    return found;
  }
}

export async function inRepository(
  work: (repository: Repository) => unknown,
  env: Record<string, string | undefined> = {},
): Promise<void> {
  await inSandbox(async (box) => {
    mkdirSync(join(box.home, ".config"), { recursive: true });
    await work(new Repository(box));
  }, env);
}
