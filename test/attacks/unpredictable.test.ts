/**
 * The values that an attacker has to guess (RFC 6528, RFC 6056): initial sequence numbers,
 * timestamps and ports, as seen from outside.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Address } from '../../src/ip/address.js';
import { FIRST_EPHEMERAL, LAST_EPHEMERAL } from '../../src/stack/tcp/ports.js';
import { RST, SYN, Wire } from '../requirements/wire.js';

/** The 99.9 % quantile of chi-squared with 255 degrees of freedom. */
const CHI_SQUARE_255 = 330.5;
const SAMPLES = 256 * 16;

/** Chi-squared of the distribution of bytes. */
function chiSquare(bytes: readonly number[]): number {
  const counts = new Array<number>(256).fill(0);
  for (const b of bytes) counts[b & 255]!++;
  const expected = bytes.length / 256;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

const random = new SeededRandom(99);
const secret = (): Uint8Array => Uint8Array.from({ length: 16 }, () => random.below(256));

/** The SYN,ACKs for that many simultaneous SYNs, from consecutive addresses and ports. */
function synAcks(count: number, synCookies: 0 | 1 | 2): { seq: number; tsVal: number }[] {
  const w = new Wire({
    secret: secret(),
    config: { synCookies, maxHalfOpenPerHost: 10, maxHalfOpen: 10 },
  });
  w.listen();
  return Array.from({ length: count }, (_, i) => {
    const from = `10.0.${(i >> 8) & 255}.${i & 255}`;
    const [o] = w.tcp({
      flags: SYN,
      from,
      sport: 1024 + i,
      seq: 1,
      options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0],
    });
    w.tcp({ flags: RST, from, sport: 1024 + i, seq: 2 });
    return { seq: o!.seq, tsVal: o!.options.slice(8, 12).reduce((n, b) => n * 256 + b, 0) };
  });
}

describe.each([
  ['of ordinary connections', 0],
  ['that are SYN cookies', 2],
] as const)('initial sequence numbers %s', (_, synCookies) => {
  const all = synAcks(SAMPLES, synCookies);
  const seqs = all.map(({ seq }) => seq);

  it.each([0, 8, 16, 24])(
    'ATK-15: are evenly distributed, and so are their differences: bits from %i on',
    (shift) => {
      expect(chiSquare(seqs.map((n) => n >>> shift))).toBeLessThan(CHI_SQUARE_255);
      const steps = seqs.slice(1).map((n, i) => n - seqs[i]!);
      expect(chiSquare(steps.map((n) => n >>> shift))).toBeLessThan(CHI_SQUARE_255);
    },
  );

  it('do not repeat, and change completely with one bit of the peer', () => {
    // Among 4096 numbers of 32 bits two are equal in one of 500 runs.
    expect(new Set(seqs).size).toBe(SAMPLES);
    const flipped = seqs.slice(1).map((n, i) => bits(n ^ seqs[i]!));
    const mean = flipped.reduce((a, b) => a + b, 0) / flipped.length;
    expect(Math.abs(mean - 16)).toBeLessThan(0.2);
  });

  it('ATK-15: timestamps do not reveal the uptime, because each connection has its own offset', () => {
    for (const shift of [8, 16, 24]) {
      expect(chiSquare(all.map(({ tsVal }) => tsVal >>> shift))).toBeLessThan(CHI_SQUARE_255);
    }
  });
});

const bits = (n: number): number => (n >>> 0).toString(2).replaceAll(/[^1]/g, '').length;

it('another secret gives other numbers', () => {
  const [a, b] = [synAcks(64, 0), synAcks(64, 0)];
  expect(a.filter((x, i) => x.seq === b[i]!.seq)).toEqual([]);
});

describe('ephemeral ports', () => {
  const COUNT = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
  const nobody = { tcpEvents: () => undefined };
  /** The local ports of a stack's connections to these destinations. */
  const portTo = (w: Wire, host: number, port = 80): number =>
    w.stack.connect(
      { remote: Address.parse(`10.1.${host >> 8}.${host & 255}`), remotePort: port, user: nobody },
      w.now,
    ).flow.localPort;

  it('ATK-16: to consecutive destinations are evenly distributed over their range', () => {
    const w = new Wire({ secret: secret() });
    const ports = Array.from({ length: SAMPLES }, (_, i) => portTo(w, i));
    const scaled = ports.map((p) => Math.floor(((p - FIRST_EPHEMERAL) * 256) / COUNT));
    expect(chiSquare(scaled)).toBeLessThan(CHI_SQUARE_255);
    const steps = ports.slice(1).map((p, i) => (p - ports[i]! + COUNT) % COUNT);
    expect(chiSquare(steps.map((n) => Math.floor((n * 256) / COUNT)))).toBeLessThan(CHI_SQUARE_255);
  });

  it('ATK-16: to one destination reveal nothing about those to another, nor how many there were', () => {
    const key = secret();
    const next = (others: number): number => {
      const w = new Wire({ secret: key });
      const first = portTo(w, 1);
      for (let i = 0; i < others; i++) portTo(w, 2);
      return (portTo(w, 1) - first + COUNT) % COUNT;
    };
    for (const others of [0, 1, 10, 300]) expect(next(others)).toBeLessThanOrEqual(8);
  });
});
