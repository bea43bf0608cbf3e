/**
 * Packetization layer path MTU discovery (RFC 4821, RFC 8899), for paths on which the ICMP errors
 * get lost: TCP finds out by itself what arrives, by sending a segment that is larger than the
 * others.
 *
 *     low ──────────────── probe ──────────────── high
 *      known to arrive       acknowledged: low = probe, and segments become as large
 *                            lost: high = probe - 1, and no congestion is to blame
 *
 * Rules and figures are Linux's (tcp_mtu_probing): 1 searches only once a black hole is suspected,
 * 2 always. Until then, and when even `low` does not arrive, timeouts tell (`suspectBlackHole`).
 */
import { seqAdd, seqDiff, seqGt, seqLt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import { CaState } from '../congestion/ack-sample.js';
import { mtuProbeLost, mtuProbeSent, packetsGrow } from '../congestion/window.js';
import type { Sender } from './sender.js';
import { TCP_MIN_SND_MSS } from '../limits.js';

/**
 * So many segments must fit into cwnd: a probe stands for two, and fast retransmit needs some
 * behind it.
 */
const LEAST_CWND = 11;

/** The peer's SYN says what it takes: where a search would begin. */
export function startProbing(snd: Sender, now: Micros): void {
  const { size, config } = snd;
  size.probing = config.mtuProbing > 1;
  size.high = Math.min(size.mostMtu, size.mtu);
  size.low = size.mtuOf(config.baseMss);
  size.probeSize = 0;
  size.probedAt = now;
}

/**
 * How much payload a probe shall have now: 0 for no probe, -1 when the rest is to wait for one. Not
 * while SACK blocks go along: they would make it larger.
 */
export function probeBytes(snd: Sender, now: Micros): number {
  const { size, config } = snd;
  const { congestion, sent } = snd;
  if (
    !size.probing ||
    size.probeSize > 0 ||
    snd.recovery.state !== CaState.open ||
    congestion.cwnd < LEAST_CWND
  )
    return 0;
  const probe = size.mssOf((size.high + size.low) >> 1);
  if (
    probe > size.mssOf(size.high) ||
    size.high - size.low < Math.max(1, config.mtuProbeThreshold)
  ) {
    searchAgain(snd, now);
    return 0;
  }
  // Behind it goes what it takes to tell by duplicate ACKs that it was lost.
  const needed = probe + (snd.recovery.reordering + 1) * snd.mss;
  if (snd.unsent < needed || snd.wnd < needed || snd.unsentOfRecord < probe) return 0;
  if (snd.usableWindow < needed) return -1;
  if (sent.inFlight + 2 > congestion.cwnd) return sent.inFlight === 0 ? 0 : -1;
  return probe;
}

/** Paths change: after tcp_probe_interval all is open again above what arrives now. */
function searchAgain(snd: Sender, now: Micros): void {
  const { size } = snd;
  if (now - size.probedAt < snd.config.mtuProbeInterval) return;
  size.high = Math.min(size.mostMtu, size.mtu);
  size.low = size.mtuOf(snd.mss);
  size.probedAt = now;
}

/** The last `bytes` below SND.NXT went out as one segment. */
export function probeSent(snd: Sender, bytes: Bytes, now: Micros): void {
  const { size } = snd;
  size.probeSize = size.mtuOf(bytes);
  size.probeEnd = snd.nxt;
  size.probeStart = seqAdd(snd.nxt, -bytes);
  mtuProbeSent(snd.congestion);
  snd.port.observed?.note(
    { note: 'mtu-probe', mtu: size.probeSize, ahead: seqDiff(size.probeStart, snd.una) },
    now,
  );
}

/**
 * The probe is acknowledged: segments are as large from now on, and cwnd counts as many bytes as
 * before.
 */
export function probeArrived(snd: Sender, now: Micros): void {
  const { size } = snd;
  packetsGrow(snd.congestion, size.mtuOf(snd.mss), size.probeSize);
  size.low = size.probeSize;
  size.probeSize = 0;
  snd.syncMss();
  snd.counters.TcpExtTCPMTUPSuccess++;
  snd.port.observed?.note({ note: 'path-mtu', mtu: size.low, cause: 'probe' }, now);
}

/**
 * Something is lost. Is it the probe, and nothing before it? Then it was too large, and is cut to
 * be sent again; the caller reduces nothing (RFC 4821 7.6.2).
 */
export function probeWasLost(snd: Sender, now: Micros): boolean {
  const { size } = snd;
  if (size.probeSize === 0 || snd.una !== size.probeStart || snd.recovery.state >= CaState.cwr)
    return false;
  size.high = size.probeSize - 1;
  const lostSize = size.probeSize;
  size.probeSize = 0;
  mtuProbeLost(snd.congestion);
  for (let i = 0; i < snd.sent.length && seqLt(snd.sent.at(i).start, size.probeEnd); i++) {
    snd.sent.resize(i, snd.mss);
    snd.sent.markLost(snd.sent.at(i));
  }
  snd.counters.TcpExtTCPMTUPFail++;
  snd.port.observed?.note({ note: 'mtu-probe-lost', mtu: lostSize, high: size.high }, now);
  return true;
}

/**
 * Timeout after timeout (tcp_retries1): perhaps only what is large gets lost. Smaller segments,
 * down to tcp_mtu_probe_floor, and a search from there.
 */
export function suspectBlackHole(snd: Sender, now: Micros): void {
  const { size, config } = snd;
  if (config.mtuProbing === 0) return;
  const before = snd.mss;
  if (!size.probing) {
    size.probing = true;
    size.probedAt = now;
  } else {
    const half = Math.min(config.baseMss, size.mssOf(size.low) >> 1);
    size.low = size.mtuOf(Math.max(half, config.mtuProbeFloor, TCP_MIN_SND_MSS));
  }
  snd.syncMss();
  if (snd.mss >= before) return;
  const mtu = size.mtuOf(snd.mss);
  snd.port.observed?.note({ note: 'path-mtu', mtu, cause: 'black-hole' }, now);
}

/** SND.UNA has passed the probe. */
export const isProbeAcked = (snd: Sender): boolean =>
  snd.size.probeSize > 0 && !seqGt(snd.size.probeEnd, snd.una);
