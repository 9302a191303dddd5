import { basename } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import { holdsConflicts } from "../../../sops/conflicts.ts";
import type { EncryptedText } from "../../../sops/decrypt.ts";
import { sealOf } from "../../../sops/seal.ts";
import { readInput } from "../../files.ts";
import { truthOf, visibleDocument, write } from "../../io.ts";
import { note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { contentOf, openVersion } from "../../versions.ts";
import type { GitTextconvRun } from "./command.ts";
import { hiddenText } from "./hidden.ts";

/** Seconds. */
const TIMEOUT = 20;

/** What is printed, and the line that says what is to be known of it. */
interface Shown {
  readonly bytes: Buffer;
  readonly remark?: string;
}

/**
 * `git textconv`: what git compares. git stops altogether where this fails, so whatever can be read is printed, as it is
 * if need be, and the exit code is 0. git runs this twice for each file, so nobody is asked for anything.
 */
export async function textconv(run: GitTextconvRun): Promise<number> {
  const { args, io } = run;
  const { bytes } = await readInput(args.file, io);
  const { bytes: text, remark } = await shown(bytes, run);
  if (remark !== undefined) await note(io, `${basename(args.file)}: ${remark}`);
  await write(io.stdout, io.stdout.isTTY ? encodeText(visibleDocument(decodeText(text))) : text);
  return 0;
}

async function shown(bytes: Buffer, run: GitTextconvRun): Promise<Shown> {
  const content = await contentOf(bytes, run.args.file);
  if (content.kind === "damaged") return { bytes, remark: asItIs(content.error) };
  if (content.kind === "plain")
    return { bytes, remark: bytes.length === 0 ? undefined : "it is not encrypted" };
  const conflicts = holdsConflicts(content.text.metadata)
    ? "it has conflicts of a merge, and this is our side: tsops git resolve"
    : undefined;
  const mode = run.io.env.TSOPS_DIFF ?? "";
  if (mode !== "" && mode !== "values") {
    const unknown = mode === "keys" ? undefined : "TSOPS_DIFF is neither keys nor values: values are hidden";
    return { bytes: encodeText(hiddenText(content.text)), remark: unknown ?? conflicts };
  }
  const { text, remark } = await plaintext(content.text, run);
  return { bytes: text ?? bytes, remark: remark ?? conflicts };
}

interface Plaintext {
  /** Undefined if there is none. */
  readonly text?: Buffer;
  readonly remark?: string;
}

async function plaintext(encrypted: EncryptedText, run: GitTextconvRun): Promise<Plaintext> {
  const seconds = run.args.timeout ?? TIMEOUT;
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Plaintext>((resolve) => {
    timer = setTimeout(() => {
      stop.abort();
      resolve({
        remark: `not decrypted within ${seconds} second${seconds === 1 ? "" : "s"}, and shown as it is`,
      });
    }, seconds * 1000);
  });
  try {
    return await Promise.race([decrypted(encrypted, run, stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function decrypted(
  encrypted: EncryptedText,
  run: GitTextconvRun,
  signal: AbortSignal,
): Promise<Plaintext> {
  try {
    const session = await sessionOf(run, { asks: false, prompts: false, signal });
    const { open, broken } = await openVersion(encrypted, session);
    const text = encodeText(open.decrypted.text);
    open.close();
    if (broken) return { text, remark: `somebody changed it without its key: ${broken.message}` };
    return { text, remark: sealRemark(encrypted, run) };
  } catch (error) {
    return { remark: asItIs(error) };
  }
}

/** Where seals are required, their absence is worth a word; nothing is refused, since git would show nothing at all. */
function sealRemark({ metadata }: EncryptedText, { args, io }: GitTextconvRun): string | undefined {
  const variable = io.env.TSOPS_REQUIRE_SEAL ?? "";
  const required = args["require-seal"] || (variable !== "" && truthOf("TSOPS_REQUIRE_SEAL", variable));
  return required && sealOf(metadata) === undefined ? "it has no seal, and one is required" : undefined;
}

function asItIs(error: unknown): string {
  if (!(error instanceof TsopsError)) return "it cannot be decrypted, and is shown as it is";
  if (error.code !== "no-data-key") return `shown as it is: ${error.message}`;
  if (/passphrase/.test(error.hint ?? ""))
    return "shown as it is: your identity needs a passphrase. Run tsops agent start, and tsops decrypt once";
  return "shown as it is, since no key here opens it: see tsops doctor FILE";
}
