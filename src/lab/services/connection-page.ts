/**
 * Shows a client its own connection as our stack sees it: as text for curl, as a page for a
 * browser, as JSON for a program.
 */
import type { IncomingMessage } from 'node:http';
import { bytesText, durationText, segmentsText } from '../../base/quantities.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { TcpSnapshot } from '../../tcp/snapshot.js';
import type { TcpInfo } from '../../tcp/tcp-info.js';
import type { Socket } from '../../node/socket.js';

/** Name, value and meaning. */
type Row = readonly [name: string, value: string, meaning: string];

/** cwnd and ssthresh count segments, as in Linux and RFC 9438. */
const segmentsOr = (n: Segments, unlimited: string): string =>
  Number.isFinite(n) ? segmentsText(n) : unlimited;

export interface ConnectionView {
  readonly local: string;
  readonly remote: string;
  readonly snapshot: TcpSnapshot;
  /** The connection as Linux's struct tcp_info. */
  readonly tcpInfo: TcpInfo;
}

export function viewOf(socket: Socket, now: Micros): ConnectionView {
  const place = (address = '', port = 0): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return {
    local: place(socket.localAddress, socket.localPort),
    remote: place(socket.remoteAddress, socket.remotePort),
    snapshot: socket.conn!.snapshot(now),
    tcpInfo: socket.conn!.tcpInfo(now),
  };
}

function rows({ local, remote, snapshot: s }: ConnectionView): Row[] {
  const { snd, rcv, options, congestion, rtt, stats } = s;
  return [
    ['you', remote, 'the address and port of your end'],
    ['us', local, 'this stack, in a user process behind a TUN device'],
    ['state', s.state, 'of our side (RFC 9293 section 3.3.2)'],
    ['your ISN', String(rcv.irs), 'IRS: the sequence number of your SYN'],
    [
      'our ISN',
      String(snd.iss),
      'ISS: a 4 us clock plus a keyed hash of the addresses and ports (RFC 6528), or a SYN ' +
        'cookie (RFC 4987)',
    ],
    ['your MSS', bytesText(options.peerMss), 'the largest payload that you accept in one segment'],
    [
      'our MSS',
      bytesText(options.advertisedMss),
      `as announced; without the option bytes, we send at most ${bytesText(snd.mss)} in a segment`,
    ],
    [
      'window scale',
      options.windowScaling ? `you ${snd.wscale}, we ${rcv.wscale}` : 'off',
      'each window field is shifted left by this many bits (RFC 7323)',
    ],
    ['SACK', options.sack ? 'permitted' : 'off', 'selective acknowledgments (RFC 2018)'],
    [
      'timestamps',
      options.timestamps ? 'on' : 'off',
      'in every segment, to reject old duplicates and to measure round trips (RFC 7323)',
    ],
    ...roundTrip(rtt),
    [
      'cwnd',
      segmentsOr(congestion.cwnd, 'no limit'),
      `congestion window (${congestion.name}): the most that may be in flight`,
    ],
    ['ssthresh', segmentsOr(congestion.ssthresh, 'not set'), 'slow start ends here (RFC 5681)'],
    ['your window', bytesText(snd.wnd), 'SND.WND: what you can receive'],
    ['our window', bytesText(rcv.wnd), 'RCV.WND: what we can receive'],
    ['in flight', bytesText(snd.flight), 'sent and not yet acknowledged'],
    ['received', `${bytesText(stats.bytesIn)} in ${segmentsText(stats.segsIn)}`, 'from you'],
    [
      'sent',
      `${bytesText(stats.bytesSent)} in ${segmentsText(stats.segsOut)}`,
      'to you, before this answer',
    ],
    ['retransmitted', segmentsText(stats.retransmissions), 'sent more than once'],
  ];
}

function roundTrip({ srtt, rttvar, minRtt, rto }: TcpSnapshot['rtt']): Row[] {
  const smoothed: Row =
    srtt === 0
      ? ['SRTT', 'not measured yet', 'smoothed round-trip time: no ACK has come yet']
      : [
          'SRTT',
          durationText(srtt),
          `smoothed round-trip time, +- ${durationText(rttvar)}; the shortest was ` +
            `${durationText(minRtt)}`,
        ];
  return [
    smoothed,
    ['RTO', durationText(rto), 'after this time without an ACK we retransmit (RFC 6298)'],
  ];
}

export function asText(view: ConnectionView): string {
  const table = rows(view).map(
    ([name, value, meaning]) => `${name.padEnd(13)} ${value.padEnd(38)} ${meaning}`,
  );
  return [
    'Your connection as the tcplab stack at this end sees it:',
    '',
    ...table.map((line) => line.trimEnd()),
    '',
    'Also here: /bytes/N  /slow  /reset  PUT /upload  /?format=json',
    '',
  ].join('\n');
}

/** The units of the numbers in `snapshot`. An absent limit is null. */
const UNITS = {
  sizes: 'bytes',
  times: 'microseconds',
  congestion: 'segments; pacingRate: bytes a second',
  tcpInfo: 'as in struct tcp_info of Linux (linux/tcp.h)',
} as const;

export function asJson(view: ConnectionView): string {
  const finite = (_key: string, value: unknown): unknown => (value === Infinity ? null : value);
  return `${JSON.stringify({ ...view, units: UNITS }, finite, 2)}\n`;
}

export function asPage(view: ConnectionView): string {
  const cells = rows(view)
    .map(
      ([name, value, meaning]) =>
        '<tr><th ' +
        `scope="row">${escape(name)}</th><td>${escape(value)}</td><td>${escape(meaning)}</td></tr>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your TCP connection</title>
<style>
  body {
    font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem;
    color: #1a2733; background: #fff
  }
  table { border-collapse: collapse; width: 100% }
  th, td {
    text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #d5dde3;
    vertical-align: top
  }
  td:nth-child(2) { font-family: ui-monospace, monospace; white-space: nowrap }
  td:nth-child(3) { color: #53636f }
  a { color: #0b5cad }
  @media (prefers-color-scheme: dark) {
    body { color: #dfe7ec; background: #11181d }
    th, td { border-color: #2c3a44 }
    td:nth-child(3) { color: #93a4b0 }
    a { color: #7fb8f0 }
  }
</style>
<h1>Your connection, as this end sees it</h1>
<p>This page came from tcplab, a TCP/IP stack in TypeScript.
The table shows the control block of its end of your connection.</p>
<table>
${cells}
</table>
<p>Also here: <a href="/?format=json">this as JSON</a>,
<a href="/bytes/1000000">a million bytes</a>,
<a href="/slow">a slow answer</a>, <a href="/reset">a reset</a>.</p>
</html>
`;
}

/**
 * The form that the client wants: by `?format=`, else by the Accept header. curl accepts everything
 * and gets text.
 */
export function formOf(request: IncomingMessage, format: string | null): 'text' | 'json' | 'html' {
  if (format === 'json' || format === 'html' || format === 'text') return format;
  const accept = request.headers.accept ?? '';
  if (accept.includes('text/html')) return 'html';
  return accept.includes('application/json') ? 'json' : 'text';
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
