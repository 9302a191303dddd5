import { TsopsError } from "../../errors.ts";
import { TreeMap } from "../../formats/tree.ts";
import { shortened } from "../../printable.ts";
import { textField, withFields, withWrapped } from "../fields.ts";
import type { Examination, KeyContext, KeyUse, Lines, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { reasonsOf, unavailable } from "../reasons.ts";
import { masterKeyId, unwrapWithMaster, wrapWithMaster } from "./master.ts";
import { notThere, searchVersions } from "./search.ts";
import { type Held, openMasterKey } from "./secret.ts";
import { type Store, withSecret } from "./store.ts";

/** Master keys in a store in use: read for the time of one call. */
export function storeUse(store: Store): KeyUse {
  return {
    async wrap(key, dataKey, context) {
      const wrapped = await withSecret(store, { key }, context, async (held, version) => {
        const master = await openMasterKey(held[0]!, key.id, context);
        try {
          const changes = {
            key_id: masterKeyId(master),
            ...(version ? { key_version: BigInt(version) } : {}),
          };
          return withWrapped(
            withFields(withoutVersion(key), changes),
            wrapWithMaster(master, dataKey),
            context,
          );
        } finally {
          master.fill(0);
        }
      });
      if (wrapped) return wrapped;
      throw unavailable(store.whyNot(key.id, context));
    },

    async unwrap(key, context) {
      const wanted = wantedId(key);
      const found = await searchVersions(store, key, wanted, context);
      if (found === null) return { why: whyNot(store, key, context) };
      if (!found.master) throw notThere(key, wanted, found);
      try {
        return { key: unwrapWithMaster(found.master, textField(key.fields, "enc")) };
      } finally {
        found.master.fill(0);
      }
    },

    examine: (key, context) => examine(store, key, context),
  };
}

function whyNot(store: Store, key: MasterKey, context: KeyContext): Lines {
  const id = textField(key.fields, "key_id");
  const wanted = KEY_ID.test(id) ? [`the file was encrypted with the master key whose id is ${id}`] : [];
  return [...store.whyNot(key.id, context), ...wanted];
}

const KEY_ID = /^[0-9a-f]{16}$/;

/** Which master key wrapped. @throws TsopsError("bad-key") if the entry does not say it. */
function wantedId(key: MasterKey): string {
  const id = textField(key.fields, "key_id");
  if (KEY_ID.test(id)) return id;
  throw new TsopsError("bad-key", `the key_id of ${shortened(key.id)} is not 16 hexadecimal digits`, {
    hint: "compare the file's metadata with its last good version in git",
  });
}

/** Another version may have been recorded when the key last wrapped. */
function withoutVersion(key: MasterKey): MasterKey {
  const kept = key.fields.entries().filter((entry) => entry.key !== "key_version");
  return { ...key, fields: TreeMap.of(kept.map((entry) => [entry.key, entry.value])) };
}

async function examine(store: Store, key: MasterKey, context: KeyContext): Promise<Examination> {
  try {
    if (context.offline && store.ready) {
      if (!(await store.ready(key.id, context)))
        return { usable: false, lines: store.whyNot(key.id, context) };
      return notAsked(await store.describe(key.id, context), "the server");
    }
    const found = await withSecret(store, { key }, context, (held) => describeHeld(held, key, context));
    if (!found) return { usable: false, lines: store.whyNot(key.id, context) };
    return { ...found, lines: [...(await store.describe(key.id, context)), ...found.lines] };
  } catch (error) {
    return { usable: false, lines: [...(await store.describe(key.id, context)), ...reasonsOf(error)] };
  }
}

async function describeHeld(
  held: readonly Held[],
  key: MasterKey,
  context: KeyContext,
): Promise<Examination> {
  const ids = held.flatMap((one) => ("raw" in one ? masterKeyId(one.raw) : []));
  const wrapped = await Promise.all(
    held.flatMap((one) => ("raw" in one ? [] : examineWrapping(one, context))),
  );
  const lines = [
    ...ids.map((id) => `it holds the master key ${id}`),
    ...wrapped.flatMap((examination) => examination.lines),
  ];
  const wanted = textField(key.fields, "key_id");
  if (wanted === "" ? "raw" in held[0]! : ids.includes(wanted)) return { usable: true, lines };
  // which key that is shows only when it is unwrapped
  if (wrapped.some(({ usable }) => usable !== false)) return { usable: undefined, lines };
  if (wanted !== "") lines.push(`the file needs the master key ${wanted}`);
  const version = textField(key.fields, "key_version");
  if (version === "") return { usable: false, lines };
  return { usable: undefined, lines: [...lines, `version ${version} of the secret may hold it`] };
}

async function examineWrapping(
  { wrappedBy }: Extract<Held, { wrappedBy: MasterKey }>,
  context: KeyContext,
): Promise<Examination> {
  const kind = context.kinds.kindOf(wrappedBy);
  const { usable, lines } = await (await kind.use()).examine(wrappedBy, context);
  const name = `it holds a master key that is wrapped by ${kind.title} ${shortened(wrappedBy.id)}`;
  return { usable, lines: [name, ...lines.map((line) => `  ${line}`)] };
}
