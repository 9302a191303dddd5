import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseClusterUri } from "../../../src/keys/cluster/uri.ts";
import { clusterAddress, parseServiceUri } from "../../../src/keys/service/address.ts";
import { masterSecrets } from "../../../src/keyservice/master.ts";

test("addresses of key services, as SOPS writes them, and with TLS", () => {
  const parsed = (uri: string) => {
    const { target, tls, exposed } = parseServiceUri(uri);
    return { target, tls, exposed };
  };
  const unix = { target: "unix:/run/ks.sock", tls: false, exposed: false };
  assert.equal(parsed("unix:///run/ks.sock"), unix);
  assert.equal(parsed("unix:/run/ks.sock"), unix);
  assert.equal(parsed("unix:ks.sock"), { ...unix, target: "unix:ks.sock" });
  assert.equal(parsed("tcp://127.0.0.1:5000"), { target: "dns:127.0.0.1:5000", tls: false, exposed: false });
  assert.equal(parsed("tcp://[::1]:5000/"), { target: "dns:[::1]:5000", tls: false, exposed: false });
  assert.equal(parsed(" tcp://localhost:5000 "), {
    target: "dns:localhost:5000",
    tls: false,
    exposed: false,
  });
  assert.equal(parsed("tcp://ks.example.com:1"), {
    target: "dns:ks.example.com:1",
    tls: false,
    exposed: true,
  });
  assert.equal(parsed("tls://ks.example.com:1"), {
    target: "dns:ks.example.com:1",
    tls: true,
    exposed: false,
  });
  const wrong = [
    "",
    "x",
    "http://h:1",
    "tcp://h",
    "tcp://h:99999",
    "tcp://u@h:1",
    "tcp://h:1/p",
    "unix://h/p",
  ];
  for (const uri of [...wrong, "unix:", "tls:h:1", "tcp://h:1?x"])
    assert.throws(() => parseServiceUri(uri), /is not the address of a key service/, uri);
});

test("a cluster is spoken to over TLS, but for this machine and what a variable lists", () => {
  const way = (hostPort: string, env = {}) => {
    const { tls, exposed } = clusterAddress(hostPort, { env });
    return `${tls ? "tls" : "plain"}${exposed ? ", exposed" : ""}`;
  };
  assert.is(way("keys.example.com:5000"), "tls");
  assert.is(way("127.0.0.1:5000"), "plain");
  assert.is(way("[::1]:5000"), "plain");
  assert.is(way("127.0.0.1.example.com:5000"), "tls");
  assert.is(way("127.0.0.1:5000", { TSOPS_KEYSERVICE_CA: "ca.pem" }), "tls");
  const listed = { TSOPS_KEYSERVICE_PLAINTEXT: "a:1, keys.example.com:5000", TSOPS_KEYSERVICE_CA: "ca.pem" };
  assert.is(way("keys.example.com:5000", listed), "plain, exposed");
  assert.is(way("keys.example.com:5001", listed), "tls");
});

test("URIs of a cluster's keys", () => {
  assert.equal(parseClusterUri("cluster://h:1/team-a/prod_2.x"), {
    hostPort: "h:1",
    keyId: "team-a/prod_2.x",
  });
  assert.equal(parseClusterUri("cluster://[::1]:1/a"), { hostPort: "[::1]:1", keyId: "a" });
  const ids = [
    "",
    "/a",
    "a/",
    "a//b",
    "a b",
    "a%20b",
    "ä",
    "-a",
    ".",
    "../a",
    "a/../b",
    "a?b",
    "a#b",
    "a,b",
    "a\n",
  ];
  for (const id of [...ids, "a".repeat(129)])
    assert.is(parseClusterUri(`cluster://h:1/${id}`), undefined, JSON.stringify(id));
  for (const uri of ["cluster://h/a", "cluster://u@h:1/a", "cluster:h:1/a", "x cluster://h:1/a"])
    assert.is(parseClusterUri(uri), undefined, uri);
});

test("master secrets come from variables, in base64 or hexadecimal, and are long enough", () => {
  const bytes = Buffer.from(Array.from({ length: 33 }, (_, i) => i * 7));
  const env = {
    HEX: bytes.toString("hex"),
    UPPER: bytes.toString("hex").toUpperCase(),
    BASE64: `${bytes.subarray(0, 32).toString("base64")}\n`,
    BARE: bytes.subarray(0, 32).toString("base64").replace(/=+$/, ""),
    SHORT: bytes.subarray(0, 31).toString("base64"),
    WEAK: "00".repeat(32),
    WORDS: "correct horse battery staple correct horse battery staple",
    LONG: "ab".repeat(3000),
    EMPTY: " ",
  };
  const secretOf = (name: string) => masterSecrets([`env://${name}`], env)[0]!.secret;
  assert.equal(secretOf("HEX"), bytes);
  assert.equal(secretOf("UPPER"), bytes);
  assert.equal(secretOf("BASE64"), bytes.subarray(0, 32));
  assert.equal(secretOf("BARE"), bytes.subarray(0, 32));
  assert.throws(() => secretOf("SHORT"), /SHORT does not have 32 to 1024 bytes/);
  assert.throws(() => secretOf("WEAK"), /WEAK is one byte repeated/);
  assert.throws(() => secretOf("WORDS"), /WORDS is neither base64 nor hexadecimal/);
  assert.throws(() => secretOf("LONG"), /LONG (does not have|is one byte)/);
  for (const name of ["EMPTY", "MISSING"]) assert.throws(() => secretOf(name), /is not set/);
  for (const name of ["WORDS", "SHORT"]) {
    try {
      secretOf(name);
    } catch (error) {
      assert.not.ok(
        String(error).includes(env[name as "WORDS"].slice(0, 8)),
        "the value is not in the message",
      );
    }
  }
  const given = bytes.toString("hex");
  try {
    masterSecrets([given], env);
    assert.unreachable();
  } catch (error) {
    assert.not.ok(String(error).includes(given), "a secret on the command line is not repeated");
  }
});

test.run();
