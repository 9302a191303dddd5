import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of a private key and a certificate, both PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  /** Where they are; the doubles take it as TLS_DIR. */
  readonly folder: string;
  /** The authority's certificate: what SSL_CERT_FILE and NODE_EXTRA_CA_CERTS want. */
  readonly ca: string;
  /** For 127.0.0.1, localhost and names under localhost. */
  readonly server: KeyPair;
  /** Client certificates with the common names `client` and `other`. */
  readonly client: KeyPair;
  readonly other: KeyPair;
}

/**
 * Makes an authority that nobody else trusts, and what it signed, in a folder: ca.pem, srv.key, srv.pem, client.key,
 * client.pem, other.key, other.pem. They are good for a day.
 * @param names more names that the server's certificate is for.
 * @throws if there is no openssl program.
 */
export function makeCertificates(folder: string, names: readonly string[] = []): Certificates {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:TRUE",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  ];
  openssl(
    ...["req", "-x509", "-days", "1", "-subj", "/CN=test authority", ...newKey, ...authority],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  );
  const signed = (name: string, subject: string, extensions: string): KeyPair => {
    const [key, request, cert] = [`${name}.key`, `${name}.csr`, `${name}.pem`];
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl("req", ...newKey, "-subj", subject, "-keyout", key, "-out", request);
    openssl(
      ...["x509", "-req", "-days", "1", "-in", request, "-out", cert, "-extfile", `${name}.ext`],
      ...["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    );
    return { key: join(folder, key), cert: join(folder, cert) };
  };
  const hosts = ["localhost", "*.localhost", ...names].map((name) => `DNS:${name}`).join(",");
  return {
    folder,
    ca: join(folder, "ca.pem"),
    server: signed(
      "srv",
      "/CN=localhost",
      `subjectAltName=${hosts},IP:127.0.0.1\nextendedKeyUsage=serverAuth\n`,
    ),
    client: signed("client", "/CN=client/OU=Sops", "extendedKeyUsage=clientAuth\n"),
    other: signed("other", "/CN=other/OU=Sops", "extendedKeyUsage=clientAuth\n"),
  };
}
