import { resolve } from "node:path";
import { Writable } from "node:stream";
import { selectorOf } from "../config/selectors.ts";
import type { OpenDocument, Session } from "../document.ts";
import { createNew, replaceFile } from "../files/atomic.ts";
import { withLock } from "../files/lock.ts";
import { type Fingerprint, fingerprintOf } from "../files/read.ts";
import type { PathElement } from "../formats/format.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { forgetAll, forgetFailures, forgetKeys } from "../keys/groups.ts";
import { encryptNew, type SaveOptions } from "../save.ts";
import { nothingSelected } from "../sops/nothing.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector, selectorIn } from "../sops/selection.ts";
import { strangeTags } from "../sops/tags.ts";
import type { Encrypted } from "../sops/work.ts";
import type { Host, Loaded, NewDocument } from "../ui/session.ts";
import type { Version } from "../ui/state/history.ts";
import type { KeyChange, KeyLine } from "../ui/state/keys-view.ts";
import type { Run } from "./command.ts";
import { creationFor, settingsForNew } from "./creation.ts";
import { entryHistory } from "./edit-history.ts";
import { changeKeys, keyLines } from "./edit-keys.ts";
import {
  inputFormat,
  noteOtherNames,
  openFile,
  readEncryptedAs,
  readInput,
  refuseOtherFormat,
  reportWarnings,
  ruledFile,
} from "./files.ts";
import type { Io } from "./io.ts";
import { refuseProtected } from "./protected.ts";
import { warnOfNothing } from "./remarks.ts";
import { note } from "./report.ts";
import { sessionOf, shareSession } from "./session.ts";
import { indentFor, loadSettings, ruleFor } from "./settings.ts";
import { checkDrift, sealingOf, warnOfPlain } from "./vouch.ts";

/** A file as the interactive editor works on it: with the same checks and words as every command that writes one. */
export class EditHost implements Host {
  readonly name: string;
  readonly session: Session;
  readonly #run: Run;
  readonly #said: Said;

  private constructor(name: string, session: Session, { run, said }: { run: Run; said: Said }) {
    this.name = name;
    this.session = session;
    this.#run = run;
    this.#said = said;
  }

  /**
   * @param ask asks the person for a passphrase, inside the editor. All that other commands print is kept for it to show.
   */
  static async open(name: string, run: Run, ask: (question: string) => Promise<string>): Promise<EditHost> {
    await refuseProtected(name, run);
    const said = new Said();
    const { context, ...rest } = await sessionOf(run, { asks: false });
    const session = { ...rest, context: { ...context, prompt: ask } };
    // a run of its own: commands that work in it ask inside, too
    const io: Io = Object.create(run.io, { stdout: { value: said.stream }, stderr: { value: said.stream } });
    shareSession(io, session);
    const quiet = { ...run, io };
    return new EditHost(name, session, { run: quiet, said });
  }

  get path(): string {
    return resolve(this.#run.io.cwd, this.name);
  }

  /** The variables that are of no use to a program that edits a value, and the run that it is started for. */
  get run(): Run {
    return this.#run;
  }

  async load(): Promise<Loaded> {
    const { bytes, fingerprint } = await readInput(this.name, this.#run.io);
    const encrypted = await readEncryptedAs(decodeText(bytes), this.name, this.#run.args);
    await refuseOtherFormat(this.#run.args, encrypted.format);
    return { fingerprint, encrypted };
  }

  async create(): Promise<NewDocument> {
    const run = this.#run;
    const { name } = this;
    const settings = await settingsForNew(name, run);
    const creation = await creationFor(settings, run);
    const format = await inputFormat(run.args, name, creation);
    await refuseOtherFormat(run.args, format);
    const selector = selectorIn(format, creation.selector ?? DEFAULT_SELECTOR);
    const indent = indentFor(format, run.args, settings);
    const encrypt = async (plain: string): Promise<string> => {
      const { text, warnings, reading } = await this.#withKeys(() =>
        encryptNew(plain, format, { ...creation, indent }, this.session),
      );
      await reportWarnings(warnings, plain, name, run.io);
      await warnOfNothing(name, selector && (await nothingSelected(reading, selector)), run.io);
      return text;
    };
    return {
      format,
      selector,
      selection: await compileSelector(selector ?? DEFAULT_SELECTOR),
      indent,
      encrypt,
    };
  }

  async ruleSelector(): Promise<Selector | undefined> {
    const settings = await loadSettings(ruledFile(this.#run.args, this.name, this.#run.io), this.#run);
    const rule = await ruleFor(settings);
    return rule && selectorOf(rule);
  }

  async open({ encrypted }: Loaded): Promise<OpenDocument> {
    // conflicts of a merge are what the editor is for, so they do not stop it as they stop others that write
    const open = await this.#withKeys(() => openFile(this.name, encrypted, this.#run, this.session));
    await reportWarnings(strangeTags(open.decrypted), open.decrypted.reading.text, this.name, this.#run.io);
    return open;
  }

  async vouch(open: OpenDocument, accepted: boolean): Promise<SaveOptions> {
    const run = accepted ? { ...this.#run, args: { ...this.#run.args, yes: true } } : this.#run;
    const file = { name: this.name, open, settings: await this.#settings() };
    await checkDrift(file, run);
    const { seal, said } = await sealingOf(file, run);
    if (said !== undefined) await note(run.io, said);
    return { seal, indent: indentFor(open.format, run.args, file.settings) };
  }

  async check(open: OpenDocument, { text, warnings }: Encrypted, plain: string): Promise<void> {
    await reportWarnings(warnings, plain, this.name, this.#run.io);
    await warnOfPlain({ name: this.name, open, settings: await this.#settings() }, text, this.#run.io);
  }

  async replace(text: string, expected: Fingerprint): Promise<Fingerprint> {
    const bytes = encodeText(text);
    const replaced = await withLock(this.path, () => replaceFile(this.path, bytes, { expected }));
    await noteOtherNames(this.name, replaced, false, this.#run.io);
    return fingerprintOf(this.path, bytes);
  }

  async createFile(text: string): Promise<Fingerprint> {
    const bytes = encodeText(text);
    await createNew(this.path, bytes, { mode: 0o666 });
    return fingerprintOf(this.path, bytes);
  }

  async keys(open: OpenDocument): Promise<KeyLine[]> {
    return await keyLines(open, await this.#settings(), this.#run, this.session);
  }

  async changeKeys(open: OpenDocument, change: KeyChange, accepted: boolean): Promise<void> {
    const file = { name: this.name, open, settings: await this.#settings() };
    const run = accepted ? { ...this.#run, args: { ...this.#run.args, yes: true } } : this.#run;
    await this.#withKeys(() => changeKeys(file, change, run, this.session));
  }

  async history(document: number, path: readonly PathElement[]): Promise<Version[]> {
    return await entryHistory(this.path, { document, path }, this.#run, this.session);
  }

  notes(): string[] {
    return this.#said.take();
  }

  async forget(): Promise<void> {
    await forgetAll(this.session.context);
  }

  /** The file is left: identities stay for the next one. */
  async leave(): Promise<void> {
    await forgetKeys(this.session.context);
  }

  /** Whoever tries again after a failure may have connected or logged in meanwhile. */
  async #withKeys<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await forgetFailures(this.session.context);
      throw error;
    }
  }

  async #settings() {
    return await loadSettings(ruledFile(this.#run.args, this.name, this.#run.io), this.#run);
  }
}

/** What would be printed on standard error, line by line. */
class Said {
  #lines: string[] = [];
  readonly stream = new Writable({
    write: (chunk, _encoding, done) => {
      const lines = String(chunk).split("\n").filter(Boolean);
      for (const line of lines) this.#lines.push(line.replace(/^tsops: /, ""));
      done();
    },
  });

  /** The lines since the last time, each once. */
  take(): string[] {
    return [...new Set(this.#lines.splice(0))];
  }
}
