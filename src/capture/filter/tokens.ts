/**
 * Cuts a filter into words. As in libpcap a word may contain `-`, so `80-90` is one word, and
 * `5-3` is no subtraction without spaces.
 */
import { Address } from '../../ip/address.js';
import { FilterError } from './error.js';
import { SYNONYMS } from './words.js';

export type TokenKind = 'word' | 'number' | 'ipv4' | 'ipv6' | 'sign' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Synonyms are replaced: `&&` is `and`. */
  readonly text: string;
  /** What was written. */
  readonly source: string;
  readonly at: number;
  /** Of a number. */
  readonly value: number;
  /** `\tcp`: a name, even if it is a word of the language too. */
  readonly escaped: boolean;
}

const SPACE = /\s+/y;
const COLONS = /[0-9a-f:.]+/iy;
const ESCAPED = /\\[^\s!()]+/y;
const WORD = /[a-z0-9](?:[-_.a-z0-9]*[.a-z0-9])?/iy;
const SIGN = /&&|\|\||[=!<>]=|<<|>>|[-+*/%&|^=<>![\]:()]/y;
const NUMBER = /^(?:\d+|0x[0-9a-f]+)$/i;
const IPV4 = /^\d+(?:\.\d+){1,3}$/;
const MAC = /^[0-9a-f]{1,2}(?:[:.-][0-9a-f]{1,2}){5}$/i;
const MOST = 0xffff_ffff;

export function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skipSpace(filter, 0); at < filter.length;) {
    const token = tokenAt(filter, at);
    tokens.push(token);
    at = skipSpace(filter, at + token.source.length);
  }
  tokens.push(made('end', '', filter.length));
  return tokens;
}

const skipSpace = (filter: string, at: number): number =>
  at + (matchAt(SPACE, filter, at)?.length ?? 0);

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

const made = (kind: TokenKind, source: string, at: number, text = source, value = 0): Token => ({
  kind,
  text,
  source,
  at,
  value,
  escaped: source.startsWith('\\'),
});

function tokenAt(filter: string, at: number): Token {
  const address = matchAt(COLONS, filter, at);
  if (address !== null && address.split(':').length > 2) {
    if (Address.isAddress(address)) return made('ipv6', address, at);
    throw new FilterError(
      filter,
      at,
      address.length,
      MAC.test(address)
        ? 'libpcap filters by Ethernet addresses, this program does not'
        : `'${address}' is not an IPv6 address`,
    );
  }
  const escaped = matchAt(ESCAPED, filter, at);
  if (escaped !== null) return made('word', escaped, at, escaped.slice(1).toLowerCase());
  const word = matchAt(WORD, filter, at);
  if (word !== null) return wordToken(filter, word, at);
  const sign = matchAt(SIGN, filter, at);
  if (sign === null)
    throw new FilterError(filter, at, 1, `'${filter[at]!}' has no meaning in a filter`);
  const text = SYNONYMS.get(sign) ?? sign;
  return made(/[a-z]/.test(text) ? 'word' : 'sign', sign, at, text);
}

function wordToken(filter: string, word: string, at: number): Token {
  if (NUMBER.test(word)) {
    // A leading zero means octal, as in C.
    const value = /^0[0-7]+$/.test(word) ? parseInt(word, 8) : Number(word);
    if (value > MOST)
      throw new FilterError(filter, at, word.length, `${word} is more than ${MOST}`);
    return made('number', word, at, word, value);
  }
  if (IPV4.test(word)) {
    const wrong = word.split('.').find((part) => Number(part) > 255);
    if (wrong !== undefined)
      throw new FilterError(
        filter,
        at,
        word.length,
        `'${word}' is not an IPv4 address: ${wrong} is more than 255`,
      );
    return made('ipv4', word, at);
  }
  const text = word.toLowerCase();
  return made('word', word, at, SYNONYMS.get(text) ?? text);
}
