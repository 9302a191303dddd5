import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../descriptors.ts";

/** Where the kernel tells what a machine's firmware says of itself. */
export const FIRMWARE = "/sys/class/dmi/id";

/** A file of the kernel's, and how what stands in it begins on the machines of one cloud. */
export type Sign = readonly [path: string, start: RegExp];

/** Signs in the firmware's files. */
export function signsOf(names: readonly string[], start: RegExp, folder = FIRMWARE): readonly Sign[] {
  return names.map((name) => [join(folder, name), start]);
}

/** Whether this machine has one of a cloud's signs. Its metadata service is asked only then: elsewhere it is a stranger. */
export async function hasSign(signs: readonly Sign[]): Promise<boolean> {
  const found = await Promise.all(
    signs.map(([path, start]) =>
      withRoom(() => readFile(path, "latin1")).then(
        (text) => start.test(text.trim()),
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
