/**
 * One line for each connection when it ends, which is what `serve` and `lab` print by default:
 *
 *     12.003142 198.18.0.1:51422 → 198.18.0.2:80  closed by the peer first, 1.2 s, in 74 bytes,
 *     out 2296 bytes
 */
import { bytesText, countText, durationText } from '../base/quantities.js';
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import type { Flow } from '../stack/flow.js';
import { isClose, type Cause } from '../tcp/causes.js';
import { State } from '../tcp/state.js';
import type { Tcb } from '../tcp/tcb.js';
import { causeText } from './cause-texts.js';
import { timeText } from './text.js';

/** How a connection ended. */
export type Ending =
  /** Both sides sent a FIN, and ours was acknowledged. */
  | 'closed'
  /** A RST. */
  | 'reset'
  /** The handshake did not end. */
  | 'not-opened'
  /** Everything else: the peer does not answer, the device is gone. */
  | 'failed';

/** Who closed first, or who reset; null if neither did. */
export type EndedBy = 'peer' | 'us' | 'both' | null;

export interface ConnectionSummary {
  readonly name: 'tcp:connection_ended';
  /** When it ended, in microseconds since the recorder's start. */
  readonly time: Micros;
  readonly data: {
    readonly local: string;
    readonly remote: string;
    /** The peer opened it. */
    readonly passive: boolean;
    readonly ending: Ending;
    readonly by: EndedBy;
    /** Why it left its last state. */
    readonly cause: Cause;
    /** The errno that the program got; null for none. */
    readonly error: string | null;
    /** Microseconds from the first SYN. */
    readonly duration: Micros;
    /** Payload, each byte once. */
    readonly bytesIn: Bytes;
    readonly bytesOut: Bytes;
    readonly retransmissions: number;
  };
}

const OPENING: ReadonlySet<State> = new Set([State.synSent, State.synReceived, State.listen]);

export function summaryOf(conn: Tcb, flow: Flow, start: Micros, now: Micros): ConnectionSummary {
  const { stats, rcv, leftState, cause } = conn;
  const { ending, by } = endingOf(leftState, conn.state, cause);
  const [local, remote] = flow.toString().split(' ');
  return {
    name: 'tcp:connection_ended',
    time: now - start,
    data: {
      local: local!,
      remote: remote!,
      passive: conn.passive,
      ending,
      by,
      cause,
      error: conn.error,
      duration: now - conn.openedAt,
      bytesIn: stats.bytesIn - (rcv.finReceived ? 1 : 0),
      bytesOut: stats.bytesSent,
      retransmissions: stats.retransmissions,
    },
  };
}

/** `left`: the state before the last one. */
function endingOf(left: State, state: State, cause: Cause): { ending: Ending; by: EndedBy } {
  if (state === State.timeWait)
    return { ending: 'closed', by: left === State.closing ? 'both' : 'us' };
  if (left === State.lastAck && cause === 'ack-of-fin') return { ending: 'closed', by: 'peer' };
  if (OPENING.has(left)) return { ending: 'not-opened', by: cause === 'rst' ? 'peer' : null };
  if (cause === 'rst') return { ending: 'reset', by: 'peer' };
  if (RESETS.has(cause) || isClose(cause)) return { ending: 'reset', by: 'us' };
  return { ending: 'failed', by: null };
}

/** Causes with which we send a RST, beside those of close(2). */
const RESETS: ReadonlySet<Cause> = new Set<Cause>([
  'abort',
  'disconnect',
  'data-after-close',
  'orphan-limit',
  'listener-closes',
  'stack-closes',
  'no-fin-wait-2',
  'lent-data-gone',
  'killed',
]);

export function summaryLine({ time, data: d }: ConnectionSummary): string {
  const [from, to] = d.passive ? [d.remote, d.local] : [d.local, d.remote];
  const parts = [
    endingText(d),
    durationText(d.duration),
    `in ${bytesText(d.bytesIn)}`,
    `out ${bytesText(d.bytesOut)}`,
  ];
  if (d.retransmissions > 0) parts.push(countText(d.retransmissions, 'retransmission'));
  return `${timeText(time)} ${from} → ${to}  ${parts.join(', ')}`;
}

function endingText({ ending, by, cause }: ConnectionSummary['data']): string {
  switch (ending) {
    case 'closed':
      if (by === 'both') return 'closed by both at once';
      return by === 'us' ? 'closed by us first' : 'closed by the peer first';
    case 'reset':
      return by === 'peer' ? 'reset by the peer' : `reset by us (${causeText(cause)})`;
    case 'not-opened':
      return by === 'peer' ? 'refused by the peer' : `not opened (${causeText(cause)})`;
    case 'failed':
      return `failed (${causeText(cause)})`;
  }
}
