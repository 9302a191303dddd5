import type { KeyUse } from "./kind.ts";

/**
 * How to use the keys of a kind, loaded when one of them is used: every run has to read what files and configurations
 * name, and few use more than one kind.
 */
export function lazily(load: () => Promise<KeyUse>): KeyUse {
  let loaded: KeyUse | undefined;
  const use = async (): Promise<KeyUse> => (loaded ??= await load());
  return {
    wrap: async (key, dataKey, context) => (await use()).wrap(key, dataKey, context),
    exact: async (key, context) => (await use()).exact?.(key, context) ?? key,
    unwrap: async (key, context) => (await use()).unwrap(key, context),
    checkOpener: async (key, context) => {
      const { checkOpener } = await use();
      return checkOpener ? await checkOpener(key, context) : {};
    },
    // asked only after unwrap gave null
    whyNot: (key, context) => loaded?.whyNot?.(key, context) ?? ["nothing here can open it"],
    examine: async (key, context) => (await use()).examine(key, context),
  };
}
