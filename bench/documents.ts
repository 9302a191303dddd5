/** Plaintexts for the measurements: in YAML services with fifty settings each, most of them strings. */

const PER_SERVICE = 50;

function* services(
  values: number,
): Generator<{ name: string; settings: [string, string | number | boolean][] }> {
  for (let service = 0; service * PER_SERVICE < values; service++) {
    const count = Math.min(PER_SERVICE, values - service * PER_SERVICE);
    yield {
      name: `service_${service}`,
      settings: Array.from({ length: count }, (_, i) => [`setting_${i}`, setting(service * PER_SERVICE + i)]),
    };
  }
}

function setting(i: number): string | number | boolean {
  if (i % 10 === 3) return i;
  if (i % 25 === 7) return i % 2 === 0;
  return `secret value number ${i}`;
}

/** YAML with this many values, and a comment for each service. */
export function yamlDocument(values: number): string {
  let text = "";
  for (const { name, settings } of services(values)) {
    text += `# settings of ${name}\n${name}:\n`;
    for (const [key, value] of settings) text += `  ${key}: ${value}\n`;
  }
  return text;
}

/** JSON with this many values, all keys of one object: what SOPS is slowest with. */
export function jsonDocument(values: number): string {
  const entries = Array.from({ length: values }, (_, i) => [`setting_${i}`, setting(i)]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}
