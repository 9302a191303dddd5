import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { cacheIdOf, forgetPassphrase, passphraseFromAgent } from "../../../src/keys/age/agent.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";

/* An agent of our own, for what a real one does not do at will; test/integration/agent.test.ts has a real one. */

interface Fake {
  readonly home: string;
  /** The lines that it was sent. */
  readonly lines: string[];
}

async function withAgent(
  answer: (line: string) => string,
  work: (fake: Fake) => Promise<void>,
  greeting = "OK hello\n",
): Promise<void> {
  const home = emptyFolder();
  mkdirSync(join(home, ".gnupg"));
  const lines: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(greeting);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        lines.push(line);
        socket.write(answer(line));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(join(home, ".gnupg", "S.gpg-agent"), resolve));
  try {
    await work({ home, lines });
  } finally {
    server.close();
  }
}

const hex = (text: string): string => Buffer.from(text).toString("hex").toUpperCase();

test("a name in the cache is as long as SOPS's, and another one for another file", () => {
  const id = cacheIdOf(Buffer.from("age-encryption.org/v1\n"));
  assert.match(id, /^SopsAge[A-Z2-7]{40}$/);
  assert.is.not(id, cacheIdOf(Buffer.from("age-encryption.org/v1")));
});

test("the agent is asked, with what a pinentry needs, and its comments are passed over", () =>
  withAgent(
    (line) => (line.startsWith("GET") ? `# wait\nS PROGRESS x\nOK ${hex("pass wörd %+")}\n` : "OK\n"),
    async ({ home, lines }) => {
      const context = contextWith({ GPG_TTY: "/dev/pts/9", TERM: "vt100", DISPLAY: ":7" }, { home });
      const got = await passphraseFromAgent("SopsAgeX", "passphrase of 100%+ a\nb:", context);
      assert.is(got, "pass wörd %+");
      assert.equal(lines, [
        "OPTION display=:7",
        "OPTION ttyname=/dev/pts/9",
        "OPTION ttytype=vt100",
        "GET_PASSPHRASE SopsAgeX X Passphrase passphrase+of+100%25%2B+a%0Ab%3A",
      ]);
    },
  ));

test("cancelling ends it; where the agent cannot ask, nothing is known", async () => {
  for (const code of [99 + 0x5000000, 198 + 0x5000000]) {
    await withAgent(
      (line) => (line.startsWith("GET") ? `ERR ${code} Operation cancelled <Pinentry>\n` : "OK\n"),
      async ({ home }) => {
        const error = await passphraseFromAgent("a", "b", contextWith({}, { home })).catch(
          (thrown) => thrown,
        );
        assert.instance(error, TsopsError);
        assert.match(error.message, "cancelled");
      },
    );
  }
  for (const answer of ["ERR 67108949 No pinentry <GPG Agent>\n", "ERR\n"]) {
    await withAgent(
      (line) => (line.startsWith("GET") ? answer : "ERR 1 unknown option\n"),
      async ({ home }) =>
        assert.is(await passphraseFromAgent("a", "b", contextWith({}, { home })), undefined),
    );
  }
});

test("no agent, something else at its place, one that hangs up: nothing is known", async () => {
  const home = emptyFolder();
  assert.is(await passphraseFromAgent("a", "b", contextWith({}, { home })), undefined);
  mkdirSync(join(home, ".gnupg"));
  writeFileSync(join(home, ".gnupg", "S.gpg-agent"), "");
  assert.is(await passphraseFromAgent("a", "b", contextWith({}, { home })), undefined);
  await forgetPassphrase("a", contextWith({}, { home }));
  await withAgent(
    () => "OK\n",
    async (fake) => assert.is(await passphraseFromAgent("a", "b", contextWith({}, fake)), undefined),
    "ERR 1 go away\n",
  );
  await withAgent(
    () => "OK\n",
    async (fake) => assert.is(await passphraseFromAgent("a", "b", contextWith({}, fake)), undefined),
    `${"x".repeat(5000)}`,
  );
});

test("a signal stops the question", () =>
  withAgent(
    (line) => (line.startsWith("GET") ? "" : "OK\n"),
    async ({ home, lines }) => {
      const stop = new AbortController();
      const asked = passphraseFromAgent("a", "b", contextWith({}, { home, signal: stop.signal }));
      while (!lines.some((line) => line.startsWith("GET")))
        await new Promise((resolve) => setTimeout(resolve, 5));
      stop.abort();
      const error = await asked.catch((thrown) => thrown);
      assert.is(error.code, "aborted");
    },
  ));

test("GPG_AGENT_INFO and GNUPGHOME say where it is", () =>
  withAgent(
    (line) => (line.startsWith("GET") ? `OK ${hex("x")}\n` : "OK\n"),
    async ({ home }) => {
      const socket = join(home, ".gnupg", "S.gpg-agent");
      for (const env of [
        { GPG_AGENT_INFO: `${socket}:123:1` },
        { GNUPGHOME: join(home, ".gnupg") },
        { GNUPGHOME: "/no/such/folder" },
      ]) {
        const elsewhere = "GNUPGHOME" in env && env.GNUPGHOME === "/no/such/folder" ? { home } : {};
        assert.is(await passphraseFromAgent("a", "b", contextWith(env, elsewhere)), "x", JSON.stringify(env));
      }
      assert.is(
        await passphraseFromAgent("a", "b", contextWith({ GPG_AGENT_INFO: "" }, { home })),
        undefined,
      );
    },
  ));

test.run();
