import { describe, expect, it } from 'vitest';
import { Address } from '../../src/ip/address.js';
import { HostCounts } from '../../src/stack/host-counts.js';

const words = (text: string): [number, number, number, number] => {
  const { w0, w1, w2, w3 } = Address.parse(text);
  return [w0, w1, w2, w3];
};

describe('what each host has', () => {
  it.each([
    ['an IPv4 address', '10.0.0.1', '10.0.0.2', 0],
    ['an IPv6 /64', 'fd00:0:0:1::1', 'fd00:0:0:2::1', 0],
    ['all of an IPv6 /64', 'fd00:0:0:1::1', 'fd00:0:0:1:ffff::2', 1],
  ])('a host is %s', (_, one, other, shared) => {
    const counts = new HostCounts(12_345);
    counts.add(...words(one));
    expect([counts.of(...words(one)), counts.of(...words(other))]).toEqual([1, shared]);
  });

  it('is counted up and down, and nothing is kept of one that has nothing', () => {
    const counts = new HostCounts(1);
    for (let i = 0; i < 3; i++) counts.add(...words('fd00::1'));
    counts.remove(...words('fd00::2'));
    expect(counts.of(...words('fd00::1'))).toBe(2);
    for (let i = 0; i < 3; i++) counts.remove(...words('fd00::1'));
    expect([counts.of(...words('fd00::1')), counts.size]).toEqual([0, 0]);
  });
});
