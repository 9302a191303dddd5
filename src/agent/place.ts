import { lstatSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { isMine } from "../files/planted.ts";

/**
 * Where the agent listens: found by rule, so that no variable has to be handed on from shell to shell. Node cannot ask a
 * socket whose process is at its other end. So both ends rely on the file system: nobody but its owner, and root, gets
 * into a folder of mode 0700, and each end looks whose folder it is before it says anything.
 */
export interface Place {
  readonly folder: string;
  readonly socket: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Below `XDG_RUNTIME_DIR` where that is the user's own, else in the temp folder, under the user's number. */
export function placeFor(env: Env): Place {
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime && isAbsolute(runtime) && isPrivate(runtime)) {
    return placeIn(join(runtime, "tsops"));
  }
  const temp = env.TMPDIR && isAbsolute(env.TMPDIR) ? env.TMPDIR : "/tmp";
  return placeIn(join(temp, `tsops-${process.geteuid?.() ?? 0}`));
}

export function placeIn(folder: string): Place {
  return { folder, socket: join(folder, "agent.sock") };
}

function isPrivate(folder: string): boolean {
  try {
    const info = statSync(folder);
    return info.isDirectory() && isMine(info.uid) && (info.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

/** Whether something stands where the socket would be. */
export function isThere({ socket }: Place): boolean {
  try {
    return lstatSync(socket, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // somebody else's folder, which nobody may look into: whoever wants to use it is told
    return true;
  }
}
