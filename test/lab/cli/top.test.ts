/** What `tcplab top` shows, without a terminal. */
import { describe, expect, it } from 'vitest';
import { type Look, sorted, TopHistory } from '../../../src/lab/cli/top-data.js';
import { rateText, screenLines, sparkline } from '../../../src/lab/cli/top-screen.js';
import type { SocketRecord } from '../../../src/observe/socket-records.js';

const socket = (port: number, bytes: number, rtt: number, retrans = 0): SocketRecord =>
  ({
    state: 'ESTAB',
    recvQ: 0,
    sendQ: 3,
    local: { address: '198.18.0.2', port: 80 },
    peer: { address: '198.18.0.1', port },
    sk: port,
    info: {
      tcpi_bytes_received: 10,
      tcpi_bytes_acked: bytes,
      tcpi_rtt: rtt,
      tcpi_snd_cwnd: 10,
      tcpi_unacked: 1,
      tcpi_total_retrans: retrans,
    },
  }) as SocketRecord;
const listener = { ...socket(0, 0, 0), state: 'LISTEN', info: null } as SocketRecord;
const look = (time: number, sockets: SocketRecord[], segments: number): Look => ({
  time,
  sockets,
  counters: { TcpInSegs: segments, TcpOutSegs: 2 * segments },
});

describe('top', () => {
  const history = new TopHistory();
  history.add(look(1, [listener, socket(5000, 1000, 200)], 10));
  const data = history.add(
    look(3, [listener, socket(5000, 251_000, 200), socket(5001, 100, 30_000, 2)], 30),
  );

  it('makes rates of two looks; a new connection began at zero', () => {
    expect(data.rows.map((r) => [r.peer, r.inRate, r.outRate])).toEqual([
      ['198.18.0.1:5000', 0, 125_000],
      ['198.18.0.1:5001', 5, 50],
    ]);
    expect(data).toMatchObject({ outRate: 125_050, segmentsIn: 10, segmentsOut: 20 });
    expect(data.states).toEqual({ LISTEN: 1, ESTAB: 2 });
    expect(data.rows[0]!.history).toEqual([0, 125_000]);
  });

  it('sorts', () => {
    const ports = (by: Parameters<typeof sorted>[1]): string[] =>
      sorted(data.rows, by).map((r) => r.peer.slice(-4));
    expect(ports('rate')).toEqual(['5000', '5001']);
    expect(ports('rtt')).toEqual(['5001', '5000']);
    expect(ports('retrans')).toEqual(['5001', '5000']);
    expect(ports('address')).toEqual(['5000', '5001']);
  });

  const screen = (o = {}): string[] =>
    screenLines(data, {
      name: 'tcplab0',
      sort: 'rate',
      columns: 200,
      rows: 24,
      ascii: false,
      bold: (text) => text,
      keys: true,
      ...o,
    });

  it('draws a screen', () => {
    expect(screen()).toMatchInlineSnapshot(`
      [
        "tcplab top: tcplab0   connections: 2 ESTAB",
        "in 40bit/s   out 1.0Mbit/s   ▁█",
        "segments in 10/s   out 20/s   retransmitted 0/s   opened 0/s",
        "keys: q quit; sort by r rate, t RTT, c cwnd, x retransmissions, a address",
        "State  Local          Peer             In bit/s▾  Out bit/s▾     RTT  cwnd  Flight  Retr  Send-Q  Rate",
        "ESTAB  198.18.0.2:80  198.18.0.1:5000          0        1.0M  200 us    10       1     0       3          ▁█",
        "ESTAB  198.18.0.2:80  198.18.0.1:5001         40         400   30 ms    10       1     2       3           █",
      ]
    `);
  });

  it('fits the terminal, and needs no UTF-8', () => {
    expect(screen({ rows: 6 }).length).toBe(6);
    expect(screen({ columns: 40 }).every((line) => line.length <= 40)).toBe(true);
    expect(screen({ columns: 80 })[4]).toBe(
      'State  Peer             In bit/s▾  Out bit/s▾     RTT  cwnd  Retr  Rate',
    );
    expect(screen({ ascii: true }).join('')).toMatch(/^[\x20-\x7e]*$/);
  });

  it.each<[number[], string]>([
    [[], '    '],
    [[0, 0], '  ▁▁'],
    [[0, 1, 2, 4, 8], '▂▃▅█'],
  ])('a sparkline of %j is %j', (values, text) => {
    expect(sparkline(values, 4, false)).toBe(text);
  });

  it.each<[number, string]>([
    [0, '0'],
    [100, '800'],
    [124.9, '999'],
    [125, '1.0K'],
    [15_625, '125K'],
    [124_999, '1.0M'],
    [125e9, '1000G'],
  ])('%d bytes a second are %s bit/s', (bytes, text) => {
    expect(rateText(bytes)).toBe(text);
  });
});
