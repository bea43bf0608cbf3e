/**
 * Addresses of the stack on the command line, and the width and character set of the output.
 */
import { describe, expect, it } from 'vitest';
import { addressProblem, checkAddresses } from '../../../src/lab/cli/addresses.js';
import { columnsOf, isAsciiOnly } from '../../../src/lab/cli/terminal.js';
import { Prefix } from '../../../src/ip/address.js';

describe('addresses', () => {
  it.each([
    ['0.0.0.0', /this host/],
    ['0.1.2.3/8', /this host/],
    ['127.0.0.1/8', /loopback/],
    ['224.0.0.1/24', /multicast/],
    ['239.255.255.255', /multicast/],
    ['240.0.0.1', /reserved/],
    ['255.255.255.255', /broadcast/],
    ['198.18.0.255/24', /broadcast address of/],
    ['198.18.0.0/24', /network/],
    ['::', /no address/],
    ['::1', /loopback/],
    ['ff02::1/64', /multicast/],
  ])('%s is not a host address', (text, why) => {
    expect(addressProblem(Prefix.parse(text))).toMatch(why);
    expect(() => checkAddresses([Prefix.parse(text)])).toThrow(/cannot be the stack's address/);
  });

  it.each([
    '198.18.0.2/24',
    '198.18.0.0/31',
    '198.18.0.0',
    '198.18.0.1/31',
    '10.255.255.254/8',
    'fe80::1/64',
    'fd00::/64',
  ])('%s is a host address', (text) => {
    expect(addressProblem(Prefix.parse(text))).toBeNull();
  });

  it('may be given only once', () => {
    const twice = ['10.0.0.1/8', '10.0.0.1/24'].map((text) => Prefix.parse(text));
    expect(() => checkAddresses(twice)).toThrow('--address 10.0.0.1 is given twice');
  });
});

describe('the terminal', () => {
  const stream = (isTTY: boolean, columns?: number): NodeJS.WriteStream =>
    ({ isTTY, columns }) as NodeJS.WriteStream;

  it('has the width in COLUMNS, else its own; a file has no width', () => {
    expect(columnsOf(stream(true, 100), { COLUMNS: '80' })).toBe(80);
    expect(columnsOf(stream(false), { COLUMNS: '80' })).toBe(80);
    expect(columnsOf(stream(true, 100), {})).toBe(100);
    expect(columnsOf(stream(true, 40), {})).toBe(72);
    expect(columnsOf(stream(true, 100), { COLUMNS: 'wide' })).toBe(100);
    expect(columnsOf(stream(false), {})).toBeUndefined();
  });

  it("shows ASCII if the locale's character set is not UTF-8", () => {
    expect(
      [{}, { LANG: 'de_DE.UTF-8' }, { LANG: 'C', LC_ALL: 'C.utf8' }].map((env) => isAsciiOnly(env)),
    ).toEqual([false, false, false]);
    expect(
      [{ LANG: 'C' }, { LC_ALL: 'POSIX', LANG: 'C.UTF-8' }, { LC_ALL: '', LC_CTYPE: 'de_DE' }].map(
        (env) => isAsciiOnly(env),
      ),
    ).toEqual([true, true, true]);
  });
});
