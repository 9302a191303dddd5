import { test } from "uvu";
import { inSandbox, type Sandbox } from "../cli.ts";
import { PROGRAM } from "../program.ts";
import { hasTmux, Pane, quoted } from "./pane.ts";

/** The editor of the real program in a real terminal. */

export const PLAIN = `# about this file
db:
  user: admin # who
  password: s3cret-marker
  port_unencrypted: 5432
list:
  - one
  - two
`;
export const TSOPS = PROGRAM.map(quoted).join(" ");
const NO_EDITOR = { EDITOR: undefined, SOPS_EDITOR: undefined, VISUAL: undefined };

export async function inPane(work: (pane: Pane, box: Sandbox) => Promise<void>, size = {}): Promise<void> {
  await inSandbox(async (box) => {
    box.write("plain.yaml", PLAIN);
    const made = await box.run(["encrypt", "plain.yaml"]);
    box.write("secrets.yaml", made.stdout);
    const env = { ...box.env, ...NO_EDITOR };
    const pane = await Pane.open({ env, cwd: box.folder, ...size });
    try {
      await work(pane, box);
    } finally {
      pane.close();
    }
  });
}

export const decrypted = async (box: Sandbox, name = "secrets.yaml"): Promise<string> =>
  (await box.run(["decrypt", name])).stdout;

/** Opens the editor and waits until the file is decrypted. */
export async function opened(pane: Pane, words = "edit --tui secrets.yaml"): Promise<void> {
  pane.run(`${TSOPS} ${words}; echo "exit code $?"`);
  await pane.until(/Enter edit/);
}

/** The cursor on the row of a key. */
export async function to(pane: Pane, key: string): Promise<void> {
  pane.type("/").type(key).keys("Enter");
  await pane.until(new RegExp(`^>.{0,8}\\s${key}\\b`, "m"));
}

/** A test that needs tmux. */
export const terminal = (name: string, work: () => Promise<void>): void => {
  if (hasTmux) test(name, work);
  else test.skip(name, work);
};
