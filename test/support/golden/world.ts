import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What all cases of a run share: the keys, and GnuPG homes with and without them. */
export interface World {
  readonly root: string;
  readonly keys: string;
  /** A GnuPG home with all secret keys. */
  readonly gpg: string;
  /** An empty one. */
  readonly noGpg: string;
  close(): void;
}

/** @throws if there is no gpg: the cases cannot be judged without it. */
export function makeWorld(keyFolder: string): World {
  // a short name: the path of a GnuPG agent's socket must not be longer than 107 bytes
  const root = realpathSync(mkdtempSync(join(tmpdir(), "g-")));
  const keys = join(root, "k");
  const gpg = join(root, "g");
  const noGpg = join(root, "n");
  cpSync(keyFolder, keys, { recursive: true });
  mkdirSync(gpg, { mode: 0o700 });
  mkdirSync(noGpg, { mode: 0o700 });
  const close = (): void => {
    for (const home of [gpg, noGpg]) {
      quietly(() => execFileSync("gpgconf", ["--homedir", home, "--kill", "all"], { stdio: "ignore" }));
    }
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    for (const name of readdirSync(keys)) {
      // git does not keep this mode, and SSH keys that others can read are not accepted
      if (name.startsWith("ssh_") && !name.endsWith(".pub")) chmodSync(join(keys, name), 0o600);
      if (name.endsWith(".asc")) importKey(gpg, join(keys, name));
    }
  } catch (error) {
    close();
    throw error;
  }
  return { root, keys, gpg, noGpg, close };
}

function importKey(home: string, file: string): void {
  try {
    execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--import", file], { stdio: "pipe" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error("gpg is not installed, and the golden cases need it");
    throw error;
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // an agent that does not run need not be stopped
  }
}
