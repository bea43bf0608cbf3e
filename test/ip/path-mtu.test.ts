import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../src/base/time.js';
import { Address } from '../../src/ip/address.js';
import { PathMtuCache } from '../../src/ip/path-mtu.js';

const INTERFACE = 1500;

const addressOf = (version: 4 | 6, host: number): Address =>
  version === 4 ? Address.v4(host) : Address.fromWords(0xfd00_0000, 0, 0, host);

class Path {
  readonly cache = new PathMtuCache();
  now = 0;

  mtu(host = 1, version: 4 | 6 = 4): number {
    return this.cache.mtuTo(addressOf(version, host), INTERFACE, this.now);
  }

  tooBig(reported: number, packetBytes = 1500, version: 4 | 6 = 4, host = 1): number {
    return this.cache.decrease(
      addressOf(version, host),
      reported,
      packetBytes,
      INTERFACE,
      this.now,
    );
  }
}

describe('the path MTU', () => {
  it('is the MTU of the interface until an error reports less, for that destination only', () => {
    const path = new Path();
    expect(path.mtu()).toBe(1500);
    expect(path.tooBig(1400)).toBe(1400);
    expect([path.mtu(1), path.mtu(2)]).toEqual([1400, 1500]);
    expect(path.tooBig(1300)).toBe(1300);
    expect(path.mtu()).toBe(1300);
  });

  it('ATK-24: never rises because of an error, and an error with the same MTU changes nothing', () => {
    const path = new Path();
    path.tooBig(1400);
    for (const reported of [1400, 1401, 1500, 9000, 65_535]) expect(path.tooBig(reported)).toBe(0);
    expect(path.mtu()).toBe(1400);
    expect(new Path().tooBig(1500)).toBe(0);
  });

  it.each([
    [4, 1, 68],
    [4, 67, 68],
    [6, 1280, 1280],
    [6, 1281, 1281],
  ] as const)(
    'in IPv%d does not fall below the minimum: %d becomes %d',
    (version, reported, mtu) => {
      expect(new Path().tooBig(reported, 1500, version)).toBe(mtu);
    },
  );

  it.each([
    [1500, 1492],
    [1492, 1006],
    [1006, 508],
    [300, 296],
    [296, 68],
    [69, 68],
    [20, 68],
    [9000, 1492],
  ])(
    'falls to the next plateau (RFC 1191 section 7.1) if the error has no MTU: from %d to %d',
    (packet, mtu) => {
      expect(new Path().tooBig(0, packet)).toBe(mtu);
    },
  );

  it('falls by one plateau for all errors about packets sent before', () => {
    const path = new Path();
    expect([path.tooBig(0), path.tooBig(0), path.tooBig(0, 1493), path.tooBig(0, 1492)]).toEqual([
      1492, 0, 0, 1006,
    ]);
  });

  it('ATK-24: does not change if the quoted packet fits the reported MTU (RFC 5927 section 7)', () => {
    expect([new Path().tooBig(1400, 1400), new Path().tooBig(1399, 1400)]).toEqual([0, 1399]);
  });

  it('has a floor in IPv4; for a smaller MTU packets are sent without DF', () => {
    const cache = new PathMtuCache(552);
    const to = Address.v4(1);
    expect(cache.mayFragment(to, 0)).toBe(false);
    expect(cache.decrease(to, 600, 1500, INTERFACE, 0)).toBe(600);
    expect(cache.mayFragment(to, 0)).toBe(false);
    expect(cache.decrease(to, 300, 600, INTERFACE, 0)).toBe(552);
    expect(cache.mayFragment(to, 0)).toBe(true);
    expect(cache.decrease(to, 200, 552, INTERFACE, 0)).toBe(0);
    expect([cache.expiry(to, 0), cache.expiry(Address.v4(2), 0)]).toEqual([10 * MINUTE, Infinity]);
    expect(cache.mayFragment(to, 10 * MINUTE)).toBe(false);
  });

  it('falls plateau by plateau to the lowest', () => {
    const path = new Path();
    const seen: number[] = [];
    for (let mtu = path.tooBig(0); mtu !== 0; mtu = path.tooBig(0, mtu)) seen.push(mtu);
    expect(seen).toEqual([1492, 1006, 508, 296, 68]);
  });

  it('is forgotten ten minutes after it last fell (RFC 1191 section 6.3)', () => {
    const path = new Path();
    path.tooBig(1400);
    path.now = 5 * MINUTE;
    path.tooBig(1300);
    path.now = 15 * MINUTE - 1;
    expect(path.mtu()).toBe(1300);
    path.now = 15 * MINUTE;
    expect(path.mtu()).toBe(1500);
    expect(path.cache.size).toBe(0);
  });

  it('is kept for a bounded number of destinations, and the oldest is evicted first', () => {
    const path = new Path();
    for (let host = 0; host < 1100; host++) path.tooBig(1400, 1500, 4, host);
    expect([path.cache.size, path.mtu(0), path.mtu(75), path.mtu(76), path.mtu(1099)]).toEqual([
      1024, 1500, 1500, 1400, 1400,
    ]);
  });

  it('stays between the minimum and the MTU of the interface for any reports', () => {
    const event = fc.record({
      reported: fc.nat(70_000),
      packet: fc.nat(70_000),
      version: fc.constantFrom<4 | 6>(4, 6),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const path = new Path();
        const before = { 4: path.mtu(1, 4), 6: path.mtu(1, 6) };
        for (const { reported, packet, version } of events) {
          const answer = path.tooBig(reported, packet, version);
          const mtu = path.mtu(1, version);
          expect(mtu).toBeLessThanOrEqual(before[version]);
          expect(mtu).toBeGreaterThanOrEqual(68);
          expect(answer).toBe(mtu < before[version] ? mtu : 0);
          before[version] = mtu;
        }
      }),
      { seed: 8201, numRuns: 500 },
    );
  });
});
