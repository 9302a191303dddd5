import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";

/** Where Keywhiz listens if the URI does not say it. */
export const KEYWHIZ_PORT = 4444;

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
