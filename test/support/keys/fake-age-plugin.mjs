#!/usr/bin/env node
// An age plugin for the tests, written against C2SP's age-plugin document and not against our client. It wraps by
// flipping bits. What it does beside that stands in the data of its recipients and identities: see `behave`.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const machine = process.argv[2];

async function receive() {
  const first = (await lines.next()).value;
  if (first === undefined) process.exit(1);
  if (!first.startsWith("-> ")) throw new Error(`bad first line: ${first}`);
  let body = "";
  for (;;) {
    const line = (await lines.next()).value;
    body += line;
    if (line.length < 64) break;
  }
  return { args: first.slice(3).split(" "), body: Buffer.from(body, "base64") };
}

function send(args, body = Buffer.alloc(0)) {
  const base64 = body.toString("base64").replaceAll("=", "");
  let text = `-> ${args.join(" ")}\n`;
  for (let i = 0; i <= base64.length; i += 64) text += `${base64.slice(i, i + 64)}\n`;
  process.stdout.write(text);
}

async function ask(args, body) {
  send(args, body);
  return receive();
}

/** The data part of a bech32 text, without a look at its checksum. */
function dataOf(text) {
  const words = [...text.toLowerCase().slice(text.lastIndexOf("1") + 1, -6)].map((char) =>
    "qpzry9x8gf2tvdw0s3jn54khce6mua7l".indexOf(char),
  );
  const bits = words.map((word) => word.toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))).toString();
}

const flip = (bytes) => Buffer.from(bytes.map((byte) => byte ^ 0x55));
const b64 = (text) => Buffer.from(text).toString("base64").replaceAll("=", "");

async function behave(how) {
  switch (how) {
    case "error":
      await ask(["error", "internal"], Buffer.from("the \u001b[31mcard\u001b[0m is\nmissing"));
      break;
    case "hang":
      await new Promise(() => setInterval(() => undefined, 1000));
      break;
    case "vanish":
      process.exit(3);
      break;
    case "rubbish":
      process.stdout.write("hello\n");
      break;
    case "flood":
      for (;;) {
        if (!process.stdout.write(Buffer.alloc(65536, "A")))
          await new Promise((go) => process.stdout.once("drain", go));
      }
    case "talk": {
      await expect(await ask(["msg"], Buffer.from("touch your key")), "ok", "");
      await expect(await ask(["request-secret"], Buffer.from("PIN")), "ok", "1234");
      await expect(await ask(["request-public"], Buffer.from("name")), "ok", "someone");
      await expect(await ask(["confirm", b64("go on"), b64("stop")], Buffer.from("sure?")), "ok yes", "");
      await expect(await ask(["confirm", b64("go on"), b64("stop")], Buffer.from("really?")), "ok no", "");
      await expect(await ask(["confirm", b64("fine")], Buffer.from("read this")), "ok yes", "");
      await expect(await ask(["brand-new-command", "x"]), "unsupported", "");
      break;
    }
    case "alone":
      await expect(await ask(["request-secret"], Buffer.from("PIN")), "fail", "");
      break;
    default:
  }
}

async function expect(answer, args, body) {
  if (answer.args.join(" ") === args && answer.body.toString() === body) return;
  await ask(["error", "internal"], Buffer.from(`unexpected answer ${answer.args.join(" ")} ${answer.body}`));
}

async function main() {
  let how = "";
  let name = "";
  let fileKey;
  const stanzas = [];
  for (;;) {
    const { args, body } = await receive();
    if (args[0] === "done") break;
    if (args[0] === "add-recipient" || args[0] === "add-identity") [, name] = args;
    if (args[0] === "wrap-file-key") fileKey = body;
    if (args[0] === "recipient-stanza") stanzas.push({ args: args.slice(2), body });
  }
  how = dataOf(name);
  await behave(how);
  if (machine === "--age-plugin=recipient-v1") {
    const index = how === "index" ? "1" : "0";
    if (how !== "nothing") await ask(["recipient-stanza", index, "fake", "tag"], flip(fileKey));
    await ask(["labels", "quantum"]);
  } else {
    const mine = stanzas.find(({ args }) => args.join(" ") === "fake tag");
    if (mine && how !== "nothing") await ask(["file-key", "0"], flip(mine.body));
    if (mine && how === "twice") await ask(["file-key", "0"], flip(mine.body));
  }
  send(["done"]);
}

await main();
