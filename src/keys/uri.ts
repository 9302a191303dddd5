import { TsopsError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { MasterKey, UriForm } from "./kind.ts";
import { refuseSecretKey } from "./secret.ts";
import { KINDS, kindNamed, sopsKinds } from "./table.ts";

/** How `.sopsrc` and `--key` write keys, of all kinds: those that creation rules have come first, in their order. */
export const URI_FORMS: readonly (UriForm & { readonly kind: string })[] = [
  ...sopsKinds("rule"),
  ...KINDS.filter(({ sops }) => !sops),
].flatMap(({ name, uris }) => uris.map((form) => ({ ...form, kind: name })));

/** The URIs of keys, as one regular expression. */
export function uriPattern(): string {
  const literal = (text: string): string => text.replace(/[+./]/g, "\\$&");
  return URI_FORMS.map(
    ({ scheme, rest, optional = "" }) => `${literal(scheme)}${optional && `${literal(optional)}?`}${rest}`,
  ).join("|");
}

/** Kind and identifier of a recipient URI; undefined if it has no scheme that is known, or nothing behind it. */
export function parseUri(uri: string): { readonly kind: string; readonly id: string } | undefined {
  const form = URI_FORMS.find(({ scheme }) => uri.startsWith(scheme));
  if (!form) return undefined;
  const { kind, scheme, stands, optional } = form;
  const rest = uri.slice(scheme.length).trim();
  const id = stands + (optional && rest.startsWith(optional) ? rest.slice(optional.length) : rest);
  return rest === "" ? undefined : { kind, id };
}

/** The keys that a URI names; undefined if it is not the URI of a key. @throws TsopsError if it is malformed. */
export function keysIn(uri: string): MasterKey[] | undefined {
  const ref = parseUri(uri);
  return ref && kindNamed(ref.kind).parse(ref.id);
}

/**
 * The master keys of a URI; an AWS role may stand behind a `+`. @throws TsopsError("usage") if it is not the URI of a key.
 */
export function keysOfUri(uri: string): MasterKey[] {
  refuseSecretKey(uri);
  const keys = keysIn(uri);
  if (keys) return keys;
  // the text stays out of the message: someone may have put a secret there
  throw new TsopsError("usage", "this is not the URI of a key", { hint: uriHint(uri) });
}

/** What to do about a text that is not the URI of a key. */
export function uriHint(text: string): string {
  const scheme = /^[^:]*:(?:\/\/)?/.exec(text)?.[0];
  const bare = KINDS.find((kind) => kind.bare?.test(text));
  if (bare) return `write ${bare.uris[0]!.scheme} before it`;
  if (scheme !== undefined) {
    const schemes = URI_FORMS.map((form) => form.scheme);
    if (schemes.includes(scheme)) return `write the key after ${scheme}`;
    const meant = nearest(scheme, schemes);
    if (meant !== undefined) return `did you mean ${meant}?`;
  }
  return `URIs of keys are: ${URI_FORMS.map((form) => `${form.scheme}…`).join(" ")}`;
}

/** The recipient URI of a key: what `parseUri` reads, for those who write a `.sopsrc`. */
export function uriOf({ kind, id }: { readonly kind: string; readonly id: string }): string {
  const forms = kindNamed(kind).uris;
  const form = forms.find(({ stands }) => id.startsWith(stands)) ?? forms[0];
  if (!form) return id;
  return form.scheme + (id.startsWith(form.stands) ? id.slice(form.stands.length) : id);
}
