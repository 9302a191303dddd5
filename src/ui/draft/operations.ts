/** What can be done to a document. Each operation keeps the rest of the text, and says what it made in `at`. */

export { type Addition, add, emptyTree } from "./add.ts";
export { addComment } from "./comments.ts";
export { duplicate, move, remove, rename } from "./members.ts";
export type { Done } from "./operation.ts";
export { put } from "./put.ts";
export { type GivenValue, setValue } from "./values.ts";
