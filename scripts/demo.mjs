// Shows what tsops does, with the built program and files in a temporary folder: npm run demo
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const original = readFileSync(join(root, "fixtures", "demo", "secrets.yaml"));
const colours = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const styled = (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);

if (!existsSync(join(root, "dist", "start.js")))
  execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: "inherit" });
const folder = mkdtempSync(join(tmpdir(), "tsops-demo-"));
try {
  demonstrate();
} catch (error) {
  console.error(`\ndemo: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function demonstrate() {
  copyFileSync(join(root, "fixtures", "demo", "secrets.yaml"), join(folder, "secrets.yaml"));
  say("A file with secrets, as people write them:");
  show(original.toString());

  say("An age key, made for this:");
  const recipient = tsops("keygen", "--output", "key.txt").toString().trim();
  show(recipient);

  say("Encrypted: only the values change, and whoever has the key can read them.");
  tsops("encrypt", "--in-place", "--age", recipient, "secrets.yaml");
  const encrypted = readFileSync(join(folder, "secrets.yaml"), "utf8");
  show(shortened(encrypted));
  refuse(encrypted.includes("battery"), "a secret is still readable in the encrypted file");

  say("One value changed: the diff that a colleague would see in git.");
  tsops("set", "secrets.yaml", '["payment"]["key"]', '"sk_example_9ZtB4mNq"');
  const changed = readFileSync(join(folder, "secrets.yaml"), "utf8");
  show(difference(encrypted, changed));

  say("Decrypted: the new value is there, and all the rest came back byte for byte.");
  const decrypted = tsops("decrypt", "secrets.yaml");
  show(difference(original.toString(), decrypted.toString()));
  const expected = original.toString().replace("sk_example_51Hc7Xw9LqR2vT8", "sk_example_9ZtB4mNq");
  refuse(
    !decrypted.equals(Buffer.from(expected)),
    "the decrypted file is not what it should be, byte for byte",
  );
  console.log(
    `${decrypted.length} bytes compared: comments, blank lines, quotes, the anchor, 0x10 and 1.10 are as they were.`,
  );
}

function say(text) {
  console.log(`\n${styled(1, text)}\n`);
}

function show(text) {
  console.log(text.trimEnd().replace(/^/gm, "    "));
}

/** Runs the built program, shows the command and gives what it printed. */
function tsops(...argv) {
  const shown = argv.map((argument) => (/^[\w./-]+$/.test(argument) ? argument : `'${argument}'`));
  console.log(`    $ tsops ${shown.join(" ")}\n`);
  const env = { PATH: process.env.PATH, HOME: folder, SOPS_AGE_KEY_FILE: join(folder, "key.txt") };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin", "tsops.js"), ...argv], {
    cwd: folder,
    env,
  });
  refuse(status !== 0, `tsops ${argv[0]} ended with exit code ${status}\n${stderr}`);
  return stdout;
}

/** Ciphertexts cut to a length that a terminal shows. */
function shortened(text) {
  return text.replace(/(ENC\[AES256_GCM,data:[^,]{1,8}).*?(,type:\w+\])/g, "$1…$2");
}

/** The lines that differ, as git shows them. */
function difference(before, after) {
  writeFileSync(join(folder, "before"), before);
  writeFileSync(join(folder, "after"), after);
  const { stdout } = spawnSync("git", ["diff", "--no-index", "--no-color", "-U1", "before", "after"], {
    cwd: folder,
    encoding: "utf8",
  });
  refuse(!stdout, "git shows no difference");
  return shortened(stdout.slice(stdout.indexOf("@@")))
    .replace(/^\+.*$/gm, (line) => styled(32, line))
    .replace(/^-.*$/gm, (line) => styled(31, line));
}

function refuse(wrong, message) {
  if (wrong) throw new Error(message);
}
