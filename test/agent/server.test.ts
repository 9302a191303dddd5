import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AgentKeeper, askAgent } from "../../src/agent/client.ts";
import { type Place, placeFor, placeIn } from "../../src/agent/place.ts";
import { encodeFrame, FrameReader, type Head, VERSION } from "../../src/agent/protocol.ts";
import { checkPlace } from "../../src/agent/safety.ts";
import { type AgentOptions, type RunningAgent, startAgent } from "../../src/agent/server.ts";
import type { TsopsError } from "../../src/errors.ts";
import { nameOfKept } from "../../src/keys/kept.ts";
import { MAX_SOCKET_PATH_BYTES } from "../../src/net/socket.ts";
import { ending } from "../support/pace.ts";
import { LOADER, modulePath } from "../support/program.ts";

if (process.platform === "win32") process.exit(0);

const LIMITS = { idle: 60_000, total: 3_600_000 };
const NAME = nameOfKept("test", "a");
const ROOT = process.getuid?.() === 0;

interface Running {
  readonly place: Place;
  readonly agent: RunningAgent;
  readonly ask: (head: Head, body?: Buffer) => ReturnType<typeof askAgent>;
}

/** A folder that is removed afterwards; the agent's is in it. */
async function inFolder(work: (root: string, place: Place) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "tsops-agent-"));
  try {
    await work(root, placeIn(join(root, "tsops")));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function withAgent(
  work: (running: Running, root: string) => Promise<void>,
  more: Partial<AgentOptions> = {},
): Promise<void> {
  await inFolder(async (root, place) => {
    const agent = await startAgent({ place, limits: LIMITS, ...more });
    try {
      await work({ place, agent, ask: (head, body) => askAgent(place, head, body) }, root);
    } finally {
      await agent.stop();
    }
  });
}

const keep = (name = NAME): Head => ({ op: "keep", sort: "data key", name });
const find = (...names: string[]): Head => ({ op: "find", names });

async function refusal(work: Promise<unknown>): Promise<TsopsError> {
  return await work.then(
    () => assert.unreachable("it was not refused"),
    (error) => error,
  );
}

test("what one client gives another one gets, by its name and no other", () =>
  withAgent(async ({ ask }) => {
    await ask(keep(), Buffer.from("key"));
    const answer = await ask(find(nameOfKept("test", "b"), NAME));
    assert.equal([answer!.head.name, answer!.body.toString()], [NAME, "key"]);
    const other = await ask(find(nameOfKept("test", "b")));
    assert.equal([other!.head.name, other!.body.length], [null, 0]);
    const { head } = (await ask({ op: "status" }))!;
    assert.equal([head.pid, head.dataKeys, head.unlocked, head.idle], [process.pid, 1, 0, LIMITS.idle]);
  }));

test("nothing that it holds is on the disk, and its folder and socket are for its owner only", () =>
  withAgent(async ({ ask, place }, root) => {
    await ask(keep(), Buffer.from("key"));
    assert.equal(readdirSync(root), ["tsops"]);
    assert.equal(readdirSync(place.folder), ["agent.sock"]);
    assert.is(lstatSync(place.folder).mode & 0o777, 0o700);
    assert.is(lstatSync(place.socket).mode & 0o777, 0o600);
  }));

test("the mask of the process is what it was", () => {
  const before = process.umask();
  return withAgent(async () => assert.is(process.umask(), before));
});

test("clear and stop forget all; after stop there is no socket", async () => {
  await withAgent(async ({ ask, agent, place }) => {
    await ask(keep(), Buffer.from("key"));
    assert.is((await ask({ op: "clear" }))!.head.cleared, 1);
    assert.is((await ask(find(NAME)))!.head.name, null);
    await ask(keep(), Buffer.from("key"));
    assert.is((await ask({ op: "stop" }))!.head.ok, true);
    await ending(agent.ended);
    assert.not.ok(existsSync(place.socket));
    assert.is(await ask(find(NAME)), undefined);
  });
});

test("what is over is not given out any more, and goes without anybody asking", async () => {
  const clock = { now: 0 };
  await withAgent(
    async ({ ask }) => {
      await ask(keep(), Buffer.from("key"));
      clock.now = LIMITS.idle;
      assert.is((await ask(find(NAME)))!.head.name, null);
      assert.is((await ask({ op: "status" }))!.head.dataKeys, 0);
    },
    { now: () => clock.now },
  );
  // with the process's own clock, and its timer alone; it ends once it holds nothing
  await withAgent(
    async ({ ask, agent }) => {
      await ask(keep(), Buffer.from("key"));
      await ending(agent.ended);
    },
    { limits: { idle: 20, total: 40 }, exitWhenIdle: true },
  );
});

test("one that is to end when nobody needs it stays while it holds something", async () => {
  const clock = { now: 0 };
  await withAgent(
    async ({ ask, agent }) => {
      let ended = false;
      void agent.ended.then(() => (ended = true));
      await ask(keep(), Buffer.from("key"));
      clock.now = LIMITS.idle - 1;
      await ask(find(NAME));
      clock.now += LIMITS.idle - 1;
      await ask({ op: "status" });
      assert.not.ok(ended);
    },
    { now: () => clock.now, exitWhenIdle: true },
  );
});

/** Sends bytes and gives all that comes back until the agent hangs up or has answered so many frames. */
async function send(place: Place, bytes: Uint8Array, answers = 1): Promise<Head[]> {
  const socket = connect(place.socket);
  const reader = new FrameReader();
  const heads: Head[] = [];
  await ending(
    new Promise<void>((resolve) => {
      socket.on("error", () => resolve()).on("close", () => resolve());
      socket.on("data", (chunk: Buffer) => {
        heads.push(...reader.push(chunk).map(({ head }) => head));
        if (heads.length >= answers) resolve();
      });
      socket.write(bytes);
    }),
  );
  socket.destroy();
  return heads;
}

test("clients that speak another language are sent away, and the others are served", () =>
  withAgent(async ({ ask, place }) => {
    await ask(keep(), Buffer.from("key"));
    for (const nonsense of [
      Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      Buffer.alloc(8, 0xff),
      Buffer.concat([Buffer.from([0, 0, 0, 4, 0, 0, 0, 0]), Buffer.from("null")]),
      Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), Buffer.from("{")]),
    ])
      assert.equal(await send(place, nonsense), []);
    assert.is((await ask(find(NAME)))!.body.toString(), "key");
  }));

test("questions that are none get no answer but that", () =>
  withAgent(async ({ ask, place }) => {
    await ask(keep(), Buffer.from("key"));
    const heads: Head[] = [
      {},
      { op: "__proto__" },
      { op: "find" },
      { op: "find", names: NAME },
      { op: "find", names: [{}] },
      { op: "find", names: ["../../etc"] },
      { op: "find", names: Array(2001).fill(NAME) },
      { op: "keep", name: NAME, sort: "data key" },
      { op: "keep", name: "short", sort: "data key" },
      { op: "keep", name: NAME, sort: "other" },
      { op: "find", names: [NAME], v: 2 },
      { op: "stop", v: "1" },
    ];
    const bodies = heads.map((head) =>
      head.sort === "other" || head.name === "short" ? Buffer.from("x") : undefined,
    );
    const bytes = Buffer.concat(heads.map((head, i) => encodeFrame(head, bodies[i])));
    const answers = await send(place, bytes, heads.length);
    assert.equal(
      answers.map(({ ok }) => ok),
      heads.map(() => false),
    );
    assert.not.ok(JSON.stringify(answers).includes(NAME));
    assert.is((await ask(find(NAME)))!.body.toString(), "key");
  }));

test("clients that go in the middle, say nothing, or never read keep nobody else waiting", () =>
  withAgent(async ({ ask, place }) => {
    await ask(keep(), Buffer.alloc(2 ** 16, 7));
    const question = encodeFrame(find(NAME));
    const half = connect(place.socket);
    half.write(question.subarray(0, 9));
    const silent = connect(place.socket);
    const deaf = connect(place.socket);
    deaf.pause();
    // far more than the buffers between the two take
    for (let i = 0; i < 500; i++) deaf.write(question);
    await Promise.all([half, silent, deaf].map((one) => new Promise((done) => one.once("connect", done))));
    half.destroy();
    assert.is((await ask(find(NAME)))!.body.length, 2 ** 16);
    silent.destroy();
    deaf.destroy();
    assert.is((await ask({ op: "status" }))!.head.ok, true);
    // one that asks for more and more without reading is sent away before the answers fill the memory
    const greedy = connect(place.socket);
    greedy.on("error", () => undefined);
    const away = new Promise((resolve) => greedy.once("close", resolve));
    greedy.write(Buffer.concat(Array.from({ length: 400 }, () => question)));
    await new Promise((resolve) => greedy.once("connect", resolve));
    // what was sent is read once the agent has hung up
    await new Promise((resolve) => setImmediate(resolve));
    let got = 0;
    greedy.on("data", (chunk: Buffer) => (got += chunk.length));
    await ending(away);
    assert.ok(got < 400 * 2 ** 16, `${got} bytes`);
  }));

test("of two that start at once, one serves, and the other says so", () =>
  inFolder(async (_root, place) => {
    const results = await Promise.allSettled([1, 2, 3].map(() => startAgent({ place, limits: LIMITS })));
    const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    assert.is(started.length, 1);
    for (const { code, message } of failed) {
      assert.is(code, "bad-setting");
      assert.match(message, /an agent runs already/);
    }
    assert.is((await askAgent(place, { op: "status" }))!.head.ok, true);
    await started[0]!.stop();
    assert.equal(readdirSync(place.folder), []);
  }));

test("the socket of an agent that was killed is not in the way", () =>
  inFolder(async (_root, place) => {
    mkdirSync(place.folder, { mode: 0o700 });
    const script = `const { createServer } = require("node:net"); process.umask(0o177);
      createServer().listen(process.argv[1], () => process.stdout.write("listens"));`;
    const child = spawn(process.execPath, ["-e", script, place.socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    assert.ok(lstatSync(place.socket).isSocket());
    assert.is(await askAgent(place, { op: "status" }), undefined, "none runs");
    const agent = await startAgent({ place, limits: LIMITS });
    assert.is((await askAgent(place, { op: "status" }))!.head.ok, true);
    await agent.stop();
  }));

test("one whose socket was removed ends, and does not take away the next one's", () =>
  inFolder(async (_root, place) => {
    const first = await startAgent({ place, limits: LIMITS });
    rmSync(place.socket);
    const second = await startAgent({ place, limits: LIMITS });
    await first.stop();
    assert.is((await askAgent(place, { op: "status" }))!.head.ok, true);
    await second.stop();
    assert.not.ok(existsSync(place.socket));
  }));

/** Places that somebody else could have prepared, or got into. */
const UNSAFE: readonly [string, RegExp, (root: string, place: Place) => unknown][] = [
  [
    "a folder that others get into",
    /others may get into it/,
    (_, { folder }) => {
      mkdirSync(folder);
      chmodSync(folder, 0o750);
    },
  ],
  [
    "a link to a folder",
    /not a folder/,
    (root, { folder }) => {
      mkdirSync(join(root, "elsewhere"), { mode: 0o700 });
      symlinkSync(join(root, "elsewhere"), folder);
    },
  ],
  ["a file in place of the folder", /not a folder/, (_, { folder }) => writeFileSync(folder, "")],
  [
    "a file in place of the socket",
    /not a socket/,
    (_, { folder, socket }) => {
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(socket, "", { mode: 0o600 });
    },
  ],
  [
    "a link in place of the socket",
    /not a socket/,
    (root, { folder, socket }) => {
      mkdirSync(folder, { mode: 0o700 });
      symlinkSync(join(root, "nowhere"), socket);
    },
  ],
  [
    "a folder below one that everybody may write to",
    /others may put another in its place/,
    (root, { folder }) => {
      mkdirSync(folder, { mode: 0o700 });
      chmodSync(root, 0o777);
    },
  ],
];

test("neither end uses a folder of which a folder or link further up could be exchanged", () =>
  inFolder(async (root) => {
    const shared = join(root, "shared");
    const closed = join(shared, "closed");
    mkdirSync(closed, { recursive: true, mode: 0o700 });
    const link = join(root, "link");
    symlinkSync(closed, link);
    for (const folder of [join(closed, "tsops"), join(link, "tsops")]) {
      const place = placeIn(folder);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(place.socket, "");
      chmodSync(shared, 0o777);
      assert.match(
        (await refusal(askAgent(place, find(NAME)))).message,
        /others may put another in its place/,
      );
      assert.match(
        (await refusal(startAgent({ place, limits: LIMITS }))).message,
        /others may put another in its place/,
      );
      // as /tmp is
      chmodSync(shared, 0o1777);
      assert.match((await refusal(askAgent(place, find(NAME)))).message, /not a socket/);
    }
    if (!ROOT) return;
    lchownSync(link, 65534, 65534);
    assert.match(
      (await refusal(askAgent(placeIn(join(link, "tsops")), find(NAME)))).message,
      /others may put another in its place/,
    );
  }));

test("an agent of another release is not asked for anything, but forgets and ends when it is told to", () =>
  withAgent(async ({ ask, agent }) => {
    await ask(keep(), Buffer.from("key"));
    const other = { v: VERSION + 1 };
    assert.match((await refusal(ask({ ...find(NAME), ...other }))).message, /another release/);
    assert.match((await refusal(ask({ op: "status", ...other }))).message, /another release/);
    assert.is((await ask({ op: "clear", ...other }))?.head.cleared, 1);
    assert.is((await ask({ op: "stop", ...other }))?.head.ok, true);
    await agent.ended;
  }));

test("a client asks no socket whose path Node would cut off", () =>
  inFolder(async (root) => {
    const place = placeIn(join(root, "long".repeat(30)));
    mkdirSync(place.folder, { mode: 0o700 });
    // what it would ask instead
    const mask = process.umask(0o177);
    const server = createServer(() => assert.unreachable("it was asked"));
    await new Promise<void>((resolve) =>
      server.listen(place.socket.slice(0, MAX_SOCKET_PATH_BYTES), resolve),
    );
    process.umask(mask);
    writeFileSync(place.socket, "");
    assert.is(await askAgent(place, find(NAME)), undefined);
    server.close();
  }));

for (const [what, why, prepare] of UNSAFE) {
  test(`neither end uses ${what}`, () =>
    inFolder(async (root, place) => {
      prepare(root, place);
      const refused = await refusal(startAgent({ place, limits: LIMITS }));
      assert.is(refused.code, "not-allowed");
      assert.match(refused.message, why);
      if (what.includes("in place of")) return;
      writeFileSync(place.socket, "");
      assert.match((await refusal(askAgent(place, find(NAME)))).message, why);
    }));
}

test("a client refuses a socket that others may open", () =>
  inFolder(async (_root, place) => {
    mkdirSync(place.folder, { mode: 0o700 });
    const heard: Buffer[] = [];
    const server = createServer((socket) => socket.on("data", (chunk) => heard.push(chunk)));
    await new Promise<void>((resolve) => server.listen(place.socket, resolve));
    chmodSync(place.socket, 0o666);
    assert.match(
      (await refusal(askAgent(place, keep(), Buffer.from("secret")))).message,
      /others may open it/,
    );
    server.close();
    assert.equal(heard, []);
  }));

if (ROOT) {
  test("neither end uses what belongs to another user, who gets nothing", () =>
    inFolder(async (root, place) => {
      mkdirSync(place.folder, { mode: 0o700 });
      chownSync(place.folder, 65534, 65534);
      assert.match(
        (await refusal(startAgent({ place, limits: LIMITS }))).message,
        /belongs to somebody else/,
      );
      assert.throws(() => checkPlace(place), /belongs to somebody else/);
      const script = `import(process.argv[1]).then(({ isThere }) => {
        process.setgid(12345);
        process.setuid(12345);
        process.stdout.write(String(isThere({ socket: process.argv[2] })));
      })`;
      const other = spawnSync(
        process.execPath,
        [...LOADER, "-e", script, modulePath("src/agent/place.ts"), place.socket],
        {
          encoding: "utf8",
          cwd: "/",
        },
      );
      assert.is(other.stdout, "true", other.stderr);
      chownSync(place.folder, 0, 0);
      const server = createServer();
      process.umask(0o177);
      await new Promise<void>((resolve) => server.listen(place.socket, resolve));
      process.umask(0o022);
      chownSync(place.socket, 65534, 65534);
      assert.match(
        (await refusal(askAgent(place, keep(), Buffer.from("key")))).message,
        /belongs to somebody else/,
      );
      server.close();
      // the folder of another user is not taken for one's own, even where a variable names it
      chownSync(root, 65534, 65534);
      assert.is(placeFor({ XDG_RUNTIME_DIR: root, TMPDIR: "/tmp" }).folder, "/tmp/tsops-0");
    }));

  test("another user cannot reach the agent, whatever the modes above its folder are", () =>
    withAgent(async ({ ask, place }, root) => {
      await ask(keep(), Buffer.from("key"));
      chmodSync(root, 0o755);
      // changes the user after its start: Node itself may lie where another user cannot read
      const script = `process.setgid(+process.argv[2]);
        process.setuid(+process.argv[2]);
        require("node:net").connect(process.argv[1])
        .on("connect", () => process.stdout.write("connected"))
        .on("error", (error) => process.stdout.write(error.code))`;
      const connectAs = (uid: number): Promise<string> =>
        new Promise((resolve) => {
          const child = spawn(process.execPath, ["-e", script, place.socket, String(uid)], {
            cwd: "/",
            stdio: ["ignore", "pipe", "inherit"],
          });
          child.stdout.once("data", (chunk) => {
            resolve(String(chunk));
            child.kill();
          });
        });
      assert.is(await connectAs(65534), "EACCES");
      // nor by the socket alone, if the folder were open
      chmodSync(place.folder, 0o755);
      assert.is(await connectAs(65534), "EACCES");
      // the same script gets through where it may
      assert.is(await connectAs(0), "connected");
    }));
}

test("the place is below XDG_RUNTIME_DIR where that is private, else in the temp folder under the user's number", () =>
  inFolder(async (root) => {
    const uid = process.geteuid?.();
    assert.is(placeFor({ XDG_RUNTIME_DIR: root }).socket, join(root, "tsops", "agent.sock"));
    chmodSync(root, 0o755);
    assert.is(placeFor({ XDG_RUNTIME_DIR: root, TMPDIR: "/var/tmp" }).folder, `/var/tmp/tsops-${uid}`);
    assert.is(placeFor({ XDG_RUNTIME_DIR: join(root, "none") }).folder, `/tmp/tsops-${uid}`);
    assert.is(placeFor({ XDG_RUNTIME_DIR: "run", TMPDIR: "tmp" }).folder, `/tmp/tsops-${uid}`);
  }));

test("a path that is too long for a socket is said", () =>
  inFolder(async (root) => {
    const place = placeIn(join(root, "x".repeat(100)));
    assert.match((await refusal(startAgent({ place, limits: LIMITS }))).message, /at most \d+ bytes/);
    assert.not.ok(existsSync(place.folder));
  }));

/** Something that listens where the agent would, and does as it is told. */
async function withImpostor(
  reply: (frame: { head: Head }) => Uint8Array | undefined,
  work: (place: Place) => Promise<void>,
): Promise<void> {
  await inFolder(async (_root, place) => {
    mkdirSync(place.folder, { mode: 0o700 });
    const server = createServer((socket) => {
      const reader = new FrameReader();
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        for (const frame of reader.push(chunk)) {
          const answer = reply(frame);
          if (answer) socket.write(answer);
          else socket.destroy();
        }
      });
    });
    const mask = process.umask(0o177);
    await new Promise<void>((resolve) => server.listen(place.socket, resolve));
    process.umask(mask);
    await work(place);
    server.close();
  });
}

test("an agent that misbehaves is done without, and that is said once", async () => {
  const answers: readonly ((frame: { head: Head }) => Uint8Array | undefined)[] = [
    () => undefined,
    () => Buffer.alloc(8, 0xff),
    () => encodeFrame({ ok: false, error: "version" }),
    () => encodeFrame({ ok: "yes" }),
  ];
  for (const reply of answers) {
    await withImpostor(reply, async (place) => {
      const warnings: string[] = [];
      const keeper = new AgentKeeper({ place, warn: (message) => warnings.push(message) });
      assert.is(await keeper.find([NAME]), undefined);
      await keeper.keep("data key", NAME, Buffer.from("key"));
      assert.is(await keeper.find([NAME]), undefined);
      assert.is(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0]!, /^the agent is not used: /);
    });
  }
});

test("what was not asked for is not taken", () =>
  withImpostor(
    () => encodeFrame({ ok: true, name: nameOfKept("test", "other") }, Buffer.from("other")),
    async (place) => {
      const keeper = new AgentKeeper({ place, warn: (message) => assert.unreachable(message) });
      assert.is(await keeper.find([NAME]), undefined);
    },
  ));

test("one that is killed is done without, and nothing is said", () =>
  withAgent(async ({ agent, place }) => {
    const keeper = new AgentKeeper({ place, warn: (message) => assert.unreachable(message) });
    await keeper.keep("data key", NAME, Buffer.from("key"));
    assert.is((await keeper.find([NAME]))?.bytes.toString(), "key");
    await agent.stop();
    assert.is(await keeper.find([NAME]), undefined);
  }));

test.run();
