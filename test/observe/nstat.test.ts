import { describe, expect, it } from 'vitest';
import { chosen, increase, inKernelOrder, nstatTable } from '../../src/observe/nstat.js';
import { TcpCounters } from '../../src/tcp/counters.js';

describe('nstat', () => {
  const counters = new TcpCounters();
  counters.TcpActiveOpens = 3;
  counters.TcpExtDelayedACKs = 12;
  counters.TcpCurrEstab = 2;

  it("has the kernel's order, then our own counters, and no gauges", () => {
    const names = Object.keys(inKernelOrder(counters));
    expect(names.slice(0, 2)).toEqual(['TcpActiveOpens', 'TcpPassiveOpens']);
    expect(names.indexOf('TcpExtSyncookiesSent')).toBeLessThan(names.indexOf('TcpExtTW'));
    expect(names.indexOf('IpExtInCEPkts')).toBeGreaterThan(names.indexOf('TcpExtTCPWqueueTooBig'));
    expect(names.at(-1)).toMatch(/^Tcplab/);
    expect(names).not.toContain('TcpCurrEstab');
  });

  it('counts since the values in a history', () => {
    expect(increase({ a: 5, b: 2 }, { a: 3 })).toEqual({ a: 2, b: 2 });
  });

  it.each<[string[], boolean, string[]]>([
    [[], false, ['TcpActiveOpens', 'TcpExtDelayedACKs']],
    [['TcpExt*'], false, ['TcpExtDelayedACKs']],
    [['tcpext*acks'], false, ['TcpExtDelayedACKs']],
    [['TcpActiveOpen?', 'TcpPassiveOpen[a-z]'], true, ['TcpActiveOpens', 'TcpPassiveOpens']],
    [['TcpActiveOpen[!s]'], true, []],
    [['Tcp.ctiveOpens'], true, []],
  ])('patterns %j, zeros %s', (patterns, zeros, names) => {
    expect(Object.keys(chosen(inKernelOrder(counters), patterns, zeros))).toEqual(names);
  });

  it("prints nstat's table", () => {
    expect(nstatTable({ TcpActiveOpens: 3 })).toEqual([
      '#kernel',
      'TcpActiveOpens                  3                  0.0',
    ]);
  });
});
