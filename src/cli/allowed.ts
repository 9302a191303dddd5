import { resolve } from "node:path";
import { masterVariablesOf, namedBy } from "../config/allow.ts";
import { Approvals } from "../config/approvals.ts";
import { Configurations, readConfig } from "../config/find.ts";
import { readBounded } from "../config/owner.ts";
import { userConfig } from "../config/user.ts";
import { TsopsError } from "../errors.ts";
import { decodeText } from "../formats/text.ts";
import { allowLine, holds, unknownValue } from "../keys/allow.ts";
import type { AllowList, Unvouched } from "../keys/allow-list.ts";
import {
  type Allow,
  allowAll,
  allowBeyond,
  allowedByEnvironment,
  allowedByVariable,
  allowedValues,
  namedByKeys,
} from "../keys/allow-lists.ts";
import { AWS_PROFILES } from "../keys/aws/allow.ts";
import { textField } from "../keys/fields.ts";
import { printable, shellQuoted } from "../printable.ts";
import type { Run } from "./command.ts";
import { keysIdentified } from "./creation.ts";
import { homeOf } from "./io.ts";
import { askNo, interactive } from "./prompt.ts";
import { note } from "./report.ts";
import { besideFiles } from "./settings.ts";

/**
 * What may be used in this run: a checkout does not vouch for itself (docs/security.md). The options, the variables and
 * the user's own configuration do, and a configuration of the repository once the person has approved it as it is.
 */

/** A configuration of a repository, as it is now. */
export interface Naming {
  readonly path: string;
  readonly content: Uint8Array;
  readonly names: Allow;
}

/** @throws TsopsError("config") if it is broken: nobody can say what it names. */
export async function readNaming(path: string): Promise<Naming> {
  const content = readBounded(path, path);
  const config = await readConfig(decodeText(content), path);
  const [error] = config.errors;
  if (error) throw error;
  return { path, content, names: namedBy(config) };
}

export class Allowed {
  private readonly run: Run;
  private readonly asks: boolean;
  private readonly approvals: Approvals;
  private readonly configurations: Configurations;
  private own: Promise<Allow> | undefined;
  private readonly namings = new Map<string, Promise<Naming | undefined>>();
  private answer: Promise<boolean> | undefined;
  /** Approved in this run. */
  private readonly trusted = new Set<Naming>();

  constructor(run: Run, asks: boolean) {
    const { args, io } = run;
    this.run = run;
    this.asks = asks && interactive(io);
    this.approvals = new Approvals(io.env, homeOf(io));
    this.configurations = new Configurations({ cwd: io.cwd, env: io.env, option: args.config });
  }

  /** What the person names, and what the configurations name that the person approved. */
  async allow(): Promise<Allow> {
    const [own, here, beside] = await Promise.all([this.ownList(), this.here(), this.beside()]);
    const approved = [here, ...beside].filter((naming) => naming && this.isApproved(naming));
    return allowAll([own, ...approved.map((naming) => naming!.names)]);
  }

  /** Asks about the configuration that names a value, once a run, or says what to do. */
  async vouch(list: AllowList, value: string): Promise<"allowed" | Unvouched> {
    const here = await this.here();
    if (here && holds(here.names, list, value)) {
      if (this.asks && (await (this.answer ??= this.ask(here)))) return "allowed";
      return this.unapproved(here);
    }
    const beside = (await this.beside()).find(({ names }) => holds(names, list, value));
    return beside ? this.unapproved(beside) : unknownValue(list, value);
  }

  private ownList(): Promise<Allow> {
    const { run } = this;
    this.own ??= userConfig(run.io.env, homeOf(run.io)).then(({ allow }) =>
      allowAll([allow, namedHere(run)]),
    );
    return this.own;
  }

  /** The configuration that the person went to, or named. */
  private async here(): Promise<Naming | undefined> {
    const { path } = await this.configurations.find();
    return path === undefined ? undefined : await this.naming(path);
  }

  /** Those that only stand beside files that this run is about. */
  private async beside(): Promise<Naming[]> {
    const { args, io } = this.run;
    const files = [...(args.files ?? []), ...(args.file === undefined ? [] : [args.file])];
    for (const file of files) await this.configurations.find(resolve(io.cwd, file));
    const paths = new Set([...this.configurations.besideFiles, ...besideFiles(io)]);
    const found = await Promise.all([...paths].map((path) => this.naming(path)));
    return found.filter((naming) => naming !== undefined);
  }

  /** A broken one names nothing; the commands that need it say so. */
  private naming(path: string): Promise<Naming | undefined> {
    let naming = this.namings.get(path);
    if (!naming) this.namings.set(path, (naming = readNaming(path).catch(() => undefined)));
    return naming;
  }

  private isApproved(naming: Naming): boolean {
    return this.trusted.has(naming) || this.approvals.has(naming.path, naming.content);
  }

  private async ask(naming: Naming): Promise<boolean> {
    const { io } = this.run;
    await note(io, `${printable(naming.path)} names what you have not approved:`);
    for (const { words } of allowedValues(await this.missing(naming))) await note(io, `  ${words}`);
    const question =
      "Your credentials and data keys would be used with that. Do you trust this configuration?";
    if (!(await askNo(question, io))) return false;
    this.trusted.add(naming);
    try {
      this.approvals.add(naming.path, naming.content);
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      await note(io, `warning: ${error.message}: you will be asked again`);
    }
    return true;
  }

  private async unapproved(naming: Naming): Promise<Unvouched> {
    const missing = allowedValues(await this.missing(naming));
    const before = allowedValues(allowedByVariable(this.run.io.env.TSOPS_ALLOW));
    const line = allowLine([...before, ...missing]);
    const file = shellQuoted(printable(naming.path));
    return {
      by: `only the configuration ${printable(naming.path)}`,
      why: "you have not approved that",
      hint:
        `\`tsops allow ${file}\` shows what it names, and approves it` +
        (line === undefined ? "" : `; in CI set\n${line}`),
    };
  }

  /** What of a configuration's names nothing vouches for yet. */
  private async missing({ names }: Naming): Promise<Allow> {
    const { env } = this.run.io;
    const known = [allowedByEnvironment(env), allowedByVariable(env.TSOPS_ALLOW), await this.allow()];
    return allowBeyond(names, allowAll(known));
  }
}

/** What the options and variables name. */
function namedHere(run: Run): Allow {
  const keys = (["", "add-"] as const).flatMap((prefix) =>
    keysIdentified(run.args, { prefix, env: run.io.env }),
  );
  const profile = run.args["aws-profile"];
  return allowAll([
    namedByKeys(
      keys.map(({ kind, id, fields }) => {
        return { kind, id, role: textField(fields, "role"), profile: textField(fields, "aws_profile") };
      }),
    ),
    { [AWS_PROFILES.name]: profile ? [profile] : [] },
  ]);
}

/**
 * The variables that hold master keys which the configuration names, for the working folder or for one of these files.
 * A configuration that cannot be read names none: whoever needs it says so.
 */
export async function masterVariables(run: Run, files: readonly string[] = []): Promise<string[]> {
  const found = new Configurations({ cwd: run.io.cwd, env: run.io.env, option: run.args.config });
  const paths = [undefined, ...files.map((file) => resolve(run.io.cwd, file))];
  const names = paths.map(async (path) => {
    try {
      const { config } = await found.load(path);
      return config ? masterVariablesOf(config) : [];
    } catch (error) {
      if (error instanceof TsopsError) return [];
      throw error;
    }
  });
  return [...new Set((await Promise.all(names)).flat())];
}
