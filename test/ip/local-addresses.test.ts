import { describe, expect, it } from 'vitest';
import { Address, Prefix } from '../../src/ip/address.js';
import { Destination, LocalAddresses } from '../../src/ip/local-addresses.js';
import { DROP_NAMES } from '../../src/wire/drop.js';
import { IpHeader } from '../../src/wire/ip.js';

const ours = [
  '198.18.0.2/24',
  '10.1.2.3/8',
  'fe80::2/64',
  'fd74:6370:6c61:62::2/64',
  '2001:db8::12:3456/64',
];
const local = new LocalAddresses(ours.map((text) => Prefix.parse(text)));

const words = (text: string): [number, number, number, number] => {
  const a = Address.parse(text);
  return [a.w0, a.w1, a.w2, a.w3];
};

/** `version` 6 gives an IPv6 header to IPv4-mapped addresses as well. */
function check(
  from: string,
  to: string,
  { looped = false, version = 0, protocol = 6 } = {},
): string {
  const h = new IpHeader();
  h.version = (version || Address.parse(from).version) as 4 | 6;
  h.protocol = protocol;
  [h.s0, h.s1, h.s2, h.s3] = words(from);
  [h.d0, h.d1, h.d2, h.d3] = words(to);
  return DROP_NAMES[local.check(h, looped)]!;
}

describe('a destination', () => {
  it.each([
    ['198.18.0.2', 'unicast'],
    ['10.1.2.3', 'unicast'],
    ['fd74:6370:6c61:62::2', 'unicast'],
    ['255.255.255.255', 'broadcast'],
    ['198.18.0.255', 'broadcast'],
    ['10.255.255.255', 'broadcast'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['ff02::1:ff00:2', 'multicast'],
    ['ff02::1:ff12:3456', 'multicast'],
    ['198.18.0.3', 'other'],
    ['198.19.0.255', 'other'],
    ['224.0.0.251', 'other'],
    ['ff02::2', 'other'],
    ['ff05::1', 'other'],
    ['ff02::1:ff00:3', 'other'],
    ['fd74:6370:6c61:62::3', 'other'],
  ] as const)('%s is %s', (text, kind) => {
    expect(local.destinationKind(...words(text))).toBe(Destination[kind]);
  });

  it.each([
    ['198.18.0.2', 'none'],
    ['198.18.0.255', 'none'],
    ['224.0.0.1', 'none'],
    ['198.18.0.9', 'ipNotForUs'],
    ['0.0.0.0', 'ipNotForUs'],
    ['224.0.0.251', 'ignoredGroup'],
    ['127.0.0.1', 'ipBadDestination'],
  ])('%s from the wire: %s', (to, verdict) => {
    expect(check('198.18.0.1', to)).toBe(verdict);
  });

  it.each([
    ['fd74:6370:6c61:62::2', 'none'],
    ['ff02::1', 'none'],
    ['ff02::1:ff00:2', 'none'],
    ['fd74:6370:6c61:62::9', 'ipNotForUs'],
    ['::', 'ipNotForUs'],
    ['ff02::2', 'ignoredGroup'],
    ['ff02::16', 'ignoredGroup'],
    ['::1', 'ipBadDestination'],
  ])('%s from the wire: %s', (to, verdict) => {
    expect(check('fd74:6370:6c61:62::1', to)).toBe(verdict);
  });
});

describe('a source', () => {
  it.each([
    ['198.18.0.1', 'none'],
    ['192.0.2.1', 'none'],
    ['224.0.0.1', 'ipBadSource'],
    ['255.255.255.255', 'ipBadSource'],
    ['240.0.0.1', 'ipBadSource'],
    ['198.18.0.255', 'ipBadSource'],
    ['0.0.0.0', 'ipBadSource'],
    ['0.1.2.3', 'ipBadSource'],
    ['127.0.0.1', 'ipBadSource'],
    ['198.18.0.2', 'ipBadSource'],
  ])('%s from the wire: %s', (from, verdict) => {
    expect(check(from, '198.18.0.2')).toBe(verdict);
  });

  it.each([
    ['fd74:6370:6c61:62::1', 'none'],
    ['fe80::1', 'none'],
    ['ff02::1', 'ipBadSource'],
    ['::1', 'ipBadSource'],
    ['fd74:6370:6c61:62::2', 'ipBadSource'],
    ['::', 'ipBadSource'],
  ])('%s from the wire: %s', (from, verdict) => {
    expect(check(from, 'fd74:6370:6c61:62::2')).toBe(verdict);
  });

  it(':: is valid with ICMPv6 only, from a host without an address (RFC 4291 section 2.5.2)', () => {
    expect(check('::', 'ff02::1:ff00:2', { protocol: 58 })).toBe('none');
    for (const protocol of [6, 17])
      expect(check('::', 'ff02::1', { protocol })).toBe('ipBadSource');
  });

  it('or destination of an IPv6 packet must not be an IPv4-mapped address', () => {
    const version = 6;
    expect(check('198.18.0.1', 'fd74:6370:6c61:62::2', { version })).toBe('ipBadSource');
    expect(check('fd74:6370:6c61:62::1', '198.18.0.2', { version })).toBe('ipBadDestination');
  });

  it('over loopback may be our own address, in 127/8, or ::1', () => {
    for (const a of ['198.18.0.2', '127.0.0.1', 'fd74:6370:6c61:62::2', '::1']) {
      expect(check(a, a, { looped: true })).toBe('none');
      expect(check(a, a)).toMatch(/^ipBad/);
    }
    expect(check('224.0.0.1', '198.18.0.2', { looped: true })).toBe('ipBadSource');
  });
});

describe('the source address of a new connection (RFC 6724)', () => {
  it.each([
    ['198.18.0.77', '198.18.0.2'],
    ['10.200.0.1', '10.1.2.3'],
    ['192.0.2.1', '198.18.0.2'],
    ['198.18.0.2', '198.18.0.2'],
    ['127.0.0.5', '127.0.0.5'],
    ['fe80::99', 'fe80::2'],
    ['fd74:6370:6c61:62::99', 'fd74:6370:6c61:62::2'],
    ['fd00::1', 'fd74:6370:6c61:62::2'],
    ['2001:4860::8888', '2001:db8::12:3456'],
    ['::1', '::1'],
  ])('to %s is %s', (to, from) => {
    expect(local.sourceFor(Address.parse(to))?.toString()).toBe(from);
  });

  it('is null if there is no address of that family', () => {
    const v4 = new LocalAddresses([Prefix.parse('198.18.0.2/24')]);
    expect(v4.sourceFor(Address.parse('fd00::1'))).toBeNull();
    expect(new LocalAddresses([]).sourceFor(Address.parse('198.18.0.1'))).toBeNull();
  });

  it("has the destination's scope, even if another address has a longer common prefix", () => {
    const two = new LocalAddresses([Prefix.parse('fe80::2/64'), Prefix.parse('2001:db8::1/64')]);
    expect(two.sourceFor(Address.parse('fd00::1'))?.toString()).toBe('2001:db8::1');
    expect(two.sourceFor(Address.parse('fe80:1::1'))?.toString()).toBe('fe80::2');
  });

  it('is the one with the longest common prefix, of any length', () => {
    const remote = Address.parse('2001:db8:1234:5678:9abc:def0:1357:9bdf');
    const { w0, w1, w2, w3 } = remote;
    /** `remote` with bit `n` and all later bits flipped. */
    const differsFrom = (n: number): Address => {
      const tail = (word: number): number =>
        n >= word + 32 ? 0 : n <= word ? -1 : -1 >>> (n - word);
      return Address.fromWords(w0 ^ tail(0), w1 ^ tail(32), w2 ^ tail(64), w3 ^ tail(96));
    };
    for (let n = 3; n < 127; n++) {
      const [less, more] = [differsFrom(n), differsFrom(n + 1)];
      for (const list of [
        [less, more],
        [more, less],
      ]) {
        const two = new LocalAddresses(list.map((x) => new Prefix(x, 128)));
        expect(two.sourceFor(remote)?.toString(), `${n} bits or one more`).toBe(more.toString());
      }
    }
  });

  it("is in the destination's subnet, even if another address has a longer common prefix", () => {
    const two = new LocalAddresses([Prefix.parse('10.1.3.1/24'), Prefix.parse('10.9.9.9/8')]);
    expect(two.sourceFor(Address.parse('10.1.2.3'))?.toString()).toBe('10.9.9.9');
  });
});

it('own addresses are the configured ones, and loopback', () => {
  const own = (text: string): boolean => local.isOwn(Address.parse(text));
  expect(['198.18.0.2', '127.3.2.1', '::1', 'fe80::2'].map(own)).toEqual([true, true, true, true]);
  expect(['198.18.0.1', '::2', '198.18.0.255'].map(own)).toEqual([false, false, false]);
  expect(local.list.map(String)).toEqual(ours.map((text) => text.split('/')[0]));
});
