import { type Command, command, type Table } from "./command.ts";
import { AGENT, AGENT_CLEAR, AGENT_START, AGENT_STATUS, AGENT_STOP } from "./commands/agent/command.ts";
import { ALLOW } from "./commands/allow/command.ts";
import { CHECK } from "./commands/check/command.ts";
import { COMPLETION } from "./commands/completion/command.ts";
import { CONFIG, CONFIG_CHECK, CONFIG_EXPLAIN } from "./commands/config/command.ts";
import { DECRYPT } from "./commands/decrypt/command.ts";
import { DIFF } from "./commands/diff/command.ts";
import { DOCTOR } from "./commands/doctor/command.ts";
import { EDIT } from "./commands/edit/command.ts";
import { ENCRYPT } from "./commands/encrypt/command.ts";
import { EXEC, EXEC_ENV, EXEC_FILE } from "./commands/exec/command.ts";
import { FILESTATUS } from "./commands/filestatus/command.ts";
import { GIT, GIT_INSTALL, GIT_STATUS, GIT_TEXTCONV, GIT_UNINSTALL } from "./commands/git/command.ts";
import { GIT_MERGE } from "./commands/git-merge/command.ts";
import { GIT_RESOLVE } from "./commands/git-resolve/command.ts";
import { GROUPS, GROUPS_ADD, GROUPS_DELETE } from "./commands/groups/command.ts";
import { INIT } from "./commands/init/command.ts";
import { INSTALL_SHIM } from "./commands/install-shim/command.ts";
import { KEYGEN } from "./commands/keygen/command.ts";
import { KEYSERVICE } from "./commands/keyservice/command.ts";
import { LEGACY } from "./commands/legacy/command.ts";
import { LOG } from "./commands/log/command.ts";
import { PUBLISH } from "./commands/publish/command.ts";
import { RECIPIENTS } from "./commands/recipients/command.ts";
import { ROTATE } from "./commands/rotate/command.ts";
import { SET, UNSET } from "./commands/set/command.ts";
import { STATUS } from "./commands/status/command.ts";
import { UI } from "./commands/ui/command.ts";
import { UPDATEKEYS } from "./commands/updatekeys/command.ts";

/** All commands, in the order of help. The module of a command is loaded only when it runs. */
export const COMMANDS: readonly Command[] = [
  command(ENCRYPT, async () => (await import("./commands/encrypt/run.ts")).encrypt),
  command(DECRYPT, async () => (await import("./commands/decrypt/run.ts")).decrypt),
  command(EDIT, async () => (await import("./commands/edit/run.ts")).edit),
  command(UI, async () => (await import("./commands/ui/run.ts")).ui),
  command(SET, async () => (await import("./commands/set/run.ts")).set),
  command(UNSET, async () => (await import("./commands/set/run.ts")).unset),
  command(ROTATE, async () => (await import("./commands/rotate/run.ts")).rotate),
  command(UPDATEKEYS, async () => (await import("./commands/updatekeys/run.ts")).updatekeys),
  command(GROUPS, async () => (await import("./commands/groups/run.ts")).groups, [
    command(GROUPS_ADD, async () => (await import("./commands/groups/run.ts")).addGroup),
    command(GROUPS_DELETE, async () => (await import("./commands/groups/run.ts")).deleteGroup),
  ]),
  command(CHECK, async () => (await import("./commands/check/run.ts")).check),
  command(STATUS, async () => (await import("./commands/status/run.ts")).status),
  command(RECIPIENTS, async () => (await import("./commands/recipients/run.ts")).recipients),
  command(FILESTATUS, async () => (await import("./commands/filestatus/run.ts")).filestatus),
  command(PUBLISH, async () => (await import("./commands/publish/run.ts")).publish),
  command(DOCTOR, async () => (await import("./commands/doctor/run.ts")).doctor),
  command(DIFF, async () => (await import("./commands/diff/run.ts")).diff),
  command(LOG, async () => (await import("./commands/log/run.ts")).log),
  command(GIT, async () => (await import("./commands/git/run.ts")).git, [
    command(GIT_INSTALL, async () => (await import("./commands/git/install.ts")).install),
    command(GIT_UNINSTALL, async () => (await import("./commands/git/install.ts")).uninstall),
    command(GIT_STATUS, async () => (await import("./commands/git/status.ts")).status),
    command(GIT_TEXTCONV, async () => (await import("./commands/git/textconv.ts")).textconv),
    command(GIT_MERGE, async () => (await import("./commands/git-merge/run.ts")).gitMerge),
    command(GIT_RESOLVE, async () => (await import("./commands/git-resolve/run.ts")).gitResolve),
  ]),
  command(EXEC_ENV, async () => (await import("./commands/exec/exec-env.ts")).execEnv),
  command(EXEC_FILE, async () => (await import("./commands/exec/exec-file.ts")).execFile),
  command(EXEC, async () => (await import("./commands/exec/exec.ts")).exec),
  command(KEYGEN, async () => (await import("./commands/keygen/run.ts")).keygen),
  command(INIT, async () => (await import("./commands/init/run.ts")).init),
  command(CONFIG, async () => (await import("./commands/config/run.ts")).config, [
    command(CONFIG_EXPLAIN, async () => (await import("./commands/config/run.ts")).explain),
    command(CONFIG_CHECK, async () => (await import("./commands/config/run.ts")).check),
  ]),
  command(ALLOW, async () => (await import("./commands/allow/run.ts")).allow),
  command(KEYSERVICE, async () => (await import("./commands/keyservice/run.ts")).keyservice),
  command(INSTALL_SHIM, async () => (await import("./commands/install-shim/run.ts")).installShim),
  command(AGENT, async () => (await import("./commands/agent/run.ts")).agent, [
    command(AGENT_START, async () => (await import("./commands/agent/run.ts")).startAgent),
    command(AGENT_STATUS, async () => (await import("./commands/agent/run.ts")).agentStatus),
    command(AGENT_CLEAR, async () => (await import("./commands/agent/run.ts")).clearAgent),
    command(AGENT_STOP, async () => (await import("./commands/agent/run.ts")).stopAgent),
  ]),
  command(COMPLETION, async () => (await import("./commands/completion/run.ts")).completion),
];

export const TABLE: Table = {
  commands: COMMANDS,
  legacy: command(LEGACY, async () => (await import("./commands/legacy/run.ts")).legacy),
};
