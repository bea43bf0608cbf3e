/**
 * What `tcplab top` shows: rates are differences between two looks at the stack. Pure: the time and
 * the records come in.
 */
import type { Counts } from '../../observe/nstat.js';
import type { SocketRecord } from '../../observe/socket-records.js';

/** One look at the stack. */
export interface Look {
  /** Seconds, of any clock. */
  readonly time: number;
  readonly sockets: readonly SocketRecord[];
  readonly counters: Counts;
}

export interface TopRow {
  readonly local: string;
  readonly peer: string;
  readonly state: string;
  /** Payload bytes a second. */
  readonly inRate: number;
  readonly outRate: number;
  /** Microseconds; 0 before the first sample. */
  readonly rtt: number;
  readonly cwnd: number;
  /** Segments in flight. */
  readonly unacked: number;
  readonly retransmissions: number;
  readonly sendQ: number;
  readonly recvQ: number;
  /** Rates in both directions together, oldest first. */
  readonly history: readonly number[];
}

export interface TopData {
  readonly rows: readonly TopRow[];
  readonly states: Readonly<Record<string, number>>;
  /** A second: payload bytes of the connections that are there now; segments. */
  readonly inRate: number;
  readonly outRate: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly retransmissions: number;
  readonly opened: number;
  readonly history: readonly number[];
}

export const SORTS = ['rate', 'rtt', 'cwnd', 'retrans', 'address'] as const;
export type Sort = (typeof SORTS)[number];

/** Looks that a sparkline shows. */
const HISTORY = 20;

interface Memory {
  bytesIn: number;
  bytesOut: number;
  history: number[];
}

export class TopHistory {
  private last: Look | null = null;
  private memory = new Map<string, Memory>();
  private total: number[] = [];

  /** The first look has no rates. */
  add(look: Look): TopData {
    const { last } = this;
    const seconds = last === null ? 0 : look.time - last.time;
    const rate = (difference: number): number =>
      seconds > 0 ? Math.max(0, difference) / seconds : 0;
    const counted = (name: string): number =>
      rate((look.counters[name] ?? 0) - (last?.counters[name] ?? 0));
    const memory = new Map<string, Memory>();
    const rows: TopRow[] = [];
    const states: Record<string, number> = {};
    for (const s of look.sockets) {
      states[s.state] = (states[s.state] ?? 0) + 1;
      if (s.info === null) continue;
      const key = `${endText(s.local)} ${endText(s.peer)} ${s.sk}`;
      const before = this.memory.get(key);
      const [bytesIn, bytesOut] = [s.info.tcpi_bytes_received, s.info.tcpi_bytes_acked];
      // A connection that was opened since then began at zero.
      const inRate = rate(bytesIn - (before?.bytesIn ?? 0));
      const outRate = rate(bytesOut - (before?.bytesOut ?? 0));
      const history = [...(before?.history ?? []), inRate + outRate].slice(-HISTORY);
      memory.set(key, { bytesIn, bytesOut, history });
      rows.push({
        local: endText(s.local),
        peer: endText(s.peer),
        state: s.state,
        inRate,
        outRate,
        rtt: s.info.tcpi_rtt,
        cwnd: s.info.tcpi_snd_cwnd,
        unacked: s.info.tcpi_unacked,
        retransmissions: s.info.tcpi_total_retrans,
        sendQ: s.sendQ,
        recvQ: s.recvQ,
        history,
      });
    }
    this.memory = memory;
    this.last = look;
    const sum = (of: (row: TopRow) => number): number => rows.reduce((n, row) => n + of(row), 0);
    const [inRate, outRate] = [sum((r) => r.inRate), sum((r) => r.outRate)];
    this.total = [...this.total, inRate + outRate].slice(-HISTORY);
    return {
      rows,
      states,
      inRate,
      outRate,
      segmentsIn: counted('TcpInSegs'),
      segmentsOut: counted('TcpOutSegs'),
      retransmissions: counted('TcpRetransSegs'),
      opened: counted('TcpPassiveOpens') + counted('TcpActiveOpens'),
      history: this.total,
    };
  }
}

const KEYS: Readonly<Record<Exclude<Sort, 'address'>, (row: TopRow) => number>> = {
  rate: (r) => r.inRate + r.outRate,
  rtt: (r) => r.rtt,
  cwnd: (r) => r.cwnd,
  retrans: (r) => r.retransmissions,
};

/** The largest first; addresses ascend. */
export function sorted(rows: readonly TopRow[], by: Sort): TopRow[] {
  const text = (r: TopRow): string => `${r.peer} ${r.local}`;
  const byText = (a: TopRow, b: TopRow): number =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
  if (by === 'address') return [...rows].sort(byText);
  const key = KEYS[by];
  return [...rows].sort((a, b) => key(b) - key(a) || byText(a, b));
}

const endText = ({ address, port }: { address: string; port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
