import { TsopsError } from "../../errors.ts";
import type { TreeMap } from "../../formats/tree.ts";
import { defineKind } from "../define.ts";
import { neededField, sortedFields, splitList, unreadable } from "../fields.ts";
import type { KeyKind, MasterKey } from "../kind.ts";
import type { Store } from "./store.ts";

/** What stores differ in. */
type StoreNames = Pick<KeyKind, "name" | "title" | "uris" | "names" | "secrets" | "variableOf">;

interface StoreKind {
  /** @throws TsopsError("usage") if a URI is malformed; the message names it. */
  check(uri: string): void;
  load(): Promise<Store>;
}

/** The kind of master key that a store holds. Files name the key by the secret's URI and the key's id. */
export function storeKind<const Names extends StoreNames>(names: Names, { check, load }: StoreKind) {
  const { name, title } = names;
  const keyOf = (uri: string, fields: TreeMap): MasterKey => ({ kind: name, id: uri, fields });
  return defineKind({
    ...names,
    held: true,

    parse(list) {
      return splitList(list, title).map((part) => {
        const uri = part.trim();
        check(uri);
        return keyOf(uri, sortedFields([["uri", uri]]));
      });
    },

    fromMetadata(fields) {
      const uri = neededField(fields, "uri", title);
      try {
        check(uri);
      } catch (error) {
        throw error instanceof TsopsError ? unreadable(error.message) : error;
      }
      return keyOf(uri, fields);
    },

    async use() {
      const [{ storeUse }, store] = await Promise.all([import("./use.ts"), load()]);
      return storeUse(store);
    },
  });
}
