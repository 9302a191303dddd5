/**
 * Puts all items at the end of a list. `list.push(...items)` does so with as many arguments as there are items, of which
 * a call can have some hundred thousand at most: it would fail for a large file.
 */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
