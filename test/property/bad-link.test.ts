/**
 * Both directions of a connection over a link with all faults at once: 20 % loss, 20 % reordering,
 * 5 % duplication and 1 % corruption each way; then with one fault at 50 %. Settings (IP version,
 * offloads, Nagle, delayed ACKs, windows from 1 byte to 4 MB, initial sequence numbers near the
 * wrap, options, congestion control) are drawn from the seed.
 *
 * `npm run bad-link -- --seeds 1000 [--from 1]` runs more seeds. A failure names its seed and
 * settings.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { exchange, Hosts } from '../stack/hosts.js';
import { ALL_AT_ONCE, caseOf, MEGABYTES, runCase } from './bad-link.js';

const SEEDS = Number(process.env['TCPLAB_BAD_LINK_SEEDS'] ?? 20);
const FROM = Number(process.env['TCPLAB_BAD_LINK_FROM'] ?? 1);
const SEEDS_ALONE = Math.max(6, Math.floor(SEEDS / 8));
const BLOCK = 10;

describe('10 MB each way over a link that loses, reorders, duplicates and corrupts', () => {
  for (let first = FROM; first < FROM + SEEDS; first += BLOCK) {
    const last = Math.min(first + BLOCK, FROM + SEEDS) - 1;
    it(`arrive intact, seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed++)
        expect(runCase(seed, caseOf(seed, 10 * MEGABYTES), ALL_AT_ONCE)).toBeNull();
    }, 120_000);
  }
});

describe('100 KB each way over a link with one fault, at 50 %', () => {
  const delay = 5 * MILLISECOND;
  it.each(['loss', 'reorder', 'duplicate', 'corrupt'] as const)(
    'arrive intact: %s',
    (fault) => {
      const lane = { ...NO_IMPAIRMENTS, delay, [fault]: 0.5 };
      for (let seed = FROM; seed < FROM + SEEDS_ALONE; seed++)
        expect(runCase(seed, caseOf(seed, MEGABYTES / 10), lane)).toBeNull();
    },
    120_000,
  );
});

describe('the settings that seeds draw', () => {
  it('every value occurs within the first fifty seeds', () => {
    const cases = Array.from({ length: 50 }, (_, i) => caseOf(i + 1, 10 * MEGABYTES));
    const seen = (of: (c: ReturnType<typeof caseOf>) => unknown): number =>
      new Set(cases.map(of)).size;
    expect([seen((c) => c.version), seen((c) => c.offload), seen((c) => c.config.noDelay)]).toEqual(
      [2, 2, 2],
    );
    expect([
      seen((c) => c.config.delayedAck),
      seen((c) => c.config.sack),
      seen((c) => c.config.timestamps),
    ]).toEqual([2, 2, 2]);
    expect([seen((c) => c.window), seen((c) => c.config.congestionControl)]).toEqual([12, 4]);
    for (const isn of [0x7fffff00, 0xffffff00 | 0])
      expect(
        cases.filter((c) => c.isnA === isn).length * cases.filter((c) => c.isnB === isn).length,
      ).toBeGreaterThan(0);
  });
});

describe('a link that drops every packet', () => {
  it('MUST-20: ends a connection with ETIMEDOUT on both sides', () => {
    for (const version of [4, 6] as const) {
      const dead = { ...NO_IMPAIRMENTS };
      const h = new Hosts({ link: { in: dead, out: dead }, config: { retries2: 8 } });
      const { client, server } = exchange(h, 100_000, 100_000, version);
      h.time.runUntil(() => server.established || server.received > 0, 10 * SECOND);
      dead.loss = 1;
      const since = h.time.now;
      expect(h.time.runUntil(() => client.closed && server.closed, 3600 * SECOND)).toBe(true);
      const gaveUp = h.time.now - since;
      h.settle(Infinity);
      expect([client.error, server.error]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
      // R2 is the sum of the timeouts that double from 200 ms on: 102 s. The first timeout after
      // that ends the connection; until then it takes at most as long again.
      expect(gaveUp).toBeGreaterThan(102 * SECOND);
      expect(gaveUp).toBeLessThan(206 * SECOND);
      expect(h.a.tcp.connectionCount + h.b.tcp.connectionCount).toBe(0);
    }
  });
});
