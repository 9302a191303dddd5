import { TsopsError } from "../errors.ts";
import { decodeText } from "../formats/text.ts";
import { ALLOW_NOTHING, type Allow } from "../keys/allow-lists.ts";
import { fieldOf, textOf, truthOf } from "./node.ts";
import { readFound, strangerAmong, writersOf } from "./owner.ts";
import { userConfigPath } from "./user-path.ts";

/** What a user says for all repositories (docs/config.md). */
export interface UserConfig {
  /** Undefined where there is no home folder to have it in. */
  readonly path: string | undefined;
  readonly allow: Allow;
  /** Whether files without a seal are refused; undefined if it does not say so. */
  readonly requireSeal: boolean | undefined;
  readonly agent: AgentSettings;
}

/** How `tsops agent` is to run (docs/agent.md). */
export interface AgentSettings {
  /** Whether it is started when there is something to keep. */
  readonly start: boolean;
  /** How long it keeps things, as people write that. */
  readonly idle: string | undefined;
  readonly total: string | undefined;
}

const NO_AGENT: AgentSettings = { start: false, idle: undefined, total: undefined };

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The user's own configuration; an empty one if there is none.
 * @throws TsopsError("config") with the place if it is broken, holds unknown fields, or belongs to somebody else.
 */
export async function userConfig(env: Env, home: string): Promise<UserConfig> {
  const path = userConfigPath(env, home);
  const bytes = path === undefined ? undefined : read(path, env);
  if (path === undefined || !bytes)
    return { path, allow: ALLOW_NOTHING, requireSeal: undefined, agent: NO_AGENT };
  const [{ readJson5 }, { USER_CONFIG }, { allowOf }] = await Promise.all([
    import("./json5.ts"),
    import("./schema.ts"),
    import("./sopsrc.ts"),
  ]);
  const { root, errors } = await readJson5(decodeText(bytes), path, USER_CONFIG);
  const [error] = errors;
  if (error) throw error;
  const agent = fieldOf(root, "agent");
  return {
    path,
    allow: allowOf(root),
    requireSeal: truthOf(fieldOf(root, "require_seal")),
    agent: {
      start: truthOf(fieldOf(agent, "start")) ?? false,
      idle: textOf(fieldOf(agent, "idle")),
      total: textOf(fieldOf(agent, "total")),
    },
  };
}

function read(path: string, env: Env): Uint8Array | undefined {
  const { owners, info, bytes, error } = readFound(path, env);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  // nothing can have a name that is too long
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
  const stranger = strangerAmong(owners, env);
  if (stranger !== undefined) {
    throw unusable(path, `it belongs to user ${stranger}`, "make it yours with chown, or remove it");
  }
  if (error instanceof TsopsError) throw error;
  if (!info || !bytes) throw unusable(path, String(code), "correct its mode, or remove it", error);
  const writers = writersOf(info);
  if (writers !== undefined) {
    throw unusable(path, `${writers} may write into it`, "forbid that with chmod go-w");
  }
  return bytes;
}

function unusable(path: string, why: string, hint: string, cause?: unknown): TsopsError {
  return new TsopsError("config", `your own configuration cannot be used: ${why}`, {
    place: { file: path },
    hint,
    cause,
  });
}
