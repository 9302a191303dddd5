import sshpk from "sshpk";

/** The kind of a private key as OpenSSH writes it. */
export function parseSshPrivateKey(text: string): string {
  return sshpk.parsePrivateKey(text, "ssh").type;
}
