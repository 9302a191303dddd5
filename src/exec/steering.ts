import { TsopsError } from "../errors.ts";
import { type Entry, pathOf } from "../formats/format.ts";
import { placeOf } from "../formats/text.ts";
import { printable } from "../printable.ts";
import type { Decrypted } from "../sops/decrypt.ts";

/**
 * Variables that decide which code programs run: who can write such a value into a file runs code with its secrets.
 * The lists come from what glibc takes from set-user-ID programs (unsecvars.h) and sudo from every program (env.c),
 * and from the manuals of common interpreters, of git, and of build tools. Left out on purpose, since people keep them
 * in files of secrets: HOME, TZ, TMPDIR, KUBECONFIG, DOCKER_HOST, proxies, and whatever only tunes a program.
 */
const NAMES: ReadonlySet<string> = new Set([
  // where programs are, what the system loads into them
  ...["PATH", "SHELL", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "PATH_LOCALE"],
  ...["MALLOC_TRACE", "NIS_PATH", "TZDIR", "LIBPATH", "SHLIB_PATH"],
  ...["HOSTALIASES", "LOCALDOMAIN", "RESOLV_HOST_CONF", "RES_OPTIONS"],
  ...["OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "SSLKEYLOGFILE"],
  ...["GTK_MODULES", "GTK_PATH", "GIO_EXTRA_MODULES", "GIO_MODULE_DIR", "QT_PLUGIN_PATH"],
  ...["TERMINFO", "TERMINFO_DIRS", "TERMPATH", "TERMCAP", "INPUTRC"],
  ...["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS"],
  // Windows
  ...["COMSPEC", "PATHEXT", "PSMODULEPATH", "SYSTEMROOT", "WINDIR"],
  // tsops and SOPS: programs that they start, and what may be started
  ...["SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_GPG_EXEC", "TSOPS_ALLOW"],
  // shells
  ...["IFS", "CDPATH", "GLOBIGNORE", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "BASH_LOADABLES_PATH"],
  ...["PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "HISTFILE"],
  ...["FPATH", "NULLCMD", "READNULLCMD", "TMPPREFIX", "ZDOTDIR"],
  // programs that other programs start
  ...["EDITOR", "VISUAL", "SOPS_EDITOR", "SUDO_EDITOR", "KUBE_EDITOR", "FCEDIT", "LESSOPEN", "LESSCLOSE"],
  ...["SSH_ASKPASS", "SUDO_ASKPASS", "EXINIT", "VIMINIT", "GVIMINIT", "VIMRUNTIME", "PSQLRC"],
  // Node and its relatives
  ...["NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "NODE_COMPILE_CACHE", "NODE_V8_COVERAGE"],
  ...[
    "NODE_REDIRECT_WARNINGS",
    "ELECTRON_RUN_AS_NODE",
    "TS_NODE_REQUIRE",
    "TS_NODE_COMPILER",
    "TS_NODE_PROJECT",
  ],
  ...["BUN_OPTIONS", "BUN_BE_BUN", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "DENO_DIR", "DENO_V8_FLAGS"],
  ...["BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_NOTIFY", "BUN_INSPECT_PRELOAD"],
  ...["YARN_RC_FILENAME", "YARN_YARN_PATH", "YARN_PLUGINS"],
  // Python, Perl, Ruby, PHP, Lua, R
  ...["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHONBREAKPOINT"],
  ...["PYTHONWARNINGS", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX"],
  ...["PERL5LIB", "PERLLIB", "PERL5OPT", "PERL5DB", "PERL5SHELL", "PERLIO_DEBUG"],
  ...["RUBYOPT", "RUBYLIB", "RUBYPATH", "RUBYSHELL", "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "BUNDLE_PATH"],
  ...["PHPRC", "PHP_INI_SCAN_DIR", "R_PROFILE", "R_PROFILE_USER", "R_ENVIRON", "R_ENVIRON_USER"],
  // Java and .NET
  ...["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "JAVA_HOME", "CLASSPATH"],
  ...["CATALINA_OPTS", "GRADLE_OPTS", "MAVEN_OPTS", "MAVEN_ARGS", "SBT_OPTS"],
  ...["DOTNET_STARTUP_HOOKS", "DOTNET_ADDITIONAL_DEPS", "DOTNET_SHARED_STORE", "DOTNET_ROOT"],
  ...["COR_ENABLE_PROFILING", "CORECLR_ENABLE_PROFILING"],
  // building
  ...["MAKEFLAGS", "GNUMAKEFLAGS", "MFLAGS", "GOFLAGS", "GOROOT", "RUSTC", "RUSTC_WRAPPER", "RUSTFLAGS"],
  ...["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_DIR"],
  ...["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC", "CARGO_BUILD_RUSTC_WRAPPER", "CARGO_HOME", "GOENV"],
  ...["GOTOOLCHAIN", "MAKEFILES", "CC", "CXX", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PIP_CONFIG_FILE"],
  // interpreters that few have, and programs that run another one
  ...[
    "ERL_FLAGS",
    "ERL_AFLAGS",
    "ERL_ZFLAGS",
    "ERL_LIBS",
    "ELIXIR_ERL_OPTIONS",
    "JULIA_LOAD_PATH",
    "JULIA_DEPOT_PATH",
  ],
  ...["GUILE_LOAD_PATH", "TCLLIBPATH", "AWKPATH", "AWKLIBPATH", "EMACSLOADPATH", "OPENJ9_JAVA_OPTIONS"],
  ...[
    "IBM_JAVA_OPTIONS",
    "LESS",
    "LESSKEY",
    "LESSKEYIN",
    "LESSKEY_CONTENT",
    "TAR_OPTIONS",
    "RSYNC_RSH",
    "CVS_RSH",
  ],
  ...["BORG_RSH", "SVN_SSH", "SVN_EDITOR", "HGRCPATH", "HGEDITOR", "SSH_SK_PROVIDER", "SYSTEMD_EDITOR"],
  ...["ANSIBLE_CONFIG", "ANSIBLE_LIBRARY", "AWS_CONFIG_FILE"],
  // git; names such as GIT_TOKEN are the person's own
  ...["GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_EXTERNAL_DIFF"],
  ...["GIT_PROXY_COMMAND", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE"],
  ...["GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_ALLOW_PROTOCOL"],
  ...["GIT_PROTOCOL_FROM_USER", "GIT_ATTR_SOURCE", "GIT_SSL_NO_VERIFY"],
]);

const PATTERNS: readonly RegExp[] = [
  // the loader's; LaunchDarkly's LD_SDK_KEY, LD_CLIENT_SIDE_ID and the like are secrets
  /^LD_(?!.*(?:KEY|TOKEN|ID|SECRET)$)/,
  /^(?:DYLD_|_RLD)/,
  /^GIT_(?:CONFIG|TRACE)/,
  /^LUA_(?:PATH|CPATH|INIT)/,
  /^COR(?:ECLR)?_PROFILER/,
  // libraries that .NET loads in the place of its own
  /^(?:DOTNET|COMPlus)_(?:GCName|GCPath|AltJit)/i,
  /^TF_CLI_ARGS/,
  // npm's settings, in any case; what logs in to a registry is a secret
  /^npm_config_(?!\/\/|_auth|_password|username|email)/i,
];

/**
 * Of these, most values are harmless words (`ENV=production`, `BROWSER=none`): only what can name a file or a command.
 */
const BY_VALUE = /^(?:ENV|BROWSER|\w*PAGER)$/;
const PLAIN_WORD = /^[\w.-]*$/;

/** Whether a variable decides which code programs run. */
export function steersPrograms(name: string, value: string): boolean {
  // Windows does not tell upper case from lower case
  const known = process.platform === "win32" ? name.toUpperCase() : name;
  if (BY_VALUE.test(known)) return !PLAIN_WORD.test(value);
  return NAMES.has(known) || PATTERNS.some((pattern) => pattern.test(known));
}

/** A function for bash, which it would define before it does anything else. */
const BASH_FUNCTION = /^BASH_FUNC_/;

export interface Origin {
  /** The file's name, as the person gave it. */
  readonly file: string;
  readonly decrypted: Pick<Decrypted, "reading" | "items" | "sealed" | "metadata">;
  /** The variable that a value becomes. */
  readonly nameOf: (path: readonly (string | number)[]) => string;
  /** Whether the variables were read from the values as SOPS reads them: another reading can join several lines. */
  readonly byEntry: boolean;
}

/**
 * Refuses variables that steer programs unless the file's seal vouches for them, or the person allows them by name.
 * @throws TsopsError("not-allowed") with the variable and its place.
 */
export function checkSteering(
  variables: ReadonlyMap<string, string>,
  origin: Origin,
  allowed: ReadonlySet<string>,
): void {
  for (const [name, value] of variables) {
    if (BASH_FUNCTION.test(name)) throw refused(name, origin, "defines a function for bash", NEVER);
    if (allowed.has(name) || !steersPrograms(name, value) || isSealed(name, origin)) continue;
    const { sealed } = origin.decrypted;
    const what = "decides which code programs run, and the file's seal does not vouch for it";
    const seal = sealed
      ? "or let the file be sealed with its plain values: it has mac_only_encrypted"
      : `or seal the file, once you know that it is right: tsops rotate -i ${printable(origin.file)}`;
    throw refused(name, origin, what, `if it belongs there: --allow-env ${printable(name)}\n${seal}`);
  }
}

const NEVER = "take it out of the file: tsops never passes such a variable on";

/** With mac_only_encrypted, who has no key can change the plain values of a sealed file. */
function isSealed(name: string, { decrypted, nameOf, byEntry }: Origin): boolean {
  if (!decrypted.sealed) return false;
  if (!decrypted.metadata.macOnlyEncrypted) return true;
  const own = decrypted.items.filter(({ entry }) => isOf(entry, name, nameOf));
  return byEntry && own.length > 0 && own.every(({ encrypted }) => encrypted);
}

/** In whichever document: a name that is plain in one of them is not vouched for. */
function isOf(entry: Entry, name: string, nameOf: Origin["nameOf"]): boolean {
  return entry.kind === "value" && nameOf(pathOf(entry)) === name;
}

function refused(name: string, { file, decrypted, nameOf }: Origin, what: string, hint: string): TsopsError {
  const { entries, text } = decrypted.reading;
  const entry = entries.find((one) => isOf(one, name, nameOf));
  const place = { ...(entry && placeOf(text, entry.start)), file };
  return new TsopsError("not-allowed", `the variable ${name} ${what}`, { place, hint });
}
