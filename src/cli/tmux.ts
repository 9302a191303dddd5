import { run } from "../programs/run.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const LIMIT_SECONDS = 5;
/** Buffers that tmux named: others somebody keeps on purpose. */
const OF_TMUX = /^(buffer\d+) (\d+)$/;

/**
 * Takes a copied value out of the list of what was copied that tmux keeps: emptying the clipboard only puts something
 * before it there. Outside of tmux, and where tmux does not do it, nothing happens.
 */
export async function forgetInTmux(text: string, env: Environment): Promise<void> {
  const { TMUX, PATH, PATHEXT } = env;
  if (!TMUX) return;
  const wanted = Buffer.from(text, "utf8");
  const tmux = (...words: readonly string[]) =>
    // it needs to know where its server is, and nothing else of ours
    run({ argv: ["tmux", ...words], env: { TMUX, PATH, PATHEXT }, limit: LIMIT_SECONDS });
  try {
    const { stdout } = await tmux("list-buffers", "-F", "#{buffer_name} #{buffer_size}");
    for (const line of stdout.toString().split("\n")) {
      const [, name, size] = OF_TMUX.exec(line) ?? [];
      if (name === undefined || Number(size) !== wanted.length) continue;
      const held = await tmux("show-buffer", "-b", name);
      if (held.stdout.equals(wanted)) await tmux("delete-buffer", "-b", name);
    }
  } catch {
    // there is no tmux to be found: the manual says where else a value stays
  }
}
