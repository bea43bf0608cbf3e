import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address, AddressError, Prefix } from '../../src/ip/address.js';

/** Groups of which many are zero, because those are shortened. */
const groups = fc.array(
  fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff })),
  {
    minLength: 8,
    maxLength: 8,
  },
);
const wordsOf = (g: number[]): [number, number, number, number] => {
  const word = (i: number): number => (g[i]! << 16) | g[i + 1]!;
  return [word(0), word(2), word(4), word(6)];
};

describe('Address', () => {
  it('prints IPv6 in its shortest form (RFC 5952), as URLs do, and parses it back', () => {
    fc.assert(
      fc.property(groups, (g) => {
        const a = Address.fromWords(...wordsOf(g));
        const long = g.map((n) => n.toString(16)).join(':');
        if (a.version === 6)
          expect(`[${a.toString()}]`).toBe(new URL(`http://[${long}]/`).hostname);
        expect(Address.parse(a.toString()).equals(a)).toBe(true);
        expect(Address.parse(long).equals(a)).toBe(true);
        expect(Address.parse(long.toUpperCase()).equals(a)).toBe(true);
      }),
      { seed: 5952, numRuns: 1000 },
    );
  });

  it('prints IPv4 as four numbers, and parses them back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
        (parts) => {
          const text = parts.join('.');
          const a = Address.parse(text);
          expect([a.toString(), a.version, a.family]).toEqual([text, 4, 'IPv4']);
          expect(Address.parse(`::ffff:${text}`).equals(a)).toBe(true);
        },
      ),
      { seed: 791, numRuns: 300 },
    );
  });

  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:198.18.0.2', '198.18.0.2'],
  ])('reads %s and prints %s', (text, short) => {
    expect(Address.parse(text).toString()).toBe(short);
  });

  it('accepts exactly the texts that Node accepts as addresses', () => {
    const pieces = fc.constantFrom(
      '::',
      ':',
      '.',
      '0',
      '1',
      '255',
      '256',
      '00',
      '01',
      'ffff',
      'g',
      '1.2.3.4',
      'fd00',
      '12345',
      '-1',
      ' ',
      '',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
        const text = parts.join('');
        expect(Address.isAddress(text), text).toBe(isIP(text) !== 0);
      }),
      { seed: 4291, numRuns: 5000 },
    );
  });

  it.each([
    [
      '1.2.3',
      "'1.2.3' is not an IP address: write four numbers with dots between them, or a v6 address",
    ],
    ['1.2.3.256', "'1.2.3.256' is not an IP address: '256' is not a number from 0 to 255"],
    ['1.2.3.04', "'1.2.3.04' is not an IP address: '04' is not a number from 0 to 255"],
    ['1::2::3', "'1::2::3' is not an IP address: '::' may appear only once"],
    ['1:2:3', "'1:2:3' is not an IP address: it needs eight groups"],
    [
      '1:2:3:4:5:6:7:xyz',
      "'1:2:3:4:5:6:7:xyz' is not an IP address: 'xyz' is not one to four hex digits",
    ],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => Address.parse(text)).toThrow(AddressError);
    expect(() => Address.parse(text)).toThrow(message);
  });

  it.each([
    ['224.0.0.1', 'isMulticast'],
    ['239.255.255.255', 'isMulticast'],
    ['ff02::1', 'isMulticast'],
    ['127.0.0.1', 'isLoopback'],
    ['127.255.255.254', 'isLoopback'],
    ['::1', 'isLoopback'],
    ['0.0.0.0', 'isUnspecified'],
    ['::', 'isUnspecified'],
    ['255.255.255.255', 'isLimitedBroadcast'],
    ['198.18.0.2', ''],
    ['240.0.0.1', ''],
    ['fe80::1', ''],
    ['::2', ''],
  ])('%s is %s, and of no other kind', (text, kind) => {
    const a = Address.parse(text);
    const kinds = ['isMulticast', 'isLoopback', 'isUnspecified', 'isLimitedBroadcast'] as const;
    expect(kinds.filter((k) => a[k]).join()).toBe(kind);
  });
});

describe('Prefix', () => {
  it('contains the addresses that begin with its bits', () => {
    const change = fc.record({
      g: groups,
      bits: fc.integer({ min: 0, max: 128 }),
      flip: fc.integer({ min: 0, max: 127 }),
    });
    fc.assert(
      fc.property(change, ({ g, bits, flip }) => {
        const a = Address.fromWords(...wordsOf(g));
        const other = g.slice();
        other[flip >> 4]! ^= 0x8000 >> (flip & 15);
        const contains = new Prefix(a, a.version === 4 ? Math.max(0, bits - 96) : bits).contains(
          ...wordsOf(other),
        );
        const effective = a.version === 4 ? Math.max(96, bits) : bits;
        expect(contains).toBe(flip >= effective);
      }),
      { seed: 64, numRuns: 2000 },
    );
  });

  it.each([
    ['198.18.0.2/24', '198.18.0.255'],
    ['198.18.0.2/15', '198.19.255.255'],
    ['10.0.0.1/30', '10.0.0.3'],
    ['10.0.0.1/31', undefined],
    ['10.0.0.1/32', undefined],
    ['10.0.0.1', undefined],
    ['10.0.0.1/0', '255.255.255.255'],
    ['fd00::1/64', undefined],
  ])('%s has the broadcast address %s', (text, broadcast) => {
    expect(Prefix.parse(text).broadcast?.toString()).toBe(broadcast);
  });

  it('parses what it prints; without a length it contains one address', () => {
    for (const text of ['198.18.0.2/24', 'fd00::1/64', '0.0.0.0/0', '::/128']) {
      expect(Prefix.parse(text).toString()).toBe(text);
    }
    expect([Prefix.parse('1.2.3.4').bits, Prefix.parse('fd00::1').bits]).toEqual([32, 128]);
  });

  it.each([
    '1.2.3.4/33',
    'fd00::1/129',
    '1.2.3.4/',
    '1.2.3.4/-1',
    '1.2.3.4/2x',
    '1.2.3.4/24/8',
    'fd00::1/1e1',
  ])('refuses %s', (text) => {
    expect(() => Prefix.parse(text)).toThrow(/the prefix length must be 0\.\.(32|128)/);
  });
});
