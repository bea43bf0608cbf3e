/**
 * Packetization layer path MTU discovery (RFC 4821, RFC 8899), for paths on which ICMP errors are
 * lost: TCP finds the MTU by sending a segment that is larger than the others.
 *
 *     low ──────────────── probe ──────────────── high
 *      known to arrive       acknowledged: low = probe, and segments become as large
 *                            lost: high = probe - 1; cwnd is not reduced
 *
 * Rules and figures are Linux's (tcp_mtu_probing): 1 searches only once a black hole is suspected,
 * 2 always. Timeouts in a row make it suspect one (`suspectBlackHole`).
 */
import { seqAdd, seqDiff, seqGt, seqLt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import { CaState } from '../congestion/ack-sample.js';
import { mtuProbeLost, mtuProbeSent, packetsGrow } from '../congestion/window.js';
import type { Sender } from './sender.js';
import { TCP_MIN_SND_MSS } from '../linux-constants.js';

/**
 * Segments that must fit in cwnd, because a probe counts as two and fast retransmit needs some
 * behind it.
 */
const LEAST_CWND = 11;

/** The peer's SYN gives its MSS, from which the search range follows. */
export function startProbing(snd: Sender, now: Micros): void {
  const { size, config } = snd;
  size.probing = config.mtuProbing > 1;
  size.high = Math.min(size.mostMtu, size.mtu);
  size.low = size.mtuOf(config.baseMss);
  size.probeSize = 0;
  size.probedAt = now;
}

/**
 * Payload bytes of a probe that is due now: 0 for none, -1 if the unsent data waits for one. None
 * is due while segments carry SACK blocks, because those would make it larger.
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
  // Enough data must follow it, so that duplicate ACKs can show that it was lost.
  const needed = probe + (snd.recovery.reordering + 1) * snd.mss;
  if (snd.unsent < needed || snd.wnd < needed || snd.unsentOfRecord < probe) return 0;
  if (snd.usableWindow < needed) return -1;
  if (sent.inFlight + 2 > congestion.cwnd) return sent.inFlight === 0 ? 0 : -1;
  return probe;
}

/** Paths change, so after tcp_probe_interval the search range above `low` is open again. */
function searchAgain(snd: Sender, now: Micros): void {
  const { size } = snd;
  if (now - size.probedAt < snd.config.mtuProbeInterval) return;
  size.high = Math.min(size.mostMtu, size.mtu);
  size.low = size.mtuOf(snd.mss);
  size.probedAt = now;
}

/** The last `bytes` below SND.NXT were sent as one segment, the probe. */
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
 * The probe is acknowledged: segments take its size, and cwnd is converted so that it covers the
 * same bytes.
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
 * A segment is lost. If it is the probe, and no segment before it, the probe was too large: it is
 * split for retransmission, and the caller does not reduce cwnd (RFC 4821 section 7.6.2).
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
 * After tcp_retries1 timeouts in a row perhaps only large packets are lost: segments become
 * smaller, down to tcp_mtu_probe_floor, and the search starts there.
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
