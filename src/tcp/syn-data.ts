/**
 * The rules of Fast Open (RFC 7413) for the option and the data of a SYN, ours and the peer's. The
 * state is in fast-open.ts.
 */
import type { Micros } from '../base/time.js';
import { ABSENT, type Segment } from '../wire/tcp.js';
import { TcpEvent } from './events.js';
import { type FastOpen, FastOpenFailure } from './fast-open.js';
import { resendWithoutReduction } from './recovery/recovery.js';
import { peerIsKnown } from './path-mtu.js';
import type { Tcb } from './tcb.js';

/**
 * Adds the option to our first SYN or SYN,ACK, and data to a first SYN. Retransmissions have
 * neither.
 */
export function putIntoSyn(c: Tcb, f: FastOpen, seg: Segment): void {
  if (f.cookie !== null) {
    seg.cookieBytes = f.cookie.length;
    seg.cookieExperimental = f.experimental;
    seg.cookie.set(f.cookie);
  }
  if (c.passive) return;
  const { snd } = c;
  f.synData = Math.min(f.mostSynData, snd.buffer.length);
  if (f.synData === 0) return;
  seg.source = snd.buffer;
  seg.payloadBytes = f.synData;
}

/**
 * Passive Fast Open: the data of the SYN is delivered, and the answer may be sent before the
 * handshake ends.
 */
export function takeSynData(c: Tcb, syn: Segment, now: Micros): void {
  const { snd, rcv } = c;
  rcv.offerSynWindow(c.timestamps);
  rcv.dataAt = now;
  snd.lastSentAt = now;
  snd.syncMss();
  peerIsKnown(c, now);
  if (syn.payloadBytes > 0) {
    takeTextOfSyn(c, syn);
    c.observed?.note({ note: 'fast-open-taken', bytes: c.fastOpen!.takenSynData }, now);
  }
  snd.congestion.start(c.config.initialWindow, snd.mss, 0, now);
}

/**
 * Accepts the data of a SYN as far as the window allows. It does not count for delayed ACKs: the
 * next data is treated as the first.
 */
function takeTextOfSyn(c: Tcb, syn: Segment): void {
  const bytes = c.rcv.takeTextOfSyn(syn);
  c.fastOpen!.takenSynData = bytes;
  c.stats.bytesIn += bytes;
  c.raise(TcpEvent.readable);
}

/**
 * SYN-SENT: our SYN was answered, and SND.UNA is updated. Data that was not acknowledged is sent
 * again at once (section 4.2.1).
 */
export function synAnswered(c: Tcb, f: FastOpen, seg: Segment, now: Micros): void {
  const { sent } = c.snd;
  const isLeft = sent.length > 0;
  const asked = f.cookie !== null;
  const granted = asked && seg.cookieBytes > 0;
  const again = c.synTries > 0;
  f.synDataAcked = f.synData > 0 && !isLeft;
  f.memory?.learn(
    {
      mss: seg.mss === ABSENT ? 0 : seg.mss,
      cookie: granted ? seg.cookie.slice(0, seg.cookieBytes) : null,
      experimental: seg.cookieExperimental,
      synLost: again && asked && seg.cookieBytes === ABSENT && isLeft,
      notGranted: !again && asked && seg.cookieBytes === ABSENT && f.synData === 0,
    },
    now,
  );
  if (isLeft) {
    f.failure = again ? FastOpenFailure.synAgain : FastOpenFailure.notAcked;
    for (const record of sent) sent.markLost(record);
    resendWithoutReduction(c.snd, now);
    c.env.counters.TcpExtTCPFastOpenActiveFail++;
    c.observed?.note({ note: 'fast-open-refused', bytes: c.snd.flight }, now);
  } else if (f.synDataAcked) {
    c.env.counters.TcpExtTCPFastOpenActive++;
    c.snd.rate.delivered--; // as in Linux: SYN and data were one packet
  }
}
