/**
 * Start of a connection: OPEN (RFC 9293 sections 3.10.1 and 3.10.7.2), a SYN cookie, and the peer's
 * SYN with its options.
 */
import { seqAdd } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Segment } from '../wire/tcp.js';
import { agreeOnEcn } from './ecn.js';
import { startProbing } from './send/mtu-probe.js';
import { State } from './state.js';
import { takeSynData } from './syn-data.js';
import type { Tcb } from './tcb.js';

/** Active OPEN (RFC 9293 section 3.10.1). */
export function openActive(c: Tcb, now: Micros): void {
  open(c, now);
  c.env.counters.TcpActiveOpens++;
  c.setState(State.synSent, 'active-open', now);
}

/** Opens the connection for a SYN that reached a listener (RFC 9293 section 3.10.7.2). */
export function openPassive(c: Tcb, syn: Segment, now: Micros): void {
  c.passive = true;
  c.state = State.listen;
  open(c, now);
  peerSyn(c, syn, now);
  c.snd.updateWindow(syn.seq, c.snd.una, syn.wnd);
  c.setState(State.synReceived, 'syn', now);
  if (c.fastOpen?.accepted === true) takeSynData(c, syn, now);
  c.stats.segmentArrived(syn);
  c.lastReceivedAt = now;
}

/**
 * Opens the connection for an ACK that returns a SYN cookie. No state was kept after the SYN,ACK,
 * so this restores it; `ack` is processed next. `syn` is the peer's SYN as reconstructed from the
 * cookie.
 */
export function openFromCookie(c: Tcb, syn: Segment, ack: Segment, now: Micros): void {
  c.env.observer?.segmentArrived(c, ack, now);
  c.passive = true;
  c.state = State.listen;
  c.openedAt = now;
  c.observed?.note({ note: 'syn-cookie', cookie: c.iss >>> 0, mss: syn.mss }, now);
  peerSyn(c, syn, now);
  c.rcv.offerSynWindow(c.timestamps);
  // No round-trip sample: the time of the SYN,ACK is unknown, and the echoed timestamp encoded
  // options instead of the time.
  c.snd.nxt = seqAdd(c.iss, 1);
  ack.tsEcr = 0;
  c.setState(State.synReceived, 'syn-cookie', now);
  c.stats.segsIn++; // the SYN
  c.stats.segmentArrived(ack);
}

function open(c: Tcb, now: Micros): void {
  c.openedAt = now;
  c.lastReceivedAt = now;
  c.owed.syn = true;
  c.observed?.note({ note: 'iss-chosen', iss: c.iss >>> 0 }, now);
}

/** Takes IRS and the options from the peer's SYN. Options that it does not offer are turned off. */
export function peerSyn(c: Tcb, syn: Segment, now: Micros): void {
  c.snd.timestamps &&= syn.hasTimestamps;
  c.snd.sack &&= syn.sackPermitted;
  c.windowScaling &&= syn.wscale >= 0;
  c.rcv.start(syn.seq, c.timestamps, c.windowScaling, now);
  agreeOnEcn(c, syn);
  if (c.timestamps) {
    c.rcv.tsRecent = syn.tsVal;
    c.rcv.tsRecentAt = now;
  }
  if (c.windowScaling) {
    c.snd.wscale = Math.min(syn.wscale, 14); // RFC 7323 section 2.3
  }
  c.peerMss = syn.mss >= 0 ? syn.mss : c.defaultMss;
  // MUST-16 and RFC 6691: the MSS does not include options, so the option bytes of each segment are
  // subtracted from it.
  c.size.mostMss = c.mostMss(c.peerMss);
  c.size.optionBytes = c.timestamps ? 12 : 0;
  if (!c.passive) startProbing(c.snd, now);
  c.snd.syncMss();
  c.rcv.ack.guessMss(c.snd.mss, c.rcv.window.space);
  c.observed?.note(
    {
      note: 'options-agreed',
      mss: c.snd.mss,
      windowScaling: c.windowScaling,
      sndWscale: c.snd.wscale,
      rcvWscale: c.rcv.wscale,
    },
    now,
  );
}
