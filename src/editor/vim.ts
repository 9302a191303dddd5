import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Vim and neovim keep copies in places that their user chose, outside of the private folder: what was yanked or
 * deleted (viminfo, shada), swap and undo files, backups. A modeline in the file could change any of that.
 */
const SETTINGS =
  "set nobackup nowritebackup noundofile noswapfile nomodeline patchmode= " +
  // last, for versions that do not know it; neovim takes it for 'shada'
  "viminfo=";

/**
 * Set again where it counts, after whatever configuration and plugins did: before the file is read, before it is
 * written, and before vim writes what it remembers. Alone in its group, so that no `autocmd!` takes it away; the last
 * command of its line, since autocmd takes all the rest. No expressions: small builds of vim know none.
 */
const LASTING = `augroup tsops|augroup END|autocmd tsops BufReadPre,BufNewFile,BufWritePre,VimLeavePre * ${SETTINGS}`;

/** What vim is started with. `-i` and `-n` say twice, for versions whose options have other names. */
export const VIM_ARGUMENTS: readonly string[] = ["-n", "-i", "NONE", "--cmd", LASTING, "-c", SETTINGS];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * For a vim that something else starts: no other editor reads VIMINIT. Vim runs it in the place of its user's
 * configuration, so it has to read that first.
 */
export function vimInit(env: Environment): string {
  return `${env.VIMINIT || userConfiguration(env)}|${SETTINGS}|${LASTING}`;
}

/** `:help initialization`: of each list, the first that is there counts. */
function userConfiguration(env: Environment): string {
  const home = env.HOME ?? env.USERPROFILE ?? "";
  const xdg = env.XDG_CONFIG_HOME || join(home, ".config");
  const neovim = firstOf(["init.lua", "init.vim"].map((name) => join(xdg, env.NVIM_APPNAME || "nvim", name)));
  const places = [join(home, ".vimrc"), join(home, ".vim", "vimrc"), join(xdg, "vim", "vimrc")];
  const vim = firstOf(places);
  const forVim = vim === undefined ? "silent! source $VIMRUNTIME/defaults.vim" : `source ${escaped(vim)}`;
  if (neovim === undefined) return `if !has("nvim")|${forVim}|endif`;
  return `if has("nvim")|source ${escaped(neovim)}|else|${forVim}|endif`;
}

function firstOf(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}

function escaped(path: string): string {
  return path.replace(/[^\w/.+-]/g, "\\$&");
}
