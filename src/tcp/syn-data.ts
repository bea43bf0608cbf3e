/**
 * Fast Open's rules (RFC 7413): the option and the data of a SYN, ours and the peer's. What is
 * remembered is fast-open.ts.
 */
import type { Micros } from '../base/time.js';
import { ABSENT, type Segment } from '../wire/tcp.js';
import { TcpEvent } from './events.js';
import { type FastOpen, FastOpenFailure } from './fast-open.js';
import { resendWithoutReduction } from './recovery/recovery.js';
import { peerIsKnown } from './path-mtu.js';
import type { Tcb } from './tcb.js';

/**
 * Puts the option on our first SYN or SYN,ACK, and data into a SYN. One that is sent again has
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
 * A listener took a SYN with data: it is delivered, and the answer need not wait for the
 * handshake's end.
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
 * The data of a SYN or SYN,ACK, which the window may not have room for at the end. It tells nothing
 * of how the peer sends: when the next data is acknowledged is decided as if that were the first.
 */
function takeTextOfSyn(c: Tcb, syn: Segment): void {
  const bytes = c.rcv.takeTextOfSyn(syn);
  c.fastOpen!.takenSynData = bytes;
  c.stats.bytesIn += bytes;
  c.raise(TcpEvent.readable);
}

/**
 * In SYN-SENT an answer to our SYN came, and SND.UNA is where it says. What it did not acknowledge
 * goes out again at once (section 4.2.1).
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
    c.snd.rate.delivered--; // as Linux: SYN and data were one packet
  }
}
