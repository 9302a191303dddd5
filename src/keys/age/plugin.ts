import type { ChildProcess } from "node:child_process";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { aborted, cannotStart, end, findProgram, start, tookTooLong } from "../../programs/run.ts";
import { environmentFor } from "../environment.ts";
import type { KeyContext } from "../kind.ts";
import { decodeBech32 } from "./bech32.ts";
import { type AgeFile, decode64, type Stanza, StanzaReader, stanzaText } from "./file.ts";
import type { AgeIdentity } from "./identity.ts";

/** The client side of age's plugin protocol (C2SP age-plugin): `age-plugin-NAME` for `age1NAME1…`. */

/** A touch, a PIN, a login in a browser: people take time. */
const LIMIT_SECONDS = 300;
/** After so long without a word from the plugin the person is told what is being waited for. */
const PATIENCE_SECONDS = 5;
const MAX_STANZA = 2 ** 20;

/** A plugin's name from a recipient or an identity. @throws TsopsError if it is malformed. */
export function pluginName(text: string): string {
  const { prefix, bytes } = decodeBech32(text);
  bytes.fill(0);
  const name = (/^age1([a-z0-9+._-]+)$/.exec(prefix) ?? /^age-plugin-([a-z0-9+._-]+)-$/.exec(prefix))?.[1];
  if (name === undefined) throw new TsopsError("bad-key", "it does not name an age plugin");
  return name;
}

/** Wraps a file key by recipient-v1. @throws TsopsError with the plugin's reason. */
export function wrapByPlugin(recipient: string, fileKey: Buffer, context: KeyContext): Promise<Stanza[]> {
  const name = pluginName(recipient);
  return inTurn(context, () =>
    converse(name, "recipient-v1", context, async (plugin) => {
      plugin.say(["add-recipient", recipient]);
      plugin.say(["wrap-file-key"], fileKey);
      plugin.say(["extension-labels"]);
      plugin.say(["done"]);
      const stanzas: Stanza[] = [];
      await plugin.listen(({ args: [command, index, ...args], body }) => {
        // Labels say which recipients go together; a data key is wrapped for one recipient only.
        if (command === "labels") return "ok";
        if (command !== "recipient-stanza") return undefined;
        if (index !== "0" || args.length === 0) throw misbehaves(name);
        stanzas.push({ args, body });
        return "ok";
      });
      if (stanzas.length === 0) throw misbehaves(name);
      return stanzas;
    }),
  );
}

/** An identity `AGE-PLUGIN-NAME-1…`, which only its plugin understands. */
export class PluginIdentity implements AgeIdentity {
  readonly needs = "program";
  readonly label: string;
  readonly plugin: string;
  readonly #text: string;
  readonly #context: KeyContext;

  /** @throws TsopsError if the identity is malformed; the message holds nothing of it. */
  constructor(text: string, context: KeyContext) {
    this.plugin = pluginName(text);
    this.label = `an identity of age-plugin-${this.plugin}`;
    this.#text = text;
    this.#context = context;
  }

  unwrap(file: AgeFile): Promise<Buffer | null> {
    return inTurn(this.#context, () =>
      converse(this.plugin, "identity-v1", this.#context, (p) => this.#ask(p, file)),
    );
  }

  async #ask(plugin: Conversation, file: AgeFile): Promise<Buffer | null> {
    plugin.say(["add-identity", this.#text]);
    for (const { args, body } of file.stanzas) plugin.say(["recipient-stanza", "0", ...args], body);
    plugin.say(["done"]);
    let fileKey: Buffer | null = null;
    await plugin.listen(({ args: [command, index], body }) => {
      if (command !== "file-key") return undefined;
      if (index !== "0" || fileKey !== null) throw misbehaves(this.plugin);
      fileKey = body;
      return "ok";
    });
    return fileKey;
  }
}

function misbehaves(name: string): TsopsError {
  return new TsopsError("program-failed", `age-plugin-${name} does not keep to the plugin protocol`);
}

/** Plugins take turns: two of them cannot ask the same person at once, nor share a hardware key. */
function inTurn<T>(context: KeyContext, talk: () => Promise<T>): Promise<T> {
  const before = (context.cache.get("age plugin") as Promise<unknown> | undefined) ?? Promise.resolve();
  const turn = before.then(talk);
  context.cache.set(
    "age plugin",
    turn.catch(() => undefined),
  );
  return turn;
}

async function converse<T>(
  name: string,
  machine: "recipient-v1" | "identity-v1",
  context: KeyContext,
  talk: (plugin: Conversation) => Promise<T>,
): Promise<T> {
  const program = `age-plugin-${name}`;
  if (context.signal?.aborted) throw aborted(program);
  const file = findProgram(program, context.env);
  if (file === undefined) {
    throw new TsopsError("key-unavailable", `${program} is not installed`, {
      hint: `install ${program} into a folder that is on PATH`,
    });
  }
  // Not in the working folder, so that nothing in a repository can change what the plugin does.
  const env = await environmentFor(context, { plugin: name });
  const argv = [file, `--age-plugin=${machine}`];
  const child = await withRoom(() => start({ argv, env }, process.getBuiltinModule("node:os").tmpdir()));
  let stop: () => void = () => undefined;
  let prompt = context.prompt;
  let over = false;
  const stopped = new Promise<never>((_, reject) => {
    const late = (): void => reject(tookTooLong(program, LIMIT_SECONDS));
    let timer = setTimeout(late, LIMIT_SECONDS * 1000);
    // a person who thinks is not the plugin that hangs
    prompt =
      context.prompt &&
      (async (question) => {
        clearTimeout(timer);
        const answer = await context.prompt!(question);
        if (!over) timer = setTimeout(late, LIMIT_SECONDS * 1000);
        return answer;
      });
    const onAbort = (): void => reject(aborted(program));
    context.signal?.addEventListener("abort", onAbort);
    child.on("error", (error) => reject(cannotStart(program, error)));
    stop = () => {
      over = true;
      clearTimeout(timer);
      context.signal?.removeEventListener("abort", onAbort);
    };
  });
  try {
    return await Promise.race([talk(new Conversation(name, child, { ...context, prompt })), stopped]);
  } finally {
    stop();
    end(child, "SIGINT");
  }
}

class Conversation {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #context: KeyContext;

  constructor(name: string, child: ChildProcess, context: KeyContext) {
    this.#name = name;
    this.#child = child;
    this.#context = context;
    child.stdin?.on("error", () => undefined);
    // What a plugin prints beside the protocol is for its developers.
    child.stderr?.resume();
  }

  say(args: readonly string[], body: Buffer = Buffer.alloc(0)): void {
    this.#child.stdin?.write(stanzaText({ args, body }));
  }

  /**
   * Answers the plugin until it is done. `answer` gives "ok" for the commands it takes, undefined for others.
   * @throws TsopsError if the plugin reports an error or goes away.
   */
  async listen(answer: (stanza: Stanza) => "ok" | undefined): Promise<void> {
    for await (const stanza of this.#stanzas()) {
      const command = stanza.args[0];
      if (command === "done") return;
      if (command === "error") {
        this.say(["ok"]);
        throw new TsopsError(
          "program-failed",
          `age-plugin-${this.#name}: ${printable(stanza.body.toString())}`,
        );
      }
      const reply = answer(stanza);
      if (reply) this.say([reply]);
      else await this.#talkToPerson(stanza);
    }
    throw new TsopsError("program-failed", `age-plugin-${this.#name} ended before it was done`);
  }

  async *#stanzas(): AsyncGenerator<Stanza> {
    const reader = new StanzaReader();
    let rest = "";
    let size = 0;
    let waiting = this.#remind();
    try {
      for await (const chunk of this.#child.stdout ?? []) {
        clearTimeout(waiting);
        const lines = (rest + (chunk as Buffer).toString("latin1")).split("\n");
        rest = lines.pop()!;
        size += (chunk as Buffer).length;
        if (size > MAX_STANZA) throw misbehaves(this.#name);
        for (const line of lines) {
          const stanza = this.#push(reader, line);
          if (stanza) {
            size = rest.length;
            yield stanza;
          }
        }
        waiting = this.#remind();
      }
    } finally {
      clearTimeout(waiting);
    }
  }

  #push(reader: StanzaReader, line: string): Stanza | undefined {
    try {
      return reader.push(line);
    } catch {
      throw misbehaves(this.#name);
    }
  }

  #remind(): NodeJS.Timeout {
    return setTimeout(
      () => (this.#context.tell ?? this.#context.warn)(`waiting for age-plugin-${this.#name}`),
      PATIENCE_SECONDS * 1000,
    );
  }

  /** Messages and questions. Whatever cannot be asked here fails, and the plugin says what that means. */
  async #talkToPerson({ args: [command, yes, no], body }: Stanza): Promise<void> {
    const text = `age-plugin-${this.#name}: ${printable(body.toString())}`;
    const { prompt, warn, tell = warn } = this.#context;
    if (command === "msg") {
      tell(text);
      return this.say(["ok"]);
    }
    const asks = command === "request-secret" || command === "request-public" || command === "confirm";
    if (!asks) return this.say(["unsupported"]);
    if (!prompt) return this.say(["fail"]);
    if (command !== "confirm") {
      const answer = Buffer.from(await prompt(text));
      this.say(["ok"], answer);
      answer.fill(0);
      return;
    }
    if (yes === undefined) throw misbehaves(this.#name);
    const choices = [yes, no].flatMap((c) => (c === undefined ? [] : [printable(decode64(c).toString())]));
    const question = choices.map((choice, i) => `${i + 1} for "${choice}"`).join(", ");
    const choice = Number(await prompt(`${text} (${question})`));
    if (choice === 1 || choice === choices.length) this.say(["ok", choice === 1 ? "yes" : "no"]);
    else this.say(["fail"]);
  }
}
