/**
 * What has to be undone when the process ends early: temporary files, locks. Signal handlers belong to the whole
 * process, so this module has state of its own. Nothing is installed while there is nothing to undo and
 * nobody takes signals, so importing it changes nothing.
 */

type Cleanup = () => void;

interface Taker {
  readonly signals: readonly NodeJS.Signals[];
  take(signal: NodeJS.Signals): void;
}

const WINDOWS = process.platform === "win32";

/** The signals that end a process on somebody's wish. */
const ENDING: readonly NodeJS.Signals[] = WINDOWS
  ? ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

const cleanups = new Set<Cleanup>();
const takers = new Set<Taker>();
const installed = new Set<NodeJS.Signals>();
let watchingExit = false;

/**
 * Has `cleanup` run if the process ends by a signal, `process.exit` or an error before the returned function was
 * called. It must be synchronous and must not throw. After it, the signal has its usual effect.
 */
export function onWayOut(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  refresh();
  return () => {
    cleanups.delete(cleanup);
    refresh();
  };
}

/**
 * Gives signals to `take` instead of ending the process, until the returned function is called; a child that runs in
 * the foreground should have them. The last one who asked gets them.
 */
export function takeSignals(signals: readonly NodeJS.Signals[], take: Taker["take"]): () => void {
  const taker = { signals, take };
  takers.add(taker);
  refresh();
  return () => {
    takers.delete(taker);
    refresh();
  };
}

/** The ending signals, for those who take them. */
export function endingSignals(): readonly NodeJS.Signals[] {
  return ENDING;
}

/**
 * Cleans up and ends the process as the signal would have done. Returns where somebody else handles that signal:
 * whether the process goes on is then theirs to decide, and what is still there is cleaned up when it exits.
 */
export function endBy(signal: NodeJS.Signals): void {
  const others = process.listenerCount(signal) - (installed.has(signal) ? 1 : 0);
  if (others > 0) return;
  cleanUp();
  takers.clear();
  refresh();
  process.kill(process.pid, signal);
}

function cleanUp(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  const taker = [...takers].findLast(({ signals }) => signals.includes(signal));
  if (taker) taker.take(signal);
  else endBy(signal);
}

/** Installs the handlers that are needed now and takes the others away, so that signals keep their usual effect. */
function refresh(): void {
  const wanted = new Set(cleanups.size > 0 ? ENDING : []);
  for (const { signals } of takers) for (const signal of signals) wanted.add(signal);
  for (const signal of installed) {
    if (wanted.has(signal)) continue;
    installed.delete(signal);
    process.off(signal, onSignal);
  }
  for (const signal of wanted) {
    if (installed.has(signal)) continue;
    installed.add(signal);
    process.on(signal, onSignal);
  }
  if (watchingExit === cleanups.size > 0) return;
  watchingExit = cleanups.size > 0;
  if (watchingExit) process.on("exit", cleanUp);
  else process.off("exit", cleanUp);
}
