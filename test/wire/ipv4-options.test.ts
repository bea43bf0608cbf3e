/**
 * The expected values are the replies of Linux 6.18 to echo requests with the same options: the
 * pointer of its Parameter Problem, and the options of its reply.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CUT_SLOT,
  echoIpv4Options,
  ipv4OptionFault,
  NO_FAULT,
  SOURCE_ROUTE,
} from '../../src/wire/ipv4-options.js';

const OURS = [192, 168, 0, 1] as const;
const OURS_WORD = (192 << 24) | (168 << 16) | 1;
const MS = 0x123456;
/** `MS` with the high bit set, because the time does not count from midnight UT. */
const TIME = [0x80, 0x12, 0x34, 0x56] as const;
const BY = {
  address: OURS_WORD,
  milliseconds: MS,
  isOwn: (_0: number, _1: number, _2: number, w3: number): boolean => w3 === OURS_WORD,
};
const zeros = (n: number): number[] => new Array<number>(n).fill(0);
const before = 20;
const fault = (options: readonly number[]): number =>
  ipv4OptionFault(Uint8Array.from([...zeros(before), ...options]), before, before + options.length);

describe('IPv4 options that are invalid (RFC 1122 section 3.2.2.5)', () => {
  it.each([
    ['a length of 0', [1, 30, 0, 1], 1],
    ['a length of 1', [30, 1, 1, 2], 0],
    ['a length past the end', [1, 30, 9, 1], 1],
    ['no length', [1, 1, 1, 30], 3],
    ['record route without a pointer', [7, 2, 0, 0], 1],
    ['a pointer of record route before its slots', [7, 7, 0, 0, 0, 0, 0, 0], 2],
    ['half a slot of record route', [7, 7, 5, 0, 0, 0, 0, 0], 2],
    ['two record routes', [7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0, 0], 7],
    ['a short timestamp', [68, 3, 5, 0], 1],
    ['a pointer of timestamp before its slots', [68, 8, 4, 0, 0, 0, 0, 0], 2],
    ['half a slot of timestamp', [68, 8, 6, 0, 0, 0, 0, 0], 2],
    ['no room for address and time', [68, 8, 5, 1, 0, 0, 0, 0], 2],
    ['sixteen hosts without room', [68, 8, 9, 0xf0, 1, 1, 1, 1], 3],
    ['two timestamps', [68, 4, 5, 0, 68, 4, 5, 0], 4],
    ['a short router alert', [148, 2, 0, 0], 1],
    ['a source route without a pointer', [131, 2, 0, 0], 1],
    ['a pointer of source route before its slots', [131, 7, 0, 192, 0, 2, 9, 0], 2],
    ['two source routes', [131, 7, 8, 192, 0, 2, 9, 137, 7, 8, 192, 0, 2, 9, 0, 0], 7],
  ])('%s', (_, options, at) => {
    expect(fault(options)).toBe(before + at);
  });

  it.each([
    ['none', []],
    ['an unknown one', [30, 4, 1, 2]],
    ['any bytes after the end', [0, 7, 1, 1]],
    ['a full record route', [7, 7, 8, 9, 9, 9, 9, 0]],
    ['a record route without slots', [7, 3, 4, 0]],
    ['an unknown flag of timestamp', [68, 12, 5, 2, ...zeros(8)]],
    ['a full timestamp of given addresses, its counter too', [68, 12, 13, 0xf3, ...zeros(8)]],
    ['router alert', [148, 4, 0, 0]],
    ['security', [130, 3, 1, 0]],
  ])('but not %s', (_, options) => {
    expect(fault(options)).toBe(NO_FAULT);
  });

  it.each([131, 137])(
    'a source route, kind %i, has a result of its own, complete or not',
    (kind) => {
      for (const pointer of [4, 8])
        expect(fault([kind, 7, pointer, 192, 0, 2, 9, 0])).toBe(SOURCE_ROUTE);
    },
  );
});

describe('options of an echo reply (RFC 1122 section 3.2.2.6)', () => {
  const echoed = (options: readonly number[]): number[] => {
    const out = new Uint8Array(40);
    return [
      ...out.subarray(0, echoIpv4Options(Uint8Array.from(options), 0, options.length, BY, out)),
    ];
  };

  it.each([
    [
      'record route, both ways',
      [7, 15, 4, ...zeros(12), 0],
      [7, 15, 12, ...OURS, ...OURS, ...zeros(5)],
    ],
    ['a single slot', [7, 7, 4, ...zeros(5)], [7, 7, 8, ...OURS, 0]],
    ['no slot free', [7, 7, 8, 9, 9, 9, 9, 0], [7, 7, 8, 9, 9, 9, 9, 0]],
    ['after a no-operation', [1, 7, 7, 4, ...zeros(4)], [7, 7, 8, ...OURS, 0]],
    ['times', [68, 12, 5, 0, ...zeros(8)], [68, 12, 13, 0, ...TIME, ...TIME]],
    ['times, and no slot free', [68, 8, 9, 0, 1, 1, 1, 1], [68, 8, 9, 0x10, 1, 1, 1, 1]],
    [
      'times with addresses',
      [68, 20, 5, 1, ...zeros(16)],
      [68, 20, 21, 1, ...OURS, ...TIME, ...OURS, ...TIME],
    ],
    ['one slot for both', [68, 12, 5, 1, ...zeros(8)], [68, 12, 13, 1, ...OURS, ...TIME]],
    [
      'a time at our address',
      [68, 12, 5, 3, ...OURS, ...zeros(4)],
      [68, 12, 13, 3, ...OURS, ...TIME],
    ],
    [
      'none at another',
      [68, 12, 5, 3, 192, 0, 2, 9, ...zeros(4)],
      [68, 12, 5, 3, 192, 0, 2, 9, ...zeros(4)],
    ],
    [
      'a full list of addresses',
      [68, 12, 13, 3, 192, 0, 2, 9, ...zeros(4)],
      [68, 12, 13, 3, 192, 0, 2, 9, ...zeros(4)],
    ],
    ['an unknown flag', [68, 12, 5, 2, ...zeros(8)], [68, 12, 5, 2, ...zeros(8)]],
    [
      'both, record route first',
      [68, 12, 5, 0, ...zeros(8), 7, 11, 4, ...zeros(9)],
      [7, 11, 12, ...OURS, ...OURS, 68, 12, 13, 0, ...TIME, ...TIME, 0],
    ],
    ['no other', [148, 4, 0, 0, 30, 4, 1, 2], []],
  ])('%s', (_, request, reply) => {
    expect(echoed(request)).toEqual(reply);
  });

  it.each([
    ['an address', [7, 8, 4, ...zeros(5)]],
    ['an address of which three bytes are left', [7, 10, 4, ...zeros(7), 0, 0]],
    ['a time', [68, 9, 5, 0, ...zeros(5), 0, 0, 0]],
    [
      'a time after a complete record route',
      [7, 11, 4, ...zeros(8), 68, 11, 5, 0, ...zeros(7), 0, 0],
    ],
    ['an address and a time', [68, 19, 5, 1, ...zeros(15), 0]],
    ['our address and a time', [68, 13, 5, 3, ...OURS, ...zeros(5), 0, 0, 0]],
  ])('there is no reply if the option ends within a slot after %s was entered', (_, request) => {
    expect(
      echoIpv4Options(Uint8Array.from(request), 0, request.length, BY, new Uint8Array(40)),
    ).toBe(CUT_SLOT);
  });

  it('there is a reply if nothing was entered, although the option ends within a slot', () => {
    for (const whole of [
      [7, 9, 10, ...zeros(6), 0, 0, 0],
      [68, 13, 5, 3, 192, 0, 2, 9, ...zeros(5), 0, 0, 0],
      [68, 16, 5, 3, ...OURS, ...zeros(8)],
    ])
      expect(echoed(whole)).toHaveLength(whole.length);
  });

  it('stay within the header for all valid options', () => {
    const option = fc
      .tuple(
        fc.constantFrom(7, 68, 1, 30, 148),
        fc.nat(14),
        fc.uint8Array({ minLength: 14, maxLength: 14 }),
      )
      .map(([kind, n, rest]) => (kind === 1 ? [1] : [kind, n + 2, ...rest.subarray(0, n)]));
    const header = fc.array(option, { maxLength: 5 }).map((all) => {
      const bytes = all.flat().slice(0, 40);
      return [...bytes, ...zeros(-bytes.length & 3)];
    });
    fc.assert(
      fc.property(header, (options) => {
        fc.pre(ipv4OptionFault(Uint8Array.from(options), 0, options.length) === NO_FAULT);
        if (
          echoIpv4Options(Uint8Array.from(options), 0, options.length, BY, new Uint8Array(40)) ===
          CUT_SLOT
        )
          return;
        const reply = echoed(options);
        expect(reply.length).toBeLessThanOrEqual(40);
        expect(reply.length % 4).toBe(0);
      }),
      { seed: 1122, numRuns: 3000 },
    );
  });
});
