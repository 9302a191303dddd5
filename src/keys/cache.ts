import type { KeyContext } from "./kind.ts";

/** What holds for one run, made when it is first asked for. Names begin with the kind that owns them. */
export function once<T>(context: KeyContext, name: string, make: () => T): T {
  if (!context.cache.has(name)) context.cache.set(name, make());
  return context.cache.get(name) as T;
}

/** Bytes that are kept for the run under a name, and hold a secret: {@link forgetSecrets} clears them. */
export function keepForRun(context: KeyContext, name: string, bytes: Buffer): void {
  kept(context).push({ name, bytes });
}

/** Clears them, and their names: whoever asks later must not get a key of zeros. */
export function forgetSecrets(context: KeyContext): void {
  for (const { name, bytes } of kept(context).splice(0)) {
    context.cache.delete(name);
    bytes.fill(0);
  }
}

function kept(context: KeyContext): { readonly name: string; readonly bytes: Buffer }[] {
  return once(context, "kept secrets", () => []);
}
