/** Values that stand in for a secret, or say where one is. */

/** Where the value comes from: another store of secrets, another format that encrypts. */
const REFERENCES: readonly RegExp[] = [
  /^(?:vault|bao|op|ref\+[\w+]*|ssm|awsssm|awssm|asm|secretsmanager|secretref|keyvault|gcpsm|sm|doppler|infisical|akeyless|bws|gopass|keyring|conjur|sops|env|file|encrypted):/i,
  /^arn:aws[\w-]*:(?:secretsmanager|ssm|kms|iam):/,
  /^projects\/[^/]+\/secrets\//,
  /^@Microsoft\.KeyVault\(/,
  /^(?:\{cipher\}|!vault|\$ANSIBLE_VAULT|ENC\[|vault:v\d+:)/,
  /^(?:process\.env|os\.environ|secrets|env|vars|var|local|data|inputs|values|\.Values|module|each|self)[.[]\w/,
  // names of variables
  /^[A-Z][A-Z\d]*(?:_[A-Z\d]+)+$/,
];

const STAND_INS: readonly RegExp[] = [
  // templates, whatever of the text they are
  /\$\{|\$\(|\{\{|#\{|<%|\{%/,
  /^\$[A-Za-z_]\w*$/,
  /^%[\w.]+%$/,
  /^<[^<>]*>$/,
  /^\[[\w -]+\]$/,
  /^\{[\w.-]+\}$/,
  /^(?:__|@@)\w+(?:__|@@)$/,
  /^(?:x+|\*+|\.+|-+|_+|\?+|#+|0+|•+|…)$/i,
  /^(?:change|replace|fill|edit|set)[-_ ]?(?:it|me|this|in)\b/i,
  /^(?:todo|tbd|fixme|none|null|nil|undefined|n\/a|empty|redacted|removed|masked|hidden|dummy|placeholder)$/i,
  /^(?:required|optional|inherit|generated|generate|auto|true|false|yes|no|on|off|string|example|sample)$/i,
  /(?:^|[-_ ])(?:your|insert|enter)[-_ ]/i,
  /(?:^|[-_ ])(?:example|placeholder|dummy|changeme|redacted)(?:$|[-_ ])/i,
];

/** Whether a value is no secret itself. */
export function isPlaceholder(text: string): boolean {
  const value = text.trim();
  if (value.length < 3) return true;
  // long texts are no placeholders, and not worth a dozen expressions
  if (value.length > 500) return false;
  return (
    STAND_INS.some((pattern) => pattern.test(value)) ||
    REFERENCES.some((pattern) => pattern.test(value)) ||
    isPath(value) ||
    isAddress(value)
  );
}

/** The path of a file: no base64, which has slashes, too. */
function isPath(value: string): boolean {
  if (!/^(?:\.{0,2}\/|~\/|[A-Za-z]:[\\/])[\w.@/\\ -]+$/.test(value)) return false;
  return value.split(/[\\/]/).every((part) => part.length < 30);
}

/** An address without a password in it. */
function isAddress(value: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/[^\s@]*$/i.test(value);
}

/** A sentence about a secret: texts that programs show are called like what they are about. */
export function isProse(value: string): boolean {
  return (
    /\s/.test(value.trim()) && /pass(?:word|phrase|code)|secret|token|key|credential|login|sign/i.test(value)
  );
}

/** A made-up value of a vendor's form: `ghp_xxxxxxxx`, `AKIAIOSFODNN7EXAMPLE`. */
export function isMadeUp(token: string, keyword: string): boolean {
  const rest = token.replace(keyword, "");
  return (
    new Set(rest.toLowerCase()).size <= 3 || /example|placeholder|x{8}|0{12}|1234567890?abcdef/i.test(rest)
  );
}
