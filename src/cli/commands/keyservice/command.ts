import type { Description, RunOf } from "../../command.ts";
import { flag, preset, text, texts } from "../../options.ts";

export const KEYSERVICE = {
  usage: "keyservice",
  summary: "let other machines and users use the master keys of this machine, and serve a cluster's keys",
  options: {
    network: preset("tcp or unix", "tcp", { alias: "net" }),
    address: preset("HOST:PORT to listen on, or the path of a socket", "127.0.0.1:5000", { alias: "addr" }),
    prompt: flag("ask before each use of a key"),
    "tls-cert": text("PEM file with the certificate of this service; it speaks TLS then"),
    "tls-key": text("PEM file with the certificate's private key"),
    "tls-client-ca": text("PEM file with the authority that clients' certificates must come from"),
    "master-secret": texts(
      "variable with the secret that the keys of a cluster are derived from; several for rotation, newest first",
    ),
    "allow-anyone": flag("let whoever can connect use the cluster's keys, without a certificate"),
  },
  examples: [
    ["tsops keyservice --network unix --address ~/.tsops.sock --prompt", "for other programs of yours"],
    ["tsops decrypt --keyservice unix:///home/me/.tsops.sock secrets.yaml", "the client's side"],
    [
      "tsops keyservice --address :5000 --tls-cert s.pem --tls-key s.key --tls-client-ca ca.pem --master-secret env://SECRET",
      "for a cluster",
    ],
  ],
} as const satisfies Description;

export type KeyserviceRun = RunOf<typeof KEYSERVICE>;
