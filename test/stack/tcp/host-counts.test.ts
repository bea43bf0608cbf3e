import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { Address } from '../../../src/ip/address.js';
import { HostCounts } from '../../../src/stack/tcp/host-counts.js';

const SECRET = Uint8Array.from({ length: 16 }, (_, i) => i);

describe('the count of each host', () => {
  it.each([
    ['an IPv4 address', '10.0.0.1', '10.0.0.2', 0],
    ['an IPv6 /64', 'fd00:0:0:1::1', 'fd00:0:0:2::1', 0],
    ['all of an IPv6 /64', 'fd00:0:0:1::1', 'fd00:0:0:1:ffff::2', 1],
  ])('a host is %s', (_, one, other, shared) => {
    const counts = new HostCounts(SECRET);
    counts.add(Address.parse(one));
    expect([counts.of(Address.parse(one)), counts.of(Address.parse(other))]).toEqual([1, shared]);
  });

  it('collides unpredictably: two /64 that collide with one secret do not with another', () => {
    const meet = (secret: number): [number, number] | null => {
      const counts = new HostCounts(new Uint8Array(16).fill(secret));
      const random = new SeededRandom(1);
      for (let i = 0; i < 300_000; i++) {
        const words: [number, number] = [random.int32(), random.int32()];
        const host = Address.fromWords(...words, 0, 1);
        if (counts.of(host) > 0) return words;
        counts.add(host);
      }
      return null;
    };
    // Among 300,000 keys of 32 bits two collide; with another secret two others do.
    const [one, other] = [meet(1), meet(2)];
    expect(one).not.toBeNull();
    expect(one).not.toEqual(other);
  });

  it('goes up and down, and a host with a count of 0 needs no memory', () => {
    const counts = new HostCounts(SECRET);
    for (let i = 0; i < 3; i++) counts.add(Address.parse('fd00::1'));
    counts.remove(Address.parse('fd00::2'));
    expect(counts.of(Address.parse('fd00::1'))).toBe(2);
    for (let i = 0; i < 3; i++) counts.remove(Address.parse('fd00::1'));
    expect([counts.of(Address.parse('fd00::1')), counts.size]).toEqual([0, 0]);
  });
});
