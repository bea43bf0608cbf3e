/**
 * The sockets of a stack as plain data: a record for each listener, connection and row of
 * TIME-WAIT, with everything that `ss` shows. Times are in microseconds, sizes in bytes.
 */
import type { Micros } from '../base/time.js';
import { NEVER } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import type { Address } from '../ip/address.js';
import type { Stack } from '../stack/stack.js';
import type { TcpEntry } from '../stack/tcp/entry.js';
import type { Listener } from '../stack/tcp/listener.js';
import type { TimeWaitRow } from '../stack/tcp/time-wait-table.js';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import type { TcpInfo } from '../tcp/tcp-info.js';
import { Timer } from '../tcp/timers.js';

/** The states by the names that `ss` prints, in the order of the kernel's numbers. */
export const SS_STATES = [
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;
export type SsState = (typeof SS_STATES)[number];

const STATE_NAMES: Readonly<Record<State, SsState>> = {
  [State.established]: 'ESTAB',
  [State.synSent]: 'SYN-SENT',
  [State.synReceived]: 'SYN-RECV',
  [State.finWait1]: 'FIN-WAIT-1',
  [State.finWait2]: 'FIN-WAIT-2',
  [State.timeWait]: 'TIME-WAIT',
  [State.closed]: 'UNCONN',
  [State.closeWait]: 'CLOSE-WAIT',
  [State.lastAck]: 'LAST-ACK',
  [State.listen]: 'LISTEN',
  [State.closing]: 'CLOSING',
};

/** One end. Address `*`: any address of either family; port 0: any port. */
export interface EndData {
  readonly address: string;
  readonly port: number;
}

/** The ends of an event's `group_id`: `198.18.0.2:80 [fd00::1]:51422`. */
export function endsOf(group_id: string): { local: EndData; peer: EndData } {
  const [local, peer] = group_id.split(' ').map((text): EndData => {
    const colon = text.lastIndexOf(':');
    const address = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { address, port: Number(text.slice(colon + 1)) };
  });
  return { local: local!, peer: peer! };
}

/** The timer that is armed, by the names of `ss -o`. */
export interface TimerData {
  readonly name: 'on' | 'keepalive' | 'timewait' | 'persist';
  readonly inUs: Micros;
  /** Retransmissions, or probes without an answer. */
  readonly retries: number;
}

/** What `ss -m` shows, by the letters of its `skmem:(...)`. */
export interface MemoryData {
  /** `r`, `rb`: memory of received data, and its limit. */
  readonly received: Bytes;
  readonly receiveBuffer: Bytes;
  /** `w`, `tb`: memory of data to send, and its limit. */
  readonly queued: Bytes;
  readonly sendBuffer: Bytes;
}

export interface SocketRecord {
  readonly netid: 'tcp';
  readonly state: SsState;
  /** Unread bytes; of a listener, the connections in its accept queue. */
  readonly recvQ: number;
  /** Unacknowledged and unsent bytes; of a listener, its backlog. */
  readonly sendQ: number;
  readonly local: EndData;
  readonly peer: EndData;
  readonly timer: TimerData | null;
  /** A number that the process gives each socket: `sk` of `ss -e`. 0 in TIME-WAIT. */
  readonly sk: number;
  /** Directions that are shut: 1 receiving, 2 sending. */
  readonly shutdown: number;
  readonly memory: MemoryData | null;
  /** Name of the congestion control; null in TIME-WAIT. */
  readonly congestion: string | null;
  /** Null in TIME-WAIT, and of listeners. */
  readonly info: TcpInfo | null;
}

/** Numbers sockets in the order in which they are first shown. */
export class SocketNumbers {
  private readonly numbers = new WeakMap<object, number>();
  private last = 0;

  of(socket: object): number {
    let n = this.numbers.get(socket);
    if (n === undefined) this.numbers.set(socket, (n = ++this.last));
    return n;
  }
}

const ANY: EndData = { address: '*', port: 0 };

/** Listeners first, then connections, then TIME-WAIT. `detail` false leaves out `info`. */
export function* socketRecords(
  stack: Stack,
  now: Micros,
  numbers: SocketNumbers,
  detail = true,
): Generator<SocketRecord> {
  for (const l of stack.tcp.listeners) yield listenerRecord(l, numbers);
  for (const e of stack.tcp.connections.flows) yield connectionRecord(e, now, numbers, detail);
  for (const row of stack.tcp.timeWait) yield timeWaitRecord(row, now);
}

export function listenerRecord(l: Listener, numbers: SocketNumbers): SocketRecord {
  return {
    netid: 'tcp',
    state: 'LISTEN',
    recvQ: l.queue.establishedCount,
    sendQ: l.queue.backlog,
    local: { address: l.address === null ? '*' : l.address.toString(), port: l.port },
    peer: l.address === null ? ANY : { address: anyOf(l.address), port: 0 },
    timer: null,
    sk: numbers.of(l),
    shutdown: 0,
    memory: null,
    congestion: null,
    info: null,
  };
}

const anyOf = (address: Address): string => (address.version === 4 ? '0.0.0.0' : '::');

export function connectionRecord(
  e: TcpEntry,
  now: Micros,
  numbers: SocketNumbers,
  detail: boolean,
): SocketRecord {
  const { conn } = e;
  const { snd, rcv } = conn;
  // As in Linux, the SYN and the FIN count until they are acknowledged.
  const control = conn.state === State.synSent || (snd.finQueued && !snd.finAcked) ? 1 : 0;
  return {
    netid: 'tcp',
    state: STATE_NAMES[conn.state],
    recvQ: rcv.queue.length,
    sendQ: snd.buffer.length + control,
    local: endOf(e.local, e.localPort),
    peer: endOf(e.remote, e.remotePort),
    timer: timerOf(conn, now),
    sk: numbers.of(conn),
    shutdown: (rcv.finReceived ? 1 : 0) | (snd.finQueued ? 2 : 0),
    memory: {
      received: rcv.memory,
      receiveBuffer: conn.receiveBuffer,
      queued: snd.sent.memory + snd.buffer.memory,
      sendBuffer: conn.sendBuffer,
    },
    congestion: snd.congestion.name,
    info: detail ? conn.tcpInfo(now) : null,
  };
}

export function timeWaitRecord(row: TimeWaitRow, now: Micros): SocketRecord {
  return {
    netid: 'tcp',
    state: 'TIME-WAIT',
    recvQ: 0,
    sendQ: 0,
    local: endOf(row.local, row.localPort),
    peer: endOf(row.remote, row.remotePort),
    timer: { name: 'timewait', inUs: Math.max(0, row.deadline - now), retries: 0 },
    sk: 0,
    shutdown: 3,
    memory: null,
    congestion: null,
    info: null,
  };
}

const endOf = (address: Address, port: number): EndData => ({ address: address.toString(), port });

/** As the kernel's inet_diag: the first of them that is armed. Delayed ACKs are not shown. */
function timerOf(conn: Connection, now: Micros): TimerData | null {
  const { timers, snd } = conn;
  const left = (timer: Timer): Micros => Math.max(0, timers.deadline(timer) - now);
  for (const timer of [Timer.rto, Timer.tlp, Timer.reorder]) {
    if (timers.deadline(timer) !== NEVER)
      return { name: 'on', inUs: left(timer), retries: snd.timeouts + conn.synTries };
  }
  if (timers.isArmed(Timer.persist))
    return { name: 'persist', inUs: left(Timer.persist), retries: snd.probesUnanswered };
  if (timers.isArmed(Timer.finWait2))
    return { name: 'timewait', inUs: left(Timer.finWait2), retries: 0 };
  if (timers.isArmed(Timer.keepAlive))
    return { name: 'keepalive', inUs: left(Timer.keepAlive), retries: conn.keepAliveUnanswered };
  return null;
}
