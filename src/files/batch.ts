import { isShortage, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";

export interface BatchOptions<R> {
  /** Once it is aborted, nothing new is started; what was not started fails with TsopsError("aborted"). */
  readonly signal?: AbortSignal;
  /** What is done with each result before the next item is begun in its place. */
  readonly ended?: (result: PromiseSettledResult<R>, index: number) => Promise<void>;
}

/**
 * Works on items side by side, at most `limit` at a time, and goes on after an error. Where the process can open nothing
 * more, fewer are worked on at a time from then on, and the items that failed of it are worked on again at the end, one by
 * one: `work` changes nothing where it fails. Results stand in the order of the items, as `Promise.allSettled` gives them.
 * Never rejects.
 */
export async function mapFiles<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  { signal, ended }: BatchOptions<R> = {},
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const again: number[] = [];
  const once = async (index: number): Promise<R> => {
    if (signal?.aborted) throw new TsopsError("aborted", "stopped before it was done");
    return await work(items[index]!, index);
  };
  const keep = async (index: number, result: PromiseSettledResult<R>): Promise<void> => {
    const heard = await settle(async () => await ended?.(result, index));
    results[index] = heard.status === "fulfilled" ? result : heard;
  };
  // a shortage that lasts is waited for once, not by each item
  let patient = true;
  const waiting = async (index: number): Promise<void> => {
    const result = await settle(() => (patient ? withRoom(() => once(index), signal) : once(index)));
    patient &&= !isShort(result);
    await keep(index, result);
  };
  if (limit <= 1) {
    for (const index of items.keys()) await waiting(index);
    return results;
  }
  let workers = Math.max(1, Math.min(limit, items.length));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const result = await settle(() => once(index));
      if (!isShort(result)) await keep(index, result);
      else {
        again.push(index);
        if (workers === 1) continue;
        workers--;
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  for (const index of again) await waiting(index);
  return results;
}

function isShort(result: PromiseSettledResult<unknown>): boolean {
  return result.status === "rejected" && isShortage(result.reason);
}

async function settle<R>(work: () => Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: "fulfilled", value: await work() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}
