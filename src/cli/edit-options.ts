import { DURATION_WORDS, durationMs } from "../duration.ts";
import { TsopsError } from "../errors.ts";
import { DEFAULTS, type Options } from "../ui/state/state.ts";
import type { Io } from "./io.ts";

/** What the command line and the environment say of the editor in the terminal. */
export interface EditorSettings {
  readonly options: Options;
  /** Lines instead of screens: for screen readers, and for terminals that understand nothing but text. */
  readonly linear: boolean;
}

export interface EditorArgs {
  readonly "no-reveal": boolean;
  readonly linear: boolean;
}

/** @throws TsopsError("usage") if a variable says something that it cannot say. */
export function editorSettings(args: EditorArgs, { env }: Io): EditorSettings {
  const options = {
    noReveal: args["no-reveal"],
    hideAfter: duration(env, "TSOPS_EDITOR_HIDE_AFTER") ?? DEFAULTS.hideAfter,
    lockAfter: env.TSOPS_EDITOR_LOCK_AFTER === "off" ? 0 : lockAfter(env),
    copyFor: duration(env, "TSOPS_EDITOR_COPY_FOR") ?? DEFAULTS.copyFor,
  };
  return { options, linear: isLinear(args, env) };
}

const lockAfter = (env: Io["env"]): number => duration(env, "TSOPS_EDITOR_LOCK_AFTER") ?? DEFAULTS.lockAfter;

function isLinear({ linear }: EditorArgs, env: Io["env"]): boolean {
  // the variable of the library that draws the screens, for all programs that use it
  return linear || editorAsked(env) === "linear" || env.INK_SCREEN_READER === "true" || env.TERM === "dumb";
}

/** What TSOPS_EDITOR says. @throws TsopsError("usage") */
export function editorAsked(env: Io["env"]): "tui" | "linear" | undefined {
  const asked = env.TSOPS_EDITOR;
  if (!asked) return undefined;
  if (asked === "tui" || asked === "linear") return asked;
  throw new TsopsError("usage", "TSOPS_EDITOR can only be tui or linear", {
    hint: "the command of an editor goes into EDITOR or SOPS_EDITOR",
  });
}

function duration(env: Io["env"], name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  const words = name === "TSOPS_EDITOR_LOCK_AFTER" ? `${DURATION_WORDS}, or off` : DURATION_WORDS;
  throw new TsopsError("usage", `${name} has to be ${words}`);
}
