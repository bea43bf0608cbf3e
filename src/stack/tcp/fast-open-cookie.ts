/**
 * The server's Fast Open cookies (RFC 7413 section 4.1.2). A cookie proves that the client recently
 * received a packet at its address, so that it may send data with a SYN. It is a keyed hash of both
 * addresses, and the server keeps no state for it.
 *
 *     cookie = SipHash(key, client, server)      8 bytes; equal to Linux's with the same key
 *
 * A random key is replaced every day. A cookie made with the previous key is still valid, and the
 * client gets a new one.
 */
import type { Random } from '../../base/random.js';
import { randomKey, SipHash } from '../../base/siphash.js';
import { LONG_AGO, NEVER, SECOND, type Micros } from '../../base/time.js';
import { addressVersion, type AddressWords } from '../../wire/ip.js';

export const COOKIE_BYTES = 8;
export const KEY_BYTES = 16;
const KEY_LIFETIME: Micros = 86_400 * SECOND;

/** Result of checking a client's cookie. */
export const CookieWorth = { nothing: 0, current: 1, previous: 2 } as const;
export type CookieWorth = (typeof CookieWorth)[keyof typeof CookieWorth];

const V4_WORDS = 2;
const V6_WORDS = 8;

export type FastOpenKeys = readonly [current: Uint8Array, previous: Uint8Array | null];

export class FastOpenCookies {
  private readonly words = new Int32Array(V6_WORDS);
  private count = 0;
  private current: SipHash;
  private previous: SipHash | null = null;
  private readonly random: Random | null;
  private keyedAt: Micros = LONG_AGO;
  private keyText = '';

  /**
   * Either random keys that change every day, or the keys of TCP_FASTOPEN_KEY: 16 bytes each, the
   * second for cookies made before.
   */
  constructor(source: Random | FastOpenKeys) {
    this.random = isKeys(source) ? null : source;
    this.current = new SipHash(isKeys(source) ? source[0] : randomKey(source));
    if (isKeys(source)) this.setKeys(...source);
  }

  /** net.ipv4.tcp_fastopen_key: keys of 16 bytes. They do not change until they are set again. */
  setKeys(current: Uint8Array, previous: Uint8Array | null = null): void {
    this.current = new SipHash(current);
    this.previous = previous === null ? null : new SipHash(previous);
    this.keyedAt = NEVER;
  }

  /** Sets the addresses for the next `make` or `judge`. */
  about(client: AddressWords, server: AddressWords): void {
    const w = this.words;
    if (addressVersion(client) === 4) {
      this.count = V4_WORDS;
      w[0] = swapBytes(client.w3);
      w[1] = swapBytes(server.w3);
      return;
    }
    this.count = V6_WORDS;
    putSwapped(w, 0, client);
    putSwapped(w, 4, server);
  }

  /** Sets the keys from `TcpConfig.fastOpenKey`. An invalid text changes nothing. */
  setKeysAs(text: string): void {
    if (text === this.keyText) return;
    this.keyText = text;
    const [current, previous] = text.split(',').map(keyBytes);
    if (current) this.setKeys(current, previous ?? null);
  }

  make(now: Micros): Uint8Array {
    this.keepKeysFresh(now);
    return bytesOf(this.current, this.words, this.count);
  }

  judge(cookie: Uint8Array, now: Micros): CookieWorth {
    this.keepKeysFresh(now);
    if (isSame(cookie, bytesOf(this.current, this.words, this.count))) return CookieWorth.current;
    const { previous } = this;
    if (previous !== null && isSame(cookie, bytesOf(previous, this.words, this.count)))
      return CookieWorth.previous;
    return CookieWorth.nothing;
  }

  private keepKeysFresh(now: Micros): void {
    const age = now - this.keyedAt;
    if (age < KEY_LIFETIME || this.random === null) return;
    // After two lifetimes the last key has expired, too.
    this.previous = age < 2 * KEY_LIFETIME ? this.current : null;
    this.current = new SipHash(randomKey(this.random));
    this.keyedAt = now;
  }
}

const isKeys = (source: Random | FastOpenKeys): source is FastOpenKeys => Array.isArray(source);

/**
 * Parses `00112233-44556677-8899aabb-ccddeeff`, each number little-endian as in Linux. Returns null
 * if the text is invalid.
 */
export function keyBytes(text: string): Uint8Array | null {
  const match = /^\s*([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})\s*$/i.exec(
    text,
  );
  if (match === null) return null;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++) view.setUint32(4 * i, parseInt(match[i + 1]!, 16), true);
  return bytes;
}

/** An address word with its bytes swapped: SipHash reads words as little-endian. */
const swapBytes = (w: number): number =>
  (w << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24);

function putSwapped(w: Int32Array, at: number, a: AddressWords): void {
  w[at] = swapBytes(a.w0);
  w[at + 1] = swapBytes(a.w1);
  w[at + 2] = swapBytes(a.w2);
  w[at + 3] = swapBytes(a.w3);
}

function bytesOf(sip: SipHash, words: Int32Array, count: number): Uint8Array {
  sip.hash(words, count);
  const cookie = new Uint8Array(COOKIE_BYTES);
  const view = new DataView(cookie.buffer);
  view.setInt32(0, sip.lo, true);
  view.setInt32(4, sip.hi, true);
  return cookie;
}

/** Compares in constant time, so that the time does not tell how many bytes match. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
