/**
 * A client of the SDK that several calls use at the same time. Its first call goes alone: until the vault's challenge is
 * answered, the SDK sends calls without a token and mixes up their bodies if there are several.
 */
export class SharedClient<C> {
  readonly #make: () => Promise<C>;
  #ready: C | undefined;
  #first: Promise<unknown> | undefined;

  constructor(make: () => Promise<C>) {
    this.#make = make;
  }

  async use<T>(call: (client: C) => Promise<T>): Promise<T> {
    while (this.#ready === undefined && this.#first) await this.#first.catch(() => undefined);
    if (this.#ready !== undefined) return call(this.#ready);
    const first = this.#open(call);
    this.#first = first;
    try {
      return await first;
    } finally {
      this.#first = undefined;
    }
  }

  async #open<T>(call: (client: C) => Promise<T>): Promise<T> {
    const client = await this.#make();
    try {
      const result = await call(client);
      this.#ready = client;
      return result;
    } catch (error) {
      // whoever is told what is wrong with the request has been let in
      const status = (error as { statusCode?: unknown } | null)?.statusCode;
      if (typeof status === "number" && status !== 401) this.#ready = client;
      throw error;
    }
  }
}
