/**
 * The states of a connection and every transition between them, with its causes, as data (RFC 9293
 * section 3.3.2). `Tcb.setState` refuses any other; docs/state-machine.md is drawn from this table,
 * and a test reaches every cause of every row.
 */
import { ENDS, type Cause } from './causes.js';

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
  readonly causes: readonly Cause[];
  /** The segment that is sent, or ''. */
  readonly does: string;
  /** Section of RFC 9293, unless another document is named. */
  readonly section: string;
}

const t = (
  from: State,
  to: State,
  causes: readonly Cause[],
  does: string,
  section: string,
): Transition => ({
  from,
  to,
  causes,
  does,
  section,
});

/** Our data or FIN may be unsent or unacknowledged. */
const SENDING_ENDS: readonly Cause[] = [
  'data-timeout',
  'window-timeout',
  'probes-unanswered',
  'lent-data-gone',
];
/** Our user has not closed. The connection may also still belong to its listener. */
const OPEN_ENDS: readonly Cause[] = [
  'listener-closes',
  'close-unread',
  'keep-alive-unanswered',
  ...SENDING_ENDS,
  ...ENDS,
];
/** Our user has closed, and our FIN is not acknowledged. */
const CLOSING_ENDS: readonly Cause[] = [
  'orphan-limit',
  'close-unread',
  'keep-alive-unanswered',
  ...SENDING_ENDS,
  ...ENDS,
];

/**
 * FIN-WAIT-1 never leads directly to TIME-WAIT: the ACK of our FIN is processed before the peer's
 * FIN in the same segment. An orphan is never in ESTABLISHED or CLOSE-WAIT, because CLOSE leaves
 * both, so the causes that end only orphans are missing there. In FIN-WAIT-2 none of our data is in
 * flight. A connection in TIME-WAIT is not yet in the stack's table, or no longer kept in it:
 * segments and timers do not reach it.
 */
export const TRANSITIONS: readonly Transition[] = [
  t(State.closed, State.synSent, ['active-open'], 'send SYN', '3.10.1'),
  t(State.listen, State.synReceived, ['syn', 'syn-cookie'], 'send SYN,ACK', '3.10.7.2'),
  t(State.synSent, State.synReceived, ['simultaneous-syn'], 'send SYN,ACK', '3.10.7.3'),
  t(State.synSent, State.established, ['syn-ack'], 'send ACK', '3.10.7.3'),
  t(
    State.synSent,
    State.closed,
    ['close', 'syn-timeout', 'icmp-error', 'lent-data-gone', ...ENDS],
    '',
    '3.10.4, 3.10.7.3, 3.8.3',
  ),
  t(State.synReceived, State.established, ['ack-of-syn'], '', '3.10.7.4'),
  t(
    State.synReceived,
    State.closed,
    [
      'syn-timeout',
      'icmp-error',
      'syn-in-syn-received',
      'listener-closes',
      'close-unread',
      'lent-data-gone',
      ...ENDS,
    ],
    '',
    '3.10.5, 3.10.7.4, 3.8.3',
  ),
  t(State.established, State.finWait1, ['close'], 'send FIN', '3.10.4'),
  t(State.established, State.closeWait, ['fin'], 'send ACK', '3.10.7.4'),
  t(State.established, State.closed, OPEN_ENDS, '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.finWait1, State.finWait2, ['ack-of-fin'], '', '3.10.7.4'),
  t(State.finWait1, State.closing, ['fin'], 'send ACK', '3.10.7.4'),
  t(
    State.finWait1,
    State.closed,
    ['data-after-close', ...CLOSING_ENDS],
    '',
    '3.10.5, 3.10.7.4, 3.8.3',
  ),
  t(State.finWait2, State.timeWait, ['fin'], 'send ACK', '3.10.7.4'),
  t(
    State.finWait2,
    State.closed,
    [
      'fin-wait-2-timeout',
      'no-fin-wait-2',
      'data-after-close',
      'close-unread',
      'keep-alive-unanswered',
      ...ENDS,
    ],
    '',
    '3.10.5, 3.10.7.4, Linux tcp_fin_timeout',
  ),
  t(State.closeWait, State.lastAck, ['close'], 'send FIN', '3.10.4'),
  t(State.closeWait, State.closed, OPEN_ENDS, '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.closing, State.timeWait, ['ack-of-fin'], '', '3.10.7.4'),
  t(State.closing, State.closed, CLOSING_ENDS, '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(State.lastAck, State.closed, ['ack-of-fin', ...CLOSING_ENDS], '', '3.10.5, 3.10.7.4, 3.8.3'),
  t(
    State.timeWait,
    State.closed,
    ['abort', 'disconnect', 'stack-closes', 'device-gone'],
    '',
    '3.10.5',
  ),
];

/** By `from * STATE_NAMES.length + to`. */
const allowed: (ReadonlySet<Cause> | undefined)[] = [];
for (const { from, to, causes } of TRANSITIONS)
  allowed[from * STATE_NAMES.length + to] = new Set(causes);

export const isAllowed = (from: State, to: State, cause: Cause): boolean =>
  allowed[from * STATE_NAMES.length + to]?.has(cause) === true;

/**
 * Both sides know each other's sequence numbers (RFC 9293 section 3.3.2: "synchronized states").
 */
export const isSynchronized = (s: State): boolean => s >= State.established;
