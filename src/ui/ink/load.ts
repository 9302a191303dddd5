/** The one way to what draws with ink. In the program that is built, another module stands here (scripts/ui.mjs). */
export function loadInk(): Promise<typeof import("./ink.ts")> {
  return import("./ink.ts");
}
