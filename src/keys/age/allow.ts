import type { NamingKey } from "../allow-list.ts";

/** Names of age plugins: `yubikey` stands for the program age-plugin-yubikey. */
export const AGE_PLUGINS = {
  name: "plugin",
  field: "plugin",
  what: "the age plugin",
  about: "Names of age plugins, which are programs that see the data key.",
  example: "yubikey",
  gets: "it gets no data key",
  named: ({ id }: NamingKey) => pluginOf(id),
} as const;

/** The plugin of a recipient `age1NAME1…`; the kinds of recipients that need none have no second 1, or these names. */
function pluginOf(recipient: string): string | undefined {
  const name = /^age1([a-z0-9+._-]+)1[ac-hj-np-z02-9]+$/.exec(recipient.trim())?.[1];
  return name === undefined || /^(?:pq|tag|tagpq)$/.test(name) ? undefined : name;
}
