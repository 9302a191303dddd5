import { EventEmitter } from "node:events";
import { constants } from "node:os";
import { Writable } from "node:stream";
import { Box, type Instance, render, Text, useCursor } from "ink";
import { createElement, type ReactElement } from "react";

/**
 * Draws the screen with ink. It is a bundle of its own (scripts/ui.mjs), which is loaded while the first screen is on
 * already: so nothing of the rest of the program may be imported here.
 */

/** The lines of a screen, with their colours, and where the cursor is to be. */
export interface Frame {
  readonly lines: readonly string[];
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
}

export interface Place {
  readonly width: number;
  readonly height: number;
  write(text: string): void;
}

export interface InkScreen {
  draw(frame: Frame): void;
  /** Takes it away; what is on the screen stays. */
  unmount(): void;
}

/** One line is one text: ink's layout costs by the node. */
function Row({ line }: { readonly line: string }): ReactElement {
  return createElement(Text, { wrap: "truncate" }, line === "" ? " " : line);
}

function Screen({ lines, cursor }: Frame): ReactElement {
  useCursor().setCursorPosition(cursor && { ...cursor });
  // rows stand for places on the screen
  return createElement(
    Box,
    { flexDirection: "column" },
    lines.map((line, i) => createElement(Row, { key: `row ${i}`, line })),
  );
}

/** Starts to draw on an empty screen, with the cursor at its upper left. */
export function mount(place: Place, first: Frame): InkScreen {
  const instance = withoutSignals(() => rendered(place, first));
  return {
    draw: (frame) => instance.rerender(createElement(Screen, frame)),
    unmount: () => instance.unmount(),
  };
}

function rendered(place: Place, first: Frame): Instance {
  return render(createElement(Screen, first), {
    stdout: outputTo(place),
    stdin: noInput(),
    patchConsole: false,
    exitOnCtrlC: false,
    incrementalRendering: true,
    interactive: true,
    isScreenReaderEnabled: false,
    maxFps: 60,
  });
}

/**
 * Ink listens to the signals that end a process, to clean up. That is done here already (src/files/wayout.ts), and who
 * else listens keeps the signal from ending the process.
 */
function withoutSignals<T>(work: () => T): T {
  const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  const result = work();
  for (const [signal, known] of before)
    for (const listener of process.listeners(signal))
      if (!known.includes(listener)) process.off(signal, listener);
  return result;
}

const SIGNALS = (Object.keys(constants.signals) as NodeJS.Signals[]).filter(
  (signal) => signal !== "SIGKILL" && signal !== "SIGSTOP",
);

function outputTo({ width, height, write }: Place): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      write(String(chunk));
      done();
    },
  });
  return Object.assign(stream, {
    columns: width,
    rows: height,
    isTTY: true,
  }) as unknown as NodeJS.WriteStream;
}

/** Keys do not come through ink: they are read from the first moment on, before it is loaded. */
function noInput(): NodeJS.ReadStream {
  const stream = Object.assign(new EventEmitter(), {
    isTTY: false,
    setEncoding: () => undefined,
    setRawMode: () => undefined,
    ref: () => undefined,
    unref: () => undefined,
    read: () => null,
  });
  return stream as unknown as NodeJS.ReadStream;
}
