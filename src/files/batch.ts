import { TsopsError } from "../errors.ts";

export interface BatchOptions {
  /** Once it is aborted, nothing new is started; what was not started fails with TsopsError("aborted"). */
  readonly signal?: AbortSignal;
}

/**
 * Works on items side by side, at most `limit` at a time, and goes on after an error. Results stand in the order of
 * the items, as `Promise.allSettled` gives them. Never rejects.
 */
export async function mapFiles<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  { signal }: BatchOptions = {},
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await settle(() => {
        if (signal?.aborted) throw new TsopsError("aborted", "stopped before it was done");
        return work(items[index]!, index);
      });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
  return results;
}

async function settle<R>(work: () => Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: "fulfilled", value: await work() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}
