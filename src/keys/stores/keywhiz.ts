import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { storeKind } from "./kind.ts";
import type { StoreAddress } from "./store.ts";

/** Where Keywhiz listens if the URI does not say it. */
export const KEYWHIZ_PORT = 4444;

/** `keywhiz://HOST[:PORT]/SECRET`: master keys in a secret of a Keywhiz server, which knows its clients by certificate. */
const address: StoreAddress = {
  name: "keywhiz",
  title: "Keywhiz",
  schemes: ["keywhiz://"],

  check(uri) {
    parseKeywhiz(uri);
  },
};

export interface KeywhizAddress {
  readonly host: string;
  readonly port: number;
  /** The secret's name. */
  readonly secret: string;
}

/** @throws TsopsError("usage") if it does not name a secret of a server. */
export function parseKeywhiz(uri: string): KeywhizAddress {
  const pattern = /^keywhiz:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?\/([A-Za-z0-9][A-Za-z0-9_.-]*)$/;
  const [, host, port = String(KEYWHIZ_PORT), secret] = pattern.exec(uri) ?? [];
  if (host && secret && Number(port) > 0 && Number(port) < 65536) {
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port), secret };
  }
  throw new TsopsError("usage", `${shortened(uri)} does not name a secret of a Keywhiz server`, {
    hint: "write it as keywhiz://keywhiz.example.com:4444/NAME_OF_THE_SECRET, the host in lower case",
  });
}

export const keywhiz = storeKind(address, async () => (await import("./keywhiz-store.ts")).keywhizStore);
