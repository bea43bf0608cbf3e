import { describe, expect, it } from 'vitest';
import { cookieLines, countersData, dropLines, nstatLines } from '../../src/observe/counters.js';
import { DROP_TEXTS } from '../../src/observe/drop-texts.js';
import { TcpCounters } from '../../src/tcp/counters.js';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';

describe('dropLines', () => {
  it('lists the drop reasons that occurred, the most frequent first', () => {
    const counts = new Float64Array(DROP_NAMES.length);
    counts[Drop.tcpNoSuchPort] = 2;
    counts[Drop.tcpPaws] = 130;
    expect(dropLines(counts)).toEqual([
      '    130  tcpPaws        its timestamp is older than the last one: an old duplicate ' +
        '(PAWS, RFC 7323 5)',
      '      2  tcpNoSuchPort  no socket listens on this port (RFC 9293 3.10.7.1)',
    ]);
    expect(dropLines(new Float64Array(DROP_NAMES.length))).toEqual([]);
  });

  it('has a different text for every reason', () => {
    expect(Object.keys(DROP_TEXTS)).toEqual([...DROP_NAMES]);
    expect(new Set(Object.values(DROP_TEXTS)).size).toBe(DROP_NAMES.length);
  });
});

describe('nstatLines', () => {
  it("prints nstat's columns", () => {
    const counters = new TcpCounters();
    counters.TcpActiveOpens = 3;
    expect(nstatLines(counters)).toEqual([
      'TcpActiveOpens                  3                  0.0',
    ]);
    expect(nstatLines(counters, true).length).toBe(Object.keys(countersData(counters)).length);
    expect(countersData(counters)).toMatchObject({ TcpActiveOpens: 3, TcpOutRsts: 0 });
  });
});

it('the counters of SYN cookies are one line, or none if all are 0', () => {
  const counters = new TcpCounters();
  expect(cookieLines(counters)).toEqual([]);
  counters.TcpExtSyncookiesSent = 900;
  counters.TcpExtSyncookiesRecv = 100;
  counters.TcpExtSyncookiesFailed = 1;
  expect(cookieLines(counters)).toEqual(['SYN cookies: 900 sent, 100 accepted, 1 not valid']);
});
