/**
 * The states of a connection and every transition that is allowed between them, as data (RFC 9293 section 3.3.2).
 * `Connection` refuses any other; docs/state-machine.md is drawn from this table, and a test compares the two.
 */
export const State = {
  closed: 0,
  listen: 1,
  synSent: 2,
  synReceived: 3,
  established: 4,
  finWait1: 5,
  finWait2: 6,
  closeWait: 7,
  closing: 8,
  lastAck: 9,
  timeWait: 10,
} as const;

export type State = (typeof State)[keyof typeof State];

/** The RFC's names, by number. */
export const STATE_NAMES = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

export interface Transition {
  readonly from: State;
  readonly to: State;
  /** What makes it happen: a user's call, a segment, a timer. */
  readonly on: string;
  /** What we send or do, or ''. */
  readonly does: string;
  /** RFC 9293, unless it names another. */
  readonly section: string;
}

const t = (from: State, to: State, on: string, does: string, section: string): Transition => ({
  from,
  to,
  on,
  does,
  section,
});

export const TRANSITIONS: readonly Transition[] = [
  t(State.closed, State.listen, 'passive OPEN', '', '3.10.1'),
  t(State.closed, State.synSent, 'active OPEN', 'send SYN', '3.10.1'),
  t(State.listen, State.synReceived, 'receive SYN', 'send SYN,ACK', '3.10.7.2'),
  t(State.listen, State.closed, 'CLOSE', '', '3.10.4'),
  t(State.synSent, State.synReceived, 'receive SYN without ACK', 'send SYN,ACK', '3.10.7.3'),
  t(State.synSent, State.established, 'receive SYN,ACK', 'send ACK', '3.10.7.3'),
  t(State.synSent, State.closed, 'CLOSE, RST, R2 or unreachable', '', '3.10.4, 3.10.7.3, 3.8.3'),
  t(State.synReceived, State.established, 'receive ACK of our SYN', '', '3.10.7.4'),
  t(State.synReceived, State.closed, 'RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.established, State.finWait1, 'CLOSE', 'send FIN', '3.10.4'),
  t(State.established, State.closeWait, 'receive FIN', 'send ACK', '3.10.7.4'),
  t(State.established, State.closed, 'RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.finWait1, State.finWait2, 'receive ACK of FIN', '', '3.10.7.4'),
  t(State.finWait1, State.closing, 'receive FIN', 'send ACK', '3.10.7.4'),
  t(State.finWait1, State.timeWait, 'receive FIN and ACK of FIN', 'send ACK', '3.10.7.4'),
  t(State.finWait1, State.closed, 'RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.finWait2, State.timeWait, 'receive FIN', 'send ACK', '3.10.7.4'),
  t(State.finWait2, State.closed, 'RST, ABORT or orphan timeout', '', '3.10.5, 3.10.7.4, Linux tcp_fin_timeout'),
  t(State.closeWait, State.lastAck, 'CLOSE', 'send FIN', '3.10.4'),
  t(State.closeWait, State.closed, 'RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.closing, State.timeWait, 'receive ACK of FIN', '', '3.10.7.4'),
  t(State.closing, State.closed, 'RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.lastAck, State.closed, 'receive ACK of FIN, RST, ABORT or R2', '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.timeWait, State.closed, '2 MSL timeout, RST or reuse', '', '3.10.8, RFC 6191'),
];

const allowed = new Uint16Array(STATE_NAMES.length);
for (const { from, to } of TRANSITIONS) allowed[from]! |= 1 << to;

export const isAllowed = (from: State, to: State): boolean => (allowed[from]! & (1 << to)) !== 0;

/** Both sides have each other's sequence numbers (RFC 9293 section 3.3.2: "synchronized states"). */
export const isSynchronized = (s: State): boolean => s >= State.established;
