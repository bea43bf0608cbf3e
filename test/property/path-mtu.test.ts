/**
 * With any changes of the path MTU, with or without ICMP errors, and under loss, every byte arrives
 * in order and all counters are consistent.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import type { HopAnswer } from '../../src/device/link/hop.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { exchange, Hosts } from '../stack/hosts.js';

const SIZE = 120_000;
const path = fc.record({
  seed: fc.nat(1 << 20),
  version: fc.constantFrom<4 | 6>(4, 6),
  offload: fc.boolean(),
  sack: fc.boolean(),
  timestamps: fc.boolean(),
  mtuProbing: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  congestionControl: fc.constantFrom<'cubic' | 'reno' | 'bbr'>('cubic', 'reno', 'bbr'),
  loss: fc.constantFrom(0, 0.01, 0.05),
  reorder: fc.constantFrom(0, 0.05),
  answer: fc.constantFrom<HopAnswer>('icmp', 'no-mtu', 'blackhole'),
  /** The path MTU, and another one after this number of milliseconds. */
  changes: fc.array(
    fc.record({
      after: fc.integer({ min: 1, max: 400 }),
      mtu: fc.integer({ min: 1280, max: 1500 }),
    }),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
});

describe('a path whose MTU changes', () => {
  it('loses no byte', () => {
    const met = { tooBig: 0, probesArrived: 0, probesLost: 0 };
    fc.assert(
      fc.property(path, (p) => {
        // Either ICMP reports the path MTU or probing finds it.
        const mtuProbing = p.answer === 'blackhole' && p.mtuProbing === 0 ? 1 : p.mtuProbing;
        const lane = {
          ...NO_IMPAIRMENTS,
          loss: p.loss,
          reorder: p.reorder,
          delay: 10 * MILLISECOND,
        };
        const h = new Hosts({
          seed: p.seed,
          offload: p.offload,
          link: { seed: p.seed, in: { ...lane }, out: { ...lane } },
          config: {
            sack: p.sack,
            timestamps: p.timestamps,
            mtuProbing,
            congestionControl: p.congestionControl,
          },
        });
        const { client, server } = exchange(h, SIZE, SIZE, p.version);
        for (const { after, mtu } of p.changes) {
          h.time.pass(after * MILLISECOND);
          for (const { impairments } of [h.link!.in, h.link!.out]) {
            impairments.hopMtu = mtu;
            impairments.hopAnswer = p.answer;
          }
          h.check();
        }
        for (let i = 0; i < 2000 && !(client.closed && server.closed); i++) {
          h.time.pass(i < 200 ? 50 * MILLISECOND : 10 * SECOND);
          h.check();
        }
        met.tooBig += h.link!.in.counters.tooBig + h.link!.out.counters.tooBig;
        met.probesArrived += h.a.counters.TcpExtTCPMTUPSuccess;
        met.probesLost += h.a.counters.TcpExtTCPMTUPFail;
        expect([client.error, server.error, client.received, server.received]).toEqual([
          null,
          null,
          SIZE,
          SIZE,
        ]);
      }),
      { seed: 1191, numRuns: 400 },
    );
    // The runs reached the cases that they are meant to test.
    expect(met.tooBig).toBeGreaterThan(1000);
    expect(met.probesArrived).toBeGreaterThan(100);
    expect(met.probesLost).toBeGreaterThan(10);
  });
});
