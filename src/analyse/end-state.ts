/**
 * The states of both ends (RFC 9293 section 3.3.2), as far as a passive reader can know. A segment
 * proves what its sender has done and has received. What it does to its receiver is only known
 * from the receiver's next segment; until then the receiver keeps its state.
 */
import { seqGeq } from '../base/seq.js';
import { TcpFlag } from '../wire/tcp.js';
import type { Direction } from './direction.js';

/** `unknown`: the capture began later than the connection. */
export const END_STATES = [
  'unknown',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
  'CLOSED',
] as const;
export type EndStateName = (typeof END_STATES)[number];

const S = {
  unknown: 0,
  synSent: 1,
  synReceived: 2,
  established: 3,
  finWait1: 4,
  finWait2: 5,
  closeWait: 6,
  closing: 7,
  lastAck: 8,
  timeWait: 9,
  closed: 10,
} as const;

const { SYN, ACK, FIN, RST } = TcpFlag;

export class EndState {
  /** Of A and of B: indexes of END_STATES. */
  private readonly now = new Uint8Array(2);

  of(end: 0 | 1): EndStateName {
    return END_STATES[this.now[end]!]!;
  }

  /** `from` sent a segment. `own` is its direction, `peer` the other one. */
  sent(from: 0 | 1, flags: number, ack: number, own: Direction, peer: Direction): void {
    const { now } = this;
    const to = from ^ 1;
    if ((flags & RST) !== 0) {
      now[0] = now[1] = S.closed;
      return;
    }
    if ((flags & SYN) !== 0) {
      now[from] = (flags & ACK) === 0 ? S.synSent : S.synReceived;
      // An unanswered SYN says nothing about its receiver.
      if (now[to] === S.unknown && (flags & ACK) !== 0) now[to] = S.synSent;
      return;
    }
    if (now[from] === S.unknown || now[from] === S.synSent) now[from] = S.established;
    if ((flags & ACK) !== 0) {
      // The peer's FIN has arrived, because this segment acknowledges it.
      if (peer.finFrame !== 0 && seqGeq(ack, peer.finEnd)) this.finArrived(from);
      if (now[to] === S.synReceived || now[to] === S.unknown) now[to] = S.established;
      // Of the peer it is assumed that the acknowledgement of its FIN arrives.
      if (peer.finFrame !== 0 && seqGeq(ack, peer.finEnd)) this.finAcknowledged(to as 0 | 1);
    }
    if ((flags & FIN) !== 0) this.finSent(from);
    if (own.finFrame !== 0 && now[from] === S.synReceived) now[from] = S.finWait1;
  }

  private finArrived(end: 0 | 1): void {
    const { now } = this;
    const state = now[end];
    if (state === S.established || state === S.synReceived) now[end] = S.closeWait;
    else if (state === S.finWait1) now[end] = S.closing;
    else if (state === S.finWait2) now[end] = S.timeWait;
  }

  private finAcknowledged(end: 0 | 1): void {
    const { now } = this;
    const state = now[end];
    if (state === S.finWait1) now[end] = S.finWait2;
    else if (state === S.closing) now[end] = S.timeWait;
    else if (state === S.lastAck) now[end] = S.closed;
  }

  private finSent(end: 0 | 1): void {
    const { now } = this;
    const state = now[end];
    if (state === S.established || state === S.synReceived) now[end] = S.finWait1;
    else if (state === S.closeWait) now[end] = S.lastAck;
  }
}
