/** Records of sockets, the filters of ss(8), and the table. */
import { describe, expect, it } from 'vitest';
import type { SocketRecord, SsState } from '../../src/observe/socket-records.js';
import { defaultStates, FilterError, parseSsFilter } from '../../src/observe/ss-filter.js';
import { inSsOrder, ssLines, timerText, type SsStyle } from '../../src/observe/ss.js';

function record(local: string, peer: string, state: SsState = 'ESTAB'): SocketRecord {
  const end = (text: string): { address: string; port: number } => {
    const at = text.lastIndexOf(':');
    return { address: text.slice(0, at), port: Number(text.slice(at + 1)) };
  };
  return {
    netid: 'tcp',
    state,
    recvQ: 0,
    sendQ: 0,
    local: end(local),
    peer: end(peer),
    timer: null,
    sk: 1,
    shutdown: 0,
    memory: null,
    congestion: null,
    info: null,
  };
}

const SOCKETS = [
  record('*:80', '*:0', 'LISTEN'),
  record('198.18.0.2:80', '198.18.0.1:5000'),
  record('198.18.0.2:7', '198.18.0.1:5001'),
  record('198.18.0.2:7', '10.1.2.3:5002', 'SYN-RECV'),
  record('fd74::2:80', 'fd74::1:5003'),
  record('198.18.0.2:80', '198.18.0.1:5004', 'TIME-WAIT'),
];
const NAMES: Readonly<Record<string, number>> = { http: 80, echo: 7 };
const chosen = (text: string): number[] => {
  const { matches } = parseSsFilter(text, (name) => NAMES[name] ?? null);
  return SOCKETS.flatMap((r, i) => (matches(r) ? [i] : []));
};

describe('filters', () => {
  it.each<[string, number[]]>([
    ['', [0, 1, 2, 3, 4, 5]],
    ['sport = :80', [0, 1, 4, 5]],
    ['sport :80', [0, 1, 4, 5]],
    ['sport = 80', [0, 1, 4, 5]],
    ['sport = :http', [0, 1, 4, 5]],
    ['sport eq :echo', [2, 3]],
    ['sport != :80', [2, 3]],
    ['dport > :5001 and dport <= :5003', [3, 4]],
    ['dport gt 5001 dport le 5003', [3, 4]],
    ['dport >= 5004 or sport < 80', [2, 3, 5]],
    ['not sport = :80', [2, 3]],
    ['! ( sport = :80 || dport = :5001 )', [3]],
    ['(sport=:7 & dport=:5001) | dport=:5004', [2, 5]],
    ['dst 198.18.0.1', [1, 2, 5]],
    ['dst = 198.18.0.0/24', [1, 2, 5]],
    ['dst != 198.18.0.0/24', [0, 3, 4]],
    ['dst 10/8', []],
    ['dst 10.0.0.0/8', [3]],
    ['dst 198.18.0.1:5004', [5]],
    ['src 198.18.0.2:http', [1, 5]],
    ['src :80', [0, 1, 4, 5]],
    ['dst [fd74::]/64', [4]],
    ['dst fd74::1', [4]],
    ['dst [fd74::1]:5003', [4]],
    ['dst ::/0', [4]],
    ['dst 0.0.0.0/0', [1, 2, 3, 5]],
  ])('%s', (text, expected) => {
    if (text === 'dst 10/8') expect(() => chosen(text)).toThrow(FilterError);
    else expect(chosen(text)).toEqual(expected);
  });

  it.each<[string, string[] | number]>([
    ['state established', ['ESTAB']],
    ['state ESTAB', ['ESTAB']],
    ['state syn-recv state time-wait', ['SYN-RECV', 'TIME-WAIT']],
    ['state bucket', ['SYN-RECV', 'TIME-WAIT']],
    ['state all', 11],
    ['state big', 9],
    ['state connected', 9],
    ['state synchronized', 8],
    ['exclude listening', 10],
    ['state connected exclude time-wait', 8],
  ])('%s', (text, expected) => {
    const { states } = parseSsFilter(text);
    if (typeof expected === 'number') expect(states!.size).toBe(expected);
    else expect([...states!].sort()).toEqual(expected);
  });

  it('selects no states if none is named; the command then uses its defaults', () => {
    expect(parseSsFilter('sport = :80').states).toBeNull();
    expect([...defaultStates(false, true)].sort()).toEqual(['LISTEN', 'UNCONN']);
    expect(defaultStates(true, false).size).toBe(11);
    const usual = defaultStates(false, false);
    expect(['ESTAB', 'LISTEN', 'TIME-WAIT'].map((s) => usual.has(s as SsState))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each<[string, RegExp]>([
    ['state open', /no state 'open'; the states are established, syn-sent/],
    ['state', /'state' needs a state/],
    ['foo = 1', /no condition 'foo'; there are sport, dport, src, dst/],
    ['sport =', /'sport' needs a value/],
    ['sport = :gopher', /':gopher' is not a port/],
    ['sport = :65536', /is not a port/],
    ['src > 10.0.0.1', /'src' compares with = or !=/],
    ['src 300.1.1.1', /'300' is not a number from 0 to 255/],
    ['( sport = :80', /a '\)' is missing/],
    ['sport = :80 )', /'\)' without its '\('/],
    ['sport = :80 and', /ends too early/],
    ['sport = :80 state all', /'state' stands before/],
    ['dst constructor', /./],
    ['constructor', /no condition/],
  ])('says what is wrong with: %s', (text, expected) => {
    expect(() => parseSsFilter(text)).toThrow(expected);
  });
});

describe('table', () => {
  const style: SsStyle = {
    numeric: true,
    timers: false,
    extended: false,
    memory: false,
    info: false,
    header: true,
    uid: 1000,
    portName: (port) => (port === 80 ? 'http' : null),
  };

  it('has the columns of ss', () => {
    expect(ssLines(inSsOrder(SOCKETS).slice(0, 4), style)).toMatchInlineSnapshot(`
      [
        "State    Recv-Q Send-Q Local Address:Port Peer Address:Port",
        "LISTEN   0      0                  *:80              *:*",
        "SYN-RECV 0      0         198.18.0.2:7        10.1.2.3:5002",
        "ESTAB    0      0         198.18.0.2:7      198.18.0.1:5001",
        "ESTAB    0      0         198.18.0.2:80     198.18.0.1:5000",
      ]
    `);
  });

  it('shows names of services, IPv6 in brackets, timers and half-closed connections', () => {
    const r = {
      ...record('fd74::2:80', 'fd74::1:5000', 'CLOSE-WAIT'),
      timer: { name: 'on' as const, inUs: 204_900, retries: 2 },
      shutdown: 1,
      memory: { received: 1, receiveBuffer: 2, queued: 3, sendBuffer: 4 },
    };
    expect(
      ssLines([r], { ...style, numeric: false, extended: true, memory: true, header: false }),
    ).toEqual([
      'CLOSE-WAIT 0 0 [fd74::2]:http [fd74::1]:5000 timer:(on,204ms,2) uid:1000 sk:1 -->',
      '\t skmem:(r1,rb2,t0,tb4,f0,w3,o0,bl0,d0)',
    ]);
  });

  it.each([
    [0, ''],
    [999, ''],
    [4000, '004ms'],
    [1_200_000, '1.200ms'],
    [15_900_000, '15sec'],
    [59_000_000, '59sec'],
    [61_500_000, '1min1sec'],
    [720_000_000, '12min'],
  ])('a timer of %i us is %s', (us, text) => {
    expect(timerText(us)).toBe(text);
  });
});
