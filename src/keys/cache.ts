import type { KeyContext } from "./kind.ts";

/** What holds for one run, made when it is first asked for. Names begin with the kind that owns them. */
export function once<T>(context: KeyContext, name: string, make: () => T): T {
  if (!context.cache.has(name)) context.cache.set(name, make());
  return context.cache.get(name) as T;
}
