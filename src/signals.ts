import { setMaxListeners } from "node:events";

/**
 * A signal that many wait for at once: the files of a run, the calls to a service. Node takes more than ten listeners for a
 * mistake, and tells the person.
 */
export function forMany(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
