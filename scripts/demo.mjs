// Shows what tsops does, with the built program and files in a temporary folder: npm run demo
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { difference, inEmptyFolder, line, root, shortened, shownOf, tsops } from "./shown.mjs";

const SECRETS = join(root, "fixtures", "demo", "secrets.yaml");
const colours = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const styled = (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);

try {
  inEmptyFolder(demonstrate);
} catch (error) {
  console.error(`\ndemo: ${error.message}`);
  process.exitCode = 1;
}

function demonstrate(folder) {
  const file = join(folder, "secrets.yaml");
  const read = () => readFileSync(file, "utf8");
  const run = (...argv) => {
    console.log(`    ${line(...argv)}\n`);
    return tsops(folder, ...argv);
  };
  copyFileSync(SECRETS, file);
  const original = read();
  say("A file with secrets, as people write them:");
  show(original);

  say("An age key, made for this, and a configuration that names it:");
  console.log(`    ${line("init")}\n`);
  show(shownOf(folder, "init"));

  say("Encrypted: only values and comments change, and whoever has the key can read them.");
  run("encrypt", "--in-place", "secrets.yaml");
  const encrypted = read();
  show(shortened(encrypted));
  refuse(encrypted.includes("battery"), "a secret is still readable in the encrypted file");

  say("One value changed: the diff that a colleague would see in git.");
  run("set", "secrets.yaml", '["payment"]["key"]', '"sk_example_9ZtB4mNq"');
  show(coloured(difference(folder, encrypted, read())));

  say("Decrypted: the new value is there, and all the rest came back byte for byte.");
  const decrypted = run("decrypt", "secrets.yaml");
  show(coloured(difference(folder, original, decrypted)));
  const expected = Buffer.from(original.replace("sk_example_51Hc7Xw9LqR2vT8", "sk_example_9ZtB4mNq"));
  refuse(!decrypted.equals(expected), "the decrypted file is not what it should be, byte for byte");
  console.log(
    `${decrypted.length} bytes compared: comments, blank lines, quotes, 0x10 and 1.10 are as they were.`,
  );

  say("Your turn, in a folder of your own:");
  show("tsops init\ntsops encrypt -i FILE\ntsops edit FILE");
  console.log("\nREADME.md says how to install tsops, docs/team.md how to let a colleague in.");
}

function say(text) {
  console.log(`\n${styled(1, text)}\n`);
}

function show(text) {
  console.log(text.trimEnd().replace(/^(?=.)/gm, "    "));
}

function coloured(difference) {
  return difference
    .replace(/^\+.*$/gm, (added) => styled(32, added))
    .replace(/^-.*$/gm, (removed) => styled(31, removed));
}

function refuse(wrong, message) {
  if (wrong) throw new Error(message);
}
