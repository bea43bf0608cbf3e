/**
 * A sentence for each single event: notes, timers, faults of the link. An empty list means that the
 * event needs no line.
 */
import { bytesText, durationText } from '../base/quantities.js';
import type { Micros } from '../base/time.js';
import { dropText } from './drop-texts.js';
import type { MtuCause, Note } from '../tcp/notes.js';
import type { LinkEvent } from './events.js';

export function timerSetText(timer: string, inUs: Micros): string[] {
  const span = durationText(inUs);
  switch (timer) {
    case 'delayed-ack':
      return [`ACK delayed for up to ${span}: a reply may carry it (RFC 9293 3.8.6.3)`];
    case 'persist':
      return [`the peer's window is closed: probe timer armed, ${span} (RFC 9293 3.8.6.1)`];
    case 'keep-alive':
      return [`keep-alive timer armed: ${span} (RFC 9293 3.8.4)`];
    case 'tlp':
      return [`loss probe timer armed: ${span} (tail loss probe, RFC 8985 7.2)`];
    case 'reorder':
      return [
        `reordering timer armed: missing segments may still arrive for ${span} (RFC 8985 6.2)`,
      ];
    case 'pacing':
      return [`paced: the next segment goes out in ${span}`];
    default:
      return [
        `FIN-WAIT-2 timer armed: ${span}, because the socket is closed (Linux's tcp_fin_timeout)`,
      ];
  }
}

export function timerExpiredText(timer: string): string[] {
  switch (timer) {
    case 'rto':
      return ['the retransmission timer expired: no ACK came in time (RFC 6298 5.4)'];
    case 'persist':
      return ['the probe timer expired'];
    case 'fin-wait-2':
      return ["the peer's FIN did not arrive in time"];
    default:
      return []; // the segment's own text says it
  }
}

const MTU_BECAUSE: Readonly<Record<MtuCause, string>> = {
  icmp:
    'because ICMP says that a larger packet was too big for a link on the path (RFC 1191, ' +
    'RFC 8201)',
  plateau:
    'because ICMP says that a packet was too big but does not give the limit: the next smaller ' +
    'common MTU is tried (RFC 1191 7.1)',
  aged: 'because the last ICMP error is ten minutes old: the path may have changed (RFC 1191 6.3)',
  'black-hole':
    'because of repeated timeouts: larger packets and their ICMP errors may be lost (a black ' +
    'hole, RFC 4821 7.7)',
  probe: 'because a probe of that size arrived (RFC 4821 7.6.1)',
};

/** Notes about loss recovery and the congestion window are in window-texts.ts. */
export function noteText(n: Note): string[] {
  switch (n.note) {
    case 'iss-chosen':
      return [
        `our initial sequence number is ${n.iss}: a 4 us clock plus a keyed hash of addresses ` +
          'and ports (RFC 6528)',
      ];
    case 'syn-cookie':
      return [
        `the ACK returns a valid SYN cookie, ${n.cookie}: the connection is created now, with an ` +
          `MSS of ${n.mss} bytes (RFC 4987 3.6)`,
      ];
    case 'options-agreed': {
      const scales = n.windowScaling
        ? `window scale: theirs ${n.sndWscale}, ours ${n.rcvWscale}`
        : 'no window scaling';
      return [
        `options agreed: at most ${bytesText(n.mss)} a segment to the peer, ${scales} ` +
          '(RFC 9293 3.7.1, RFC 7323)',
      ];
    }
    case 'rtt-sample':
      return [`RTT sample: ${durationText(n.rtt)}; RTO is now ${durationText(n.rto)} (RFC 6298 2)`];
    case 'ack-throttled':
      return ['no ACK is sent: one was sent for such a segment less than 500 ms ago (RFC 5961 7)'];
    case 'duplicate-ack-owed':
      return ['out of order: earlier data is missing'];
    case 'window-closed':
      return ['our receive buffer is full: window 0, the peer must wait (RFC 9293 3.8.6)'];
    case 'window-opened':
      return [`our receive buffer has room again: window ${bytesText(n.window)} (RFC 9293 3.8.6)`];
    case 'zero-window-probe':
      return [
        `probe ${n.probe}: the peer's window is zero and ` +
          (n.unsent === 0 ? 'our FIN waits' : waitText(n.unsent)),
      ];
    case 'ecn-marked':
      return [
        'a router marked it (CE) instead of dropping it: our ACKs carry ECE until CWR ' +
          'arrives (RFC 3168 6.1.3)',
      ];
    case 'ecn-answered':
      return ['CWR: the sender has slowed down, so our ACKs no longer carry ECE (RFC 3168 6.1.3)'];
    case 'urgent':
      return [
        `URG: the last urgent byte is ${bytesText(n.bytes)} ahead of the reader, which ` +
          'is notified at once (RFC 9293 3.8.5, RFC 6093)',
      ];
    case 'fast-open-taken':
      return [
        `the cookie is valid: the application gets ${bytesText(n.bytes)} of data before the ` +
          'handshake ends (RFC 7413 4.2.2)',
      ];
    case 'fast-open-refused':
      return [
        `the server did not accept ${bytesText(n.bytes)} of data in our SYN: it is sent ` +
          'again at once (Fast Open, RFC 7413 4.2.1)',
      ];
    case 'nagle-hold':
      return [
        `${waitText(n.unsent)} for more data, or for the ACK of the last small ` +
          'segment (Nagle, RFC 9293 3.7.4)',
      ];
    case 'cork-hold':
      return [`${waitText(n.unsent)} for more data, as the application asked (TCP_CORK, MSG_MORE)`];
    case 'path-mtu':
      return [`the path MTU is now ${n.mtu}, ${MTU_BECAUSE[n.cause]}`];
    case 'mtu-probe':
      return [
        `path MTU probe: a packet of ${bytesText(n.mtu)}, larger than the others (RFC ` +
          '4821 7.3)',
      ];
    case 'mtu-probe-lost':
      return [
        `only the path MTU probe of ${bytesText(n.mtu)} was lost: it was too large, and ` +
          `nothing above ${n.high} is tried (RFC 4821 7.6.2)`,
      ];
    case 'soft-error':
      return [
        `ICMP type ${n.type} code ${n.code}: a soft error, the connection goes on (RFC 5461)`,
      ];
    case 'challenge-ack': // the ACK's own text says it
    case 'cwnd': // these are in window-texts.ts
    case 'ca-state':
    case 'fast-retransmit':
    case 'loss-probe':
    case 'undo':
    case 'recovery-exit':
    case 'rto-retransmit':
    case 'ecn-reduced':
      return [];
    default:
      return n satisfies never;
  }
}

/** `1 byte waits`, `3 bytes wait`. */
const waitText = (bytes: number): string => `${bytesText(bytes)} ${bytes === 1 ? 'waits' : 'wait'}`;

/**
 * `dropped on the link on purpose (drop rule): syn-ack:2`. For part of a super-segment it adds
 * which bytes.
 */
export function linkText({ name, data }: LinkEvent, sentBytes: number): string {
  const rule = data.detail === '' ? '' : `: ${data.detail}`;
  const what =
    name === 'link:altered'
      ? `${data.what} on the link on purpose`
      : `${dropText(data.what)}${rule}`;
  const part = data.segment;
  if (part === null || part.length >= sentBytes) return what;
  return `${what} (bytes ${part.relSeq} to ${part.relSeq + part.length} of it)`;
}
