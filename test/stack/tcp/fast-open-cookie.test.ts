/** Fast Open cookies: for whom they are valid, and how long. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { SECOND } from '../../../src/base/time.js';
import { Address } from '../../../src/ip/address.js';
import {
  COOKIE_BYTES,
  CookieWorth,
  FastOpenCookies,
} from '../../../src/stack/tcp/fast-open-cookie.js';

const DAY = 86_400 * SECOND;

function about(cookies: FastOpenCookies, client: string, server: string): void {
  cookies.about(Address.parse(client), Address.parse(server));
}

describe.each([
  ['198.18.0.1', '198.18.0.2', '198.18.0.3'],
  ['fd74::1', 'fd74::2', 'fd74::1:1'],
])('a cookie for %s from %s', (client, server, other) => {
  const fresh = (): FastOpenCookies => {
    const cookies = new FastOpenCookies(new SeededRandom(1));
    about(cookies, client, server);
    return cookies;
  };

  it('is valid only for this client and this server', () => {
    const cookies = fresh();
    const cookie = cookies.make(0);
    expect(cookie).toHaveLength(COOKIE_BYTES);
    expect(cookies.judge(cookie, SECOND)).toBe(CookieWorth.current);
    for (const [c, s] of [
      [other, server],
      [client, other],
    ] as const) {
      about(cookies, c, s);
      expect(cookies.judge(cookie, SECOND)).toBe(CookieWorth.nothing);
    }
  });

  it('must match in every bit and in length', () => {
    const cookies = fresh();
    const cookie = cookies.make(0);
    for (let bit = 0; bit < 64; bit++) {
      const wrong = cookie.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      expect(cookies.judge(wrong, 0)).toBe(CookieWorth.nothing);
    }
    expect(cookies.judge(cookie.subarray(0, 4), 0)).toBe(CookieWorth.nothing);
    expect(cookies.judge(Uint8Array.from([...cookie, 0, 0]), 0)).toBe(CookieWorth.nothing);
  });

  it("stays valid for one day after its key's own day", () => {
    const cookies = fresh();
    const cookie = cookies.make(0);
    expect(cookies.judge(cookie, DAY - 1)).toBe(CookieWorth.current);
    expect(cookies.judge(cookie, DAY)).toBe(CookieWorth.previous);
    const next = cookies.make(DAY);
    expect(next).not.toEqual(cookie);
    expect(cookies.judge(next, DAY)).toBe(CookieWorth.current);
    expect(cookies.judge(cookie, 2 * DAY)).toBe(CookieWorth.nothing);
    expect(cookies.judge(next, 2 * DAY)).toBe(CookieWorth.previous);
    // Several days without a request.
    expect(cookies.judge(next, 5 * DAY)).toBe(CookieWorth.nothing);
  });

  it('made with a configured key is valid until another key is set', () => {
    const [one, two] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
    const cookies = fresh();
    cookies.setKeys(one);
    const cookie = cookies.make(0);
    expect(cookies.judge(cookie, 100 * DAY)).toBe(CookieWorth.current);
    cookies.setKeys(two, one);
    expect(cookies.judge(cookie, 100 * DAY)).toBe(CookieWorth.previous);
    cookies.setKeys(two);
    expect(cookies.judge(cookie, 100 * DAY)).toBe(CookieWorth.nothing);
  });

  it('accepts keys in the format of net.ipv4.tcp_fastopen_key; invalid ones have no effect', () => {
    const cookies = fresh();
    cookies.setKeysAs('3020100-7060504-0b0a0908-f0e0d0c');
    const cookie = cookies.make(0);
    const same = fresh();
    same.setKeys(Uint8Array.from({ length: 16 }, (_, i) => i));
    expect(same.make(0)).toEqual(cookie);
    cookies.setKeysAs('1-2-3');
    expect(cookies.judge(cookie, 0)).toBe(CookieWorth.current);
    cookies.setKeysAs('1-1-1-1,03020100-07060504-0b0a0908-0f0e0d0c');
    expect(cookies.judge(cookie, 0)).toBe(CookieWorth.previous);
  });
});

it('is the cookie that Linux makes with the same key', () => {
  const cookies = new FastOpenCookies(new SeededRandom(1));
  cookies.setKeysAs('a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4');
  about(cookies, '192.0.2.1', '192.168.0.1');
  expect(Buffer.from(cookies.make(0)).toString('hex')).toBe('3021b9d889017eeb');
});
