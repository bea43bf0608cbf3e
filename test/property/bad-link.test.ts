/**
 * Both directions of a connection over a link that does everything wrong at once: 20 % loss, 20 % reordering, 5 % duplication and 1 % corruption each way. R2 is off: with losses
 * like these a connection may rightly give up, and that has a test of its own.
 */
import { describe, expect, it } from 'vitest';
import { NO_IMPAIRMENTS } from '../../src/device/link-options.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { exchange, Hosts } from '../stack/hosts.js';

const MEGABYTES = 1e6;
const SEEDS = 50;
const bad = {
  ...NO_IMPAIRMENTS,
  loss: 0.2,
  reorder: 0.2,
  duplicate: 0.05,
  corrupt: 0.01,
  delay: 5 * MILLISECOND,
  jitter: MILLISECOND,
};
const patient = { retries2: Infinity, synRetries: 100, synAckRetries: 100 };

describe('10 MB each way over a link that loses, reorders, duplicates and corrupts', () => {
  for (let block = 0; block < 5; block++) {
    const first = (block * SEEDS) / 5 + 1;
    const last = first + SEEDS / 5 - 1;
    it(`arrive intact, seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed++) {
        const h = new Hosts({
          seed,
          offload: seed % 2 === 0,
          link: { seed, in: bad, out: bad },
          // A virtual clock whose timestamps and sequence numbers wrap at other places for each seed.
          start: seed * 100_000 * SECOND,
          config: { ...patient, timestamps: seed % 3 !== 0, sack: seed % 5 !== 0 },
        });
        const { client, server } = exchange(h, 10 * MEGABYTES, 10 * MEGABYTES, seed % 4 === 0 ? 6 : 4);
        h.settle(Infinity);
        const outcome = [client.received, server.received, client.closed, server.closed, client.error, server.error];
        expect(outcome, `seed ${seed}`).toEqual([10 * MEGABYTES, 10 * MEGABYTES, true, true, null, null]);
        expect(h.a.tcp.connectionCount + h.b.tcp.connectionCount, `seed ${seed}`).toBe(0);
        expect(h.a.tcp.env.pool.lent + h.b.tcp.env.pool.lent, `seed ${seed}: memory that was not given back`).toBe(0);
      }
    }, 120_000);
  }
});

describe('a link that lets nothing through', () => {
  it('MUST-20: ends a connection with ETIMEDOUT on both sides', () => {
    const dead = { ...NO_IMPAIRMENTS, loss: 0 };
    const h = new Hosts({ link: { in: dead, out: dead } });
    const { client, server } = exchange(h, 100_000, 100_000);
    h.time.runUntil(() => server.established || server.received > 0, 10 * SECOND);
    dead.loss = 1;
    h.settle(Infinity);
    expect([client.error, server.error]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
    expect(h.a.tcp.connectionCount + h.b.tcp.connectionCount).toBe(0);
  });
});
