import type { RuleId } from "../rules.ts";
import { isMadeUp, isPlaceholder } from "./placeholders.ts";
import { VENDORS, type Vendor } from "./vendors.ts";

/** Something in a text that has the form of a secret. */
export interface Hit {
  readonly rule: Extract<RuleId, "vendor-token" | "private-key" | "jwt" | "url-password">;
  /** Which kind, for programs. */
  readonly what: string;
  /** The same for people, with its article. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What has the form of a secret, wherever in a text it stands. What is part of another hit is left out. */
export async function shapesIn(text: string): Promise<Hit[]> {
  // the first kinds say most of what they find
  const kinds = [privateKeys(text), await vendorTokens(text), webTokens(text), passwordsInUrls(text)];
  const hits = kinds.flatMap((found, rank) => found.map((hit) => ({ hit, rank })));
  hits.sort((a, b) => a.hit.start - b.hit.start || a.rank - b.rank);
  const left: typeof hits = [];
  for (const next of hits) {
    const last = left.at(-1);
    if (!last || last.hit.end <= next.hit.start) left.push(next);
    else if (next.rank < last.rank) left[left.length - 1] = next;
  }
  return left.map(({ hit }) => hit);
}

const KEYWORDS = new Map(VENDORS.flatMap((vendor) => vendor.keywords.map((keyword) => [keyword, vendor])));
/** Plain texts, one of which has to be there: one pass takes an eighth of the time that `indexOf` takes for all. */
const ANY_KEYWORD = [...KEYWORDS.keys()].map((keyword) => keyword.replace(/[.$]/g, "\\$&")).join("|");

/** No token is longer. */
const LONGEST = 2048;

async function vendorTokens(text: string): Promise<Hit[]> {
  const finds = new RegExp(ANY_KEYWORD, "g");
  const places: { keyword: string; at: number }[] = [];
  for (let found = finds.exec(text); found; found = finds.exec(text)) {
    places.push({ keyword: found[0], at: found.index });
    // a keyword may begin inside another
    finds.lastIndex = found.index + 1;
  }
  if (places.length === 0) return [];
  const { RE2JS } = await import("re2js");
  const compiled = new Map<Vendor, ReturnType<typeof RE2JS.compile>>();
  const hits: Hit[] = [];
  for (const { keyword, at } of places) {
    const vendor = KEYWORDS.get(keyword)!;
    const { id, name, pattern, before = 0 } = vendor;
    let expression = compiled.get(vendor);
    if (!expression)
      compiled.set(vendor, (expression = RE2JS.compile(before > 0 ? pattern : `^(?:${pattern})`)));
    const from = Math.max(0, at - before);
    const matcher = expression.matcher(text.slice(from, at + LONGEST));
    if (!matcher.find()) continue;
    const [start, end] = [from + matcher.start(), from + matcher.end()];
    if (start > at || end <= at || isInWord(text, start, end) || isMadeUp(text.slice(start, end), keyword))
      continue;
    hits.push({ rule: "vendor-token", what: id, name, start, end });
  }
  return hits;
}

const OF_WORD = /[A-Za-z0-9_]/;

/** Whether a match is only a piece of a longer word: base64 holds every short text at some time. */
function isInWord(text: string, start: number, end: number): boolean {
  return (
    OF_WORD.test(text[start - 1] ?? " ") || (OF_WORD.test(text[end] ?? " ") && OF_WORD.test(text[end - 1]!))
  );
}

const KEY_HEADERS = /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d/g;
/** What a header alone lacks, as it stands in programs and manuals: the key itself, on one line or several. */
const KEY_BODY = /(?:[A-Za-z0-9+/]{16}(?:\\n|\\r|[\s"'+]){0,8}){3}/;

function privateKeys(text: string): Hit[] {
  if (!text.includes("PRIVATE KEY") && !text.includes("PuTTY-User-Key-File-")) return [];
  return [...text.matchAll(KEY_HEADERS)].flatMap((match): Hit[] => {
    const start = match.index;
    const behind = text.slice(start + match[0].length, start + 2000);
    if (!KEY_BODY.test(behind)) return [];
    const kind = (match[1] ?? "").trim();
    const name = kind === "" ? "a private key" : `a private key (${kind})`;
    const stop = text.indexOf("-----END", start);
    const end = stop < 0 || stop - start > 20_000 ? start + match[0].length : stop;
    return [{ rule: "private-key", what: kind === "" ? "key" : kind.toLowerCase(), name, start, end }];
  });
}

function webTokens(text: string): Hit[] {
  if (!text.includes("eyJ")) return [];
  const token =
    /(?<![A-Za-z0-9_])eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}/g;
  return [...text.matchAll(token)].map((match): Hit => {
    const [start, end] = [match.index, match.index + match[0].length];
    return { rule: "jwt", what: "jwt", name: "a signed token (JWT)", start, end };
  });
}

/** What is in front of `://` and behind it, without what ends an address. */
const SCHEME = /[A-Za-z][A-Za-z\d+.-]{0,30}$/;
const USER_AND_PASSWORD = /^([^\s:/?#@"'`<>()\\]{0,100}):([^\s/?#"'`<>()\\]{1,200})@([^\s:/?#"'`<>,;)\\]*)/;
const WEAK = /^(?:pass(?:word|wd)?|pwd|pw|secret|user(?:name)?|token|key|p+|x+|foo|bar|test)$/i;

function passwordsInUrls(text: string): Hit[] {
  const hits: Hit[] = [];
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    const scheme = SCHEME.exec(text.slice(Math.max(0, at - 31), at))?.[0];
    const found = scheme && USER_AND_PASSWORD.exec(text.slice(at + 3, at + 600));
    if (!found) continue;
    const [whole, user = "", password = "", host = ""] = found;
    const meant = user.includes("{") || host.includes("{") || user.includes("$");
    if (meant || WEAK.test(password) || isPlaceholder(password) || isForManuals(host)) continue;
    const [start, end] = [at - scheme.length, at + 3 + whole.length];
    hits.push({
      rule: "url-password",
      what: scheme.toLowerCase(),
      name: `an address (${scheme.toLowerCase()}) with a password in it`,
      start,
      end,
    });
  }
  return hits;
}

/** Names that are nobody's (RFC 2606). */
function isForManuals(host: string): boolean {
  return /(?:^|\.)(?:example(?:\.(?:com|org|net))?|invalid)$/i.test(host);
}
