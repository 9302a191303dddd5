import { isShortage, mayPass, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";

export interface BatchOptions<R> {
  /** Once it is aborted, nothing new is started; what was not started fails with TsopsError("aborted"). */
  readonly signal?: AbortSignal;
  /** What is done with each result before the next item is begun in its place. */
  readonly ended?: (result: PromiseSettledResult<R>, index: number) => Promise<void>;
}

/**
 * Works on items side by side, at most `limit` at a time, and goes on after an error. Where the process can open nothing
 * more, fewer are worked on at a time from then on, and the item that failed of it is worked on again: `work` changes
 * nothing where it fails. Results stand in the order of the items, as `Promise.allSettled` gives them. Never rejects.
 */
export async function mapFiles<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  { signal, ended }: BatchOptions<R> = {},
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const again: number[] = [];
  let next = 0;
  let workers = Math.max(1, Math.min(limit, items.length));
  const takeOne = (): number | undefined => again.shift() ?? (next < items.length ? next++ : undefined);
  const worker = async (): Promise<void> => {
    try {
      await workOnSome();
    } finally {
      // in the same step in which it found nothing left: whoever puts an item back knows that somebody takes it
      workers--;
    }
  };
  const workOnSome = async (): Promise<void> => {
    for (let index = takeOne(); index !== undefined; index = takeOne()) {
      const at = index;
      const once = async (): Promise<R> => {
        if (signal?.aborted) throw new TsopsError("aborted", "stopped before it was done");
        return await work(items[at]!, at);
      };
      let result = await settle(once);
      if (result.status === "rejected" && isShortage(result.reason) && mayPass()) {
        if (workers > 1) {
          again.push(at);
          return;
        }
        // the last one has nobody else whose files would be closed
        result = await settle(() => withRoom(once, signal));
      }
      const heard = await settle(async () => await ended?.(result, at));
      results[at] = heard.status === "fulfilled" ? result : heard;
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
}

async function settle<R>(work: () => Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: "fulfilled", value: await work() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}
