import type { Keeper, Kept } from "../../../src/keys/kind.ts";

/** A keeper in this process, and what it was asked. */
export class Shelf implements Keeper {
  readonly kept = new Map<string, Buffer>();
  readonly sorts: string[] = [];
  readonly asked: string[][] = [];

  async find(names: readonly string[]): Promise<Kept | undefined> {
    this.asked.push([...names]);
    const name = names.find((one) => this.kept.has(one));
    return name === undefined ? undefined : { name, bytes: Buffer.from(this.kept.get(name)!) };
  }

  async keep(sort: string, name: string, bytes: Uint8Array): Promise<void> {
    this.sorts.push(sort);
    this.kept.set(name, Buffer.from(bytes));
  }
}
