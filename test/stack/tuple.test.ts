import { describe, expect, it } from 'vitest';
import { Address } from '../../src/ip/address.js';
import { Tuple } from '../../src/stack/tuple.js';
import { IpHeader } from '../../src/wire/ip.js';
import { Segment } from '../../src/wire/tcp.js';
import { IcmpError } from '../../src/ip/icmp-error.js';

const LOCAL = Address.parse('198.18.0.2');
const REMOTE = Address.parse('198.18.0.1');
const WORDS = ['w0', 'w1', 'w2', 'w3'] as const;

function tuple(
  seed = 1,
  local = LOCAL,
  localPort = 80,
  remote = REMOTE,
  remotePort = 50_000,
): Tuple {
  const t = new Tuple(seed);
  t.of(local, localPort, remote, remotePort);
  return t;
}

/** `a` with one bit of one word flipped. */
function other(a: Address, word: (typeof WORDS)[number]): Address {
  const w = WORDS.map((name) => (name === word ? a[name] ^ 1 : a[name]));
  return Address.fromWords(w[0]!, w[1]!, w[2]!, w[3]!);
}

describe('a tuple', () => {
  it('is the same for a received segment, for a segment quoted by an ICMP error, and for a flow', () => {
    const ip = new IpHeader();
    ip.setAddresses(REMOTE, LOCAL);
    const seg = new Segment();
    [seg.sourcePort, seg.destinationPort] = [50_000, 80];
    const arrived = new Tuple(1);
    arrived.ofArrival(ip, seg);
    expect(arrived).toEqual(tuple());

    const e = new IcmpError();
    [e.s0, e.s1, e.s2, e.s3] = WORDS.map((w) => LOCAL[w]) as [number, number, number, number];
    [e.d0, e.d1, e.d2, e.d3] = WORDS.map((w) => REMOTE[w]) as [number, number, number, number];
    [e.sourcePort, e.destinationPort] = [80, 50_000];
    const quoted = new Tuple(1);
    quoted.ofQuote(e);
    expect(quoted).toEqual(tuple());

    expect(tuple().toFlow().toString()).toBe('198.18.0.2:80 198.18.0.1:50000');
  });

  it('has the family of its addresses', () => {
    expect(tuple().version).toBe(4);
    expect(tuple(1, Address.parse('fd00::2'), 80, Address.parse('fd00::1')).version).toBe(6);
  });
});

describe("a tuple's hash", () => {
  it('depends on the seed and on every word', () => {
    const base = tuple().hash;
    expect(tuple(2).hash).not.toBe(base);
    expect(tuple(1, LOCAL, 81).hash).not.toBe(base);
    expect(tuple(1, LOCAL, 80, REMOTE, 50_001).hash).not.toBe(base);
    for (const word of WORDS) {
      expect(tuple(1, other(LOCAL, word)).hash, `local ${word}`).not.toBe(base);
      expect(tuple(1, LOCAL, 80, other(REMOTE, word)).hash, `remote ${word}`).not.toBe(base);
    }
  });

  it.each(['ports', 'IPv4 hosts', 'IPv6 hosts'])(
    'spreads consecutive %s over the buckets like random numbers',
    (what) => {
      const [count, buckets] = [64 * 1024, 1024];
      const load = new Int32Array(buckets);
      const v6 = what === 'IPv6 hosts';
      const [local, remote] = v6
        ? [Address.parse('fd00::2'), Address.parse('fd00::1')]
        : [LOCAL, REMOTE];
      const { w0, w1, w2, w3 } = remote;
      const t = new Tuple(12_345);
      for (let i = 0; i < count; i++) {
        if (what === 'ports') t.of(local, 80, remote, i);
        else t.of(local, 80, v6 ? { w0, w1: i, w2, w3 } : { w0, w1, w2, w3: i }, 50_000);
        load[t.hash & (buckets - 1)]!++;
      }
      // Random numbers give a bucket 64 +- 8 (one standard deviation); the limit is eight of them.
      expect(Math.max(...load)).toBeLessThan(128);
    },
  );
});
