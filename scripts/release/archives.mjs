// What is around an executable: its manual page, completions and licences; and the archive of all that for a target. Every
// file has the same owner, the time of the commit and one of two modes, so that the same sources give the same bytes.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, createWriteStream, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { exePath } from "../exe.mjs";

/** Where completions are, below the folder of an archive. */
export const COMPLETIONS = {
  bash: "completions/tsops.bash",
  zsh: "completions/_tsops",
  fish: "completions/tsops.fish",
};

/** Where each target's files are: a folder with the name of the archive. The executable in it is `tsops`. */
export function unpack(root, folder, { name, version }, targets) {
  const folders = {};
  for (const target of targets) {
    folders[target] = join(folder, `${name}-${version}-${target}`);
    addAround(root, folders[target]);
    const program = join(folders[target], target.startsWith("windows") ? "tsops.exe" : "tsops");
    linkSync(exePath(target), program);
    chmodSync(program, 0o755);
  }
  return folders;
}

function addAround(root, folder) {
  const put = (path, write) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    write(file);
    chmodSync(file, 0o644);
  };
  put("LICENSE", (file) => copyFileSync(join(root, "LICENSE"), file));
  put("LICENSES.txt", (file) => copyFileSync(join(root, "build", "LICENSES.txt"), file));
  put("man/tsops.1", (file) => copyFileSync(join(root, "man", "tsops.1"), file));
  for (const [shell, path] of Object.entries(COMPLETIONS))
    put(path, (file) => writeFileSync(file, completion(root, shell)));
}

function completion(root, shell) {
  return execFileSync(process.execPath, [join(root, "bin", "tsops.js"), "completion", shell]);
}

/** @param into the folder for the archive, `NAME.tar.gz`; Windows has a tar that opens it, too. */
export async function archive(folder, name, into, time) {
  const tar = ["--create", "--format=ustar", "--sort=name", "--owner=root:0", "--group=root:0"];
  // folders have the mode that everybody's would have; files have theirs already
  const alike = [`--mtime=@${time}`, "--numeric-owner", "--mode=u+rwX,go+rX,go-w"];
  const child = spawn("tar", [...tar, ...alike, "--directory", folder, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const file = join(into, `${name}.tar.gz`);
  const [code] = await Promise.all([ended, pipeline(child.stdout, createGzip(), createWriteStream(file))]);
  if (code !== 0) throw new Error(`tar ended with exit code ${code}: see its messages above`);
  return file;
}
