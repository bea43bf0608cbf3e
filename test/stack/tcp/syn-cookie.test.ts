import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { MINUTE, SECOND } from '../../../src/base/time.js';
import {
  COOKIE_LIFETIME,
  COOKIE_MSS_V4,
  COOKIE_MSS_V6,
  cookieTimestamp,
  readCookieTimestamp,
  SynCookies,
} from '../../../src/stack/tcp/syn-cookie.js';
import { Address } from '../../../src/ip/address.js';
import { Tuple } from '../../../src/stack/tuple.js';
import { ABSENT, Segment, TcpFlag } from '../../../src/wire/tcp.js';

const SEED = 20_260;
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** `words`: four of each address, and both ports in one. */
function about(cookies: SynCookies, words: readonly number[]): void {
  const [l0, l1, l2, l3, r0, r1, r2, r3, ports] = words as Nine;
  const tuple = new Tuple(0);
  const [local, remote] = [Address.fromWords(l0, l1, l2, l3), Address.fromWords(r0, r1, r2, r3)];
  tuple.of(local, ports >>> 16, remote, ports & 0xffff);
  cookies.about(tuple);
}

type Nine = [number, number, number, number, number, number, number, number, number];
const TUPLE = [0, 0, 0xffff, 0x0a000002, 0, 0, 0xffff, 0x0a000001, (80 << 16) | 50_000];

describe('a SYN cookie', () => {
  it.each([
    ['IPv4', COOKIE_MSS_V4],
    ['IPv6', COOKIE_MSS_V6],
  ])("keeps the largest MSS of its table up to the peer's: %s", (_, table) => {
    const cookies = new SynCookies(new SeededRandom(SEED));
    fc.assert(
      fc.property(
        fc.tuple(...TUPLE.map(() => word)),
        word,
        fc.nat(65_535),
        fc.nat(1e12),
        (tuple, irs, mss, now) => {
          about(cookies, tuple);
          const cookie = cookies.make(irs, mss, table, now);
          const largest = table.filter((m) => m <= mss).at(-1) ?? table[0]!;
          expect(cookies.check(irs, cookie, table, now)).toBe(largest);
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  it.each([...TUPLE.keys()])(
    'ATK-3: is valid only for its own peer: word %i of addresses and ports changed',
    (i) => {
      const cookies = new SynCookies(new SeededRandom(SEED));
      about(cookies, TUPLE);
      const cookie = cookies.make(7, 1460, COOKIE_MSS_V4, SECOND);
      about(cookies, TUPLE.with(i, TUPLE[i]! ^ 1));
      expect(cookies.check(7, cookie, COOKIE_MSS_V4, SECOND)).toBe(0);
      about(cookies, TUPLE);
      expect(
        cookies.check(8, cookie, COOKIE_MSS_V4, SECOND),
        'another sequence number of the peer',
      ).toBe(0);
      expect(cookies.check(7, cookie, COOKIE_MSS_V4, SECOND)).toBe(1460);
    },
  );

  it('ATK-4: is valid for one to two minutes, across every change of the key', () => {
    const cookies = new SynCookies(new SeededRandom(SEED));
    about(cookies, TUPLE);
    for (let start = 0; start < 40 * MINUTE; start += 17 * SECOND) {
      const cookie = cookies.make(7, 1460, COOKIE_MSS_V4, start);
      expect(
        cookies.check(7, cookie, COOKIE_MSS_V4, start + MINUTE),
        `made at ${start / SECOND} s`,
      ).toBe(1460);
      expect(
        cookies.check(7, cookie, COOKIE_MSS_V4, start + COOKIE_LIFETIME),
        `made at ${start / SECOND} s`,
      ).toBe(0);
    }
  });

  it('ATK-4: is made with a new key after a quarter of an hour, so that a leaked key becomes useless', () => {
    const [old, fresh] = [new SynCookies(new SeededRandom(1)), new SynCookies(new SeededRandom(1))];
    about(old, TUPLE);
    about(fresh, TUPLE);
    // The same random numbers, but one drew its second key at another time: the same period with
    // another key.
    old.make(7, 1460, COOKIE_MSS_V4, 0);
    const late = 16 * MINUTE;
    expect(old.make(7, 1460, COOKIE_MSS_V4, late)).not.toBe(
      fresh.make(7, 1460, COOKIE_MSS_V4, late),
    );
  });

  it('is hard to guess: none of 200,000 numbers is valid', () => {
    const cookies = new SynCookies(new SeededRandom(SEED));
    const random = new SeededRandom(SEED + 1);
    about(cookies, TUPLE);
    let hits = 0;
    for (let i = 0; i < 200_000; i++)
      if (cookies.check(7, random.int32(), COOKIE_MSS_V4, SECOND) !== 0) hits++;
    expect(hits).toBe(0);
  });
});

describe("a SYN cookie's timestamp", () => {
  it('carries window scale, SACK and ECN, and is at most 127 ms in the past', () => {
    const scale = fc.oneof(fc.constant(ABSENT), fc.nat(255));
    fc.assert(
      fc.property(word, scale, fc.boolean(), fc.boolean(), (now, wscale, sack, ecn) => {
        const ts = cookieTimestamp(now, wscale, sack, ecn);
        expect((now - ts) | 0).toBeGreaterThanOrEqual(0);
        expect((now - ts) | 0).toBeLessThan(128);
        const syn = new Segment();
        syn.flags = TcpFlag.SYN;
        readCookieTimestamp(ts, syn);
        // RFC 7323 section 2.3: a larger scale means 14.
        expect(syn.wscale).toBe(wscale === ABSENT ? ABSENT : Math.min(wscale, 14));
        expect(syn.sackPermitted).toBe(sack);
        expect(syn.has(TcpFlag.ECE) && syn.has(TcpFlag.CWR)).toBe(ecn);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});
