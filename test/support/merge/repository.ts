import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../cli.ts";
import { PROGRAM } from "../program.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A git repository with tsops as its merge driver, in a folder of its own. */
export class Repository {
  readonly box: Sandbox;

  constructor(box: Sandbox) {
    this.box = box;
    this.must("init", "-q", "-b", "main");
    this.must("config", "user.email", "a@example.com");
    this.must("config", "user.name", "A");
    this.must("config", "commit.gpgsign", "false");
    box.write(".gitattributes", "s.* merge=tsops\nnew.* merge=tsops\n");
    this.drive(
      `${PROGRAM.map(quoted).join(" ")} git merge %O %A %B --path %P --marker-size %L --base-label %S --ours-label %X --theirs-label %Y`,
    );
    this.must("config", "merge.tsops.recursive", "binary");
  }

  /** Sets git's merge driver. */
  drive(command: string): void {
    this.must("config", "merge.tsops.driver", command);
  }

  git(...args: readonly string[]): Ended {
    const env = { ...this.box.env, GIT_EDITOR: "true", GIT_CONFIG_NOSYSTEM: "1" };
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: this.box.folder,
      env,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    return { code: status ?? -1, stdout, stderr };
  }

  must(...args: readonly string[]): string {
    const { code, stdout, stderr } = this.git(...args);
    assert.is(code, 0, `git ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Runs tsops, which has to succeed. */
  async tsops(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.box.run(argv);
    assert.is(code, 0, `tsops ${argv.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Encrypts a plaintext in the place of a file, with the ciphertexts that it had where nothing changed. */
  async commit(name: string, plain: string): Promise<void> {
    this.box.write(`plain/${name}`, plain);
    const old = existsSync(this.box.path(name));
    const how = old ? ["encrypt", "--update", name] : ["encrypt", "--filename-override", name];
    this.box.write(name, await this.tsops(...how, `plain/${name}`));
    this.box.write("plain/.gitignore", "*\n");
    this.must("add", "-A");
    this.must("commit", "-q", "-m", name);
  }

  async plain(name: string): Promise<string> {
    return await this.tsops("decrypt", name);
  }

  /** Two branches from one base: the current one is `main`. */
  async fork(name: string, base: string, ours: string, theirs: string): Promise<void> {
    await this.commit(name, base);
    this.must("checkout", "-q", "-b", "side");
    await this.commit(name, theirs);
    this.must("checkout", "-q", "main");
    await this.commit(name, ours);
  }

  /** Every place where one of these words stands in plaintext: objects, work tree, and all files of `.git`. */
  leaks(word: string): string[] {
    const found: string[] = [];
    const all = this.must("cat-file", "--batch-all-objects", "--batch");
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
    // for what an editor leaves there
    box.env.XDG_RUNTIME_DIR ??= join(box.root, "run");
    mkdirSync(box.env.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 });
    await work(new Repository(box));
  }, env);
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
