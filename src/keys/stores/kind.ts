import { TsopsError } from "../../errors.ts";
import type { TreeMap } from "../../formats/tree.ts";
import { withoutControls } from "../controls.ts";
import { neededField, sortedFields, splitList, unreadable } from "../fields.ts";
import type { KeyKind, MasterKey } from "../kind.ts";
import { lazily } from "../lazily.ts";
import type { Store, StoreAddress } from "./store.ts";

/** The kind of master key that a store holds. Files name the key by the secret's URI and the key's id. */
export function storeKind(address: StoreAddress, load: () => Promise<Store>): KeyKind {
  const { name, title, schemes } = address;
  const keyOf = (uri: string, fields: TreeMap): MasterKey => ({ kind: name, id: uri, fields });
  return withoutControls({
    name,
    field: undefined,
    schemes,
    title,

    parse(list) {
      return splitList(list, title).map((part) => {
        const uri = part.trim();
        address.check(uri);
        return keyOf(uri, sortedFields([["uri", uri]]));
      });
    },

    fromMetadata(fields) {
      const uri = neededField(fields, "uri", title);
      try {
        address.check(uri);
      } catch (error) {
        throw error instanceof TsopsError ? unreadable(error.message) : error;
      }
      return keyOf(uri, fields);
    },

    ...lazily(async () => {
      const [{ storeUse }, store] = await Promise.all([import("./use.ts"), load()]);
      return storeUse(store);
    }),
  });
}
