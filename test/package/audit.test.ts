import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "uvu";
import * as assert from "uvu/assert";

/* The check of .ci/run for advisories, with registries that know some, none, or have no answer. */

const script = new URL("../../scripts/audit.mjs", import.meta.url).pathname;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** What the script says where the registry answers so to the question for advisories. */
async function audited({ status, body }: Answer): Promise<{ code: number; said: string }> {
  const server = createServer((request, response) => {
    const asked = request.url?.endsWith("/security/advisories/bulk");
    request.resume().on("end", () => {
      response.writeHead(asked ? status : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(body ?? {}));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    // as in .ci/run
    const env = {
      ...process.env,
      npm_config_registry: registry,
      npm_config_audit: "false",
      npm_config_fetch_retries: "0",
    };
    const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "close");
    const said = await text(child.stdout);
    const [code] = await ended;
    return { code, said };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const advisory = (name: string) => ({
  [name]: [
    {
      ...{
        id: 1,
        url: "https://example.com/1",
        title: "It leaks",
        severity: "high",
        vulnerable_versions: "<99",
      },
      ...{ cwe: [], cvss: { score: 7, vectorString: null } },
    },
  ],
});

test("an advisory about a package that is inside fails", async () => {
  const { code, said } = await audited({ status: 200, body: advisory("node-vault") });
  assert.is(code, 1, said);
  assert.match(said, /^audit: node-vault@\d+\.\d+\.\d+, high: It leaks \(https:\/\/example\.com\/1\)$/m);
});

test("one about a package that only develops tsops does not, nor one about what is left out", async () => {
  for (const name of ["esbuild", "axios"]) {
    const { code, said } = await audited({ status: 200, body: advisory(name) });
    assert.is(code, 0, said);
    assert.match(said, /^audit: \d+ packages are inside, 0 of them with an advisory\n$/);
  }
});

test("a registry that has no answer is named", async () => {
  const { code, said } = await audited({ status: 405 });
  assert.is(code, 0, said);
  assert.match(
    said,
    "audit: cannot tell whether there are advisories: 405 Method Not Allowed - POST http://127.0.0.1",
  );
});

test.run();
