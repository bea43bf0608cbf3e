/**
 * TCP_INFO: the fields of Linux 6.18's struct tcp_info (linux/tcp.h), with its names, units and way
 * of counting. The page that shows visitors their connection, the assertions of packet scripts and
 * the comparison with the kernel all use this table.
 */
import { doubled } from '../base/exact-math.js';
import { SECOND, type Micros } from '../base/time.js';
import { CaState } from './congestion/ack-sample.js';
import type { TcpConfig } from './config.js';
import type { Tcb } from './tcb.js';
import { asksForEcn } from './ecn.js';
import { pacingRateOf } from './send/pacing-rate.js';
import { TIMESTAMP_BYTES } from './receive/receiver.js';
import { DUPLICATE_ACK_THRESHOLD } from './recovery/recovery-state.js';
import { State } from './state.js';
import { TcpInfoOption } from './tcp-info-options.js';
import { TCP_INIT_CWND, TCP_MIN_MSS, TCP_MSS_DEFAULT } from './linux-constants.js';

/** The struct's fields in its order, each with its width in bits; '' is padding. */
export const TCP_INFO_FIELDS = [
  ['tcpi_state', 8],
  ['tcpi_ca_state', 8],
  ['tcpi_retransmits', 8],
  ['tcpi_probes', 8],
  ['tcpi_backoff', 8],
  ['tcpi_options', 8],
  ['tcpi_snd_wscale', 4],
  ['tcpi_rcv_wscale', 4],
  ['tcpi_delivery_rate_app_limited', 1],
  ['tcpi_fastopen_client_fail', 2],
  ['', 5],
  ['tcpi_rto', 32],
  ['tcpi_ato', 32],
  ['tcpi_snd_mss', 32],
  ['tcpi_rcv_mss', 32],
  ['tcpi_unacked', 32],
  ['tcpi_sacked', 32],
  ['tcpi_lost', 32],
  ['tcpi_retrans', 32],
  ['tcpi_fackets', 32],
  ['tcpi_last_data_sent', 32],
  ['tcpi_last_ack_sent', 32],
  ['tcpi_last_data_recv', 32],
  ['tcpi_last_ack_recv', 32],
  ['tcpi_pmtu', 32],
  ['tcpi_rcv_ssthresh', 32],
  ['tcpi_rtt', 32],
  ['tcpi_rttvar', 32],
  ['tcpi_snd_ssthresh', 32],
  ['tcpi_snd_cwnd', 32],
  ['tcpi_advmss', 32],
  ['tcpi_reordering', 32],
  ['tcpi_rcv_rtt', 32],
  ['tcpi_rcv_space', 32],
  ['tcpi_total_retrans', 32],
  ['tcpi_pacing_rate', 64],
  ['tcpi_max_pacing_rate', 64],
  ['tcpi_bytes_acked', 64],
  ['tcpi_bytes_received', 64],
  ['tcpi_segs_out', 32],
  ['tcpi_segs_in', 32],
  ['tcpi_notsent_bytes', 32],
  ['tcpi_min_rtt', 32],
  ['tcpi_data_segs_in', 32],
  ['tcpi_data_segs_out', 32],
  ['tcpi_delivery_rate', 64],
  ['tcpi_busy_time', 64],
  ['tcpi_rwnd_limited', 64],
  ['tcpi_sndbuf_limited', 64],
  ['tcpi_delivered', 32],
  ['tcpi_delivered_ce', 32],
  ['tcpi_bytes_sent', 64],
  ['tcpi_bytes_retrans', 64],
  ['tcpi_dsack_dups', 32],
  ['tcpi_reord_seen', 32],
  ['tcpi_rcv_ooopack', 32],
  ['tcpi_snd_wnd', 32],
  ['tcpi_rcv_wnd', 32],
  ['tcpi_rehash', 32],
  ['tcpi_total_rto', 16],
  ['tcpi_total_rto_recoveries', 16],
  ['tcpi_total_rto_time', 32],
  ['tcpi_received_ce', 32],
  ['tcpi_delivered_e1_bytes', 32],
  ['tcpi_delivered_e0_bytes', 32],
  ['tcpi_delivered_ce_bytes', 32],
  ['tcpi_received_e1_bytes', 32],
  ['tcpi_received_e0_bytes', 32],
  ['tcpi_received_ce_bytes', 32],
  ['tcpi_accecn_fail_mode', 16],
  ['tcpi_accecn_opt_seen', 16],
] as const;

export type TcpInfoField = Exclude<(typeof TCP_INFO_FIELDS)[number][0], ''>;
export type TcpInfo = Readonly<Record<TcpInfoField, number>>;

/**
 * Linux's numbers (enum in net/tcp_states.h). A socket whose connection is in TIME-WAIT counts as
 * closed in Linux, because TIME-WAIT has a record of its own.
 */
const STATE_NUMBERS: Readonly<Record<State, number>> = {
  [State.established]: 1,
  [State.synSent]: 2,
  [State.synReceived]: 3,
  [State.finWait1]: 4,
  [State.finWait2]: 5,
  [State.timeWait]: 7,
  [State.closed]: 7,
  [State.closeWait]: 8,
  [State.lastAck]: 9,
  [State.listen]: 10,
  [State.closing]: 11,
};

/** TCP_INFINITE_SSTHRESH. */
const INFINITE_SSTHRESH = 0x7fffffff;
/** ~0 of an unsigned 64-bit field, rounded to a double: no limit. */
const NO_RATE_LIMIT = doubled(1, 64);
/** ~0 of an unsigned 32-bit field. */
const UNKNOWN = 0xffffffff;

/**
 * As in Linux: after close(2) in SYN-RECEIVED the state is FIN-WAIT-1. (Here it changes when the
 * peer acknowledges our SYN. shutdown(2) waits for that in Linux, too.)
 */
const stateOf = (c: Tcb): State =>
  c.state === State.synReceived && c.rcv.orphaned ? State.finWait1 : c.state;

export function tcpInfo(c: Tcb, now: Micros): TcpInfo {
  const { snd, rcv, stats, size } = c;
  const { congestion, recovery, sent, rtt, rate } = snd;
  const chrono = snd.chrono.read(now);
  return {
    tcpi_state: STATE_NUMBERS[stateOf(c)],
    tcpi_ca_state: c.state === State.synSent && c.synTries > 0 ? CaState.loss : recovery.state,
    tcpi_retransmits: snd.timeouts + c.synTries,
    tcpi_probes: snd.probesUnanswered + c.keepAliveUnanswered,
    tcpi_backoff: backoffOf(c),
    tcpi_options: optionsOf(c),
    tcpi_snd_wscale: snd.wscale, // 0 before the peer's SYN
    tcpi_rcv_wscale: rcv.wscale,
    tcpi_delivery_rate_app_limited: Number(rate.lastAppLimited),
    tcpi_fastopen_client_fail: c.fastOpen?.failure ?? 0,
    tcpi_rto: Math.floor(timeoutOf(c)),
    tcpi_ato: Math.floor(rcv.ack.ato),
    tcpi_snd_mss: sendMssOf(c),
    tcpi_rcv_mss: hasPeer(c) ? rcv.mss : TCP_MIN_MSS,
    tcpi_unacked: sent.out,
    tcpi_sacked: sent.sackedOut,
    tcpi_lost: sent.lostOut,
    tcpi_retrans: sent.retransOut,
    tcpi_fackets: 0, // Linux no longer sets this field
    tcpi_last_data_sent: millis(now - snd.lastSentAt),
    tcpi_last_ack_sent: 0, // nor this one
    tcpi_last_data_recv: millis(now - rcv.dataAt),
    tcpi_last_ack_recv: millis(now - c.lastReceivedAt),
    tcpi_pmtu: size.mtu,
    tcpi_rcv_ssthresh: hasPeer(c) ? rcv.window.ssthresh : rcv.window.told,
    tcpi_rtt: Math.floor(rtt.srtt),
    tcpi_rttvar: Math.floor(rtt.rttvar),
    tcpi_snd_ssthresh: Math.min(congestion.ssthresh, INFINITE_SSTHRESH),
    tcpi_snd_cwnd: cwndOf(c),
    tcpi_advmss:
      c.advertisedMss - (c.timestamps && hasPeer(c) && !c.isOpening ? TIMESTAMP_BYTES : 0),
    tcpi_reordering: recovery.reordering,
    tcpi_rcv_rtt: Math.floor(rcv.tuning.rtt),
    tcpi_rcv_space: rcv.tuning.space,
    tcpi_total_retrans: stats.retransmissions,
    tcpi_pacing_rate: Math.min(Math.floor(pacingRateOf(snd)), NO_RATE_LIMIT),
    tcpi_max_pacing_rate: Math.min(c.config.maxPacingRate, NO_RATE_LIMIT),
    tcpi_bytes_acked: stats.bytesAcked,
    tcpi_bytes_received: stats.bytesIn,
    tcpi_segs_out: stats.segsOut,
    tcpi_segs_in: stats.segsIn,
    tcpi_notsent_bytes:
      stats.leftUnsent + (snd.buffer.length === 0 ? 0 : snd.unsent) + Number(snd.isFinOwed),
    tcpi_min_rtt: rtt.minRtt === Infinity ? UNKNOWN : Math.floor(rtt.minRtt),
    tcpi_data_segs_in: stats.dataSegsIn,
    tcpi_data_segs_out: stats.dataSegsOut,
    tcpi_delivery_rate: deliveryRate(c),
    tcpi_busy_time: Math.floor(chrono.busy),
    tcpi_rwnd_limited: Math.floor(chrono.window),
    tcpi_sndbuf_limited: Math.floor(chrono.buffer),
    tcpi_delivered: rate.delivered,
    tcpi_delivered_ce: stats.deliveredCe,
    tcpi_bytes_sent: stats.bytesSent + stats.bytesRetransmitted,
    tcpi_bytes_retrans: stats.bytesRetransmitted,
    tcpi_dsack_dups: snd.duplicatesReported,
    tcpi_reord_seen: recovery.reorderSeen,
    tcpi_rcv_ooopack: rcv.outOfOrderSegments,
    tcpi_snd_wnd: snd.wnd,
    tcpi_rcv_wnd: rcv.window.told,
    tcpi_rehash: 0, // there is no path hash that a timeout could change
    tcpi_total_rto: stats.timeouts,
    tcpi_total_rto_recoveries: stats.timeoutEpisodes,
    tcpi_total_rto_time: millis(stats.timeInTimeouts(now)),
    tcpi_received_ce: stats.ceSegmentsIn,
    // Only AccECN (RFC 9768) reports these to the sender.
    tcpi_delivered_e1_bytes: 0,
    tcpi_delivered_e0_bytes: 0,
    tcpi_delivered_ce_bytes: 0,
    tcpi_received_e1_bytes: stats.ect1BytesIn,
    tcpi_received_e0_bytes: stats.ect0BytesIn,
    tcpi_received_ce_bytes: stats.ceBytesIn,
    tcpi_accecn_fail_mode: 0,
    tcpi_accecn_opt_seen: 0,
  };
}

/** TCP_INFO of a socket that never had a connection. */
export function tcpInfoOfFresh(config: TcpConfig, now: Micros): TcpInfo {
  const info = Object.fromEntries(
    TCP_INFO_FIELDS.filter(([name]) => name !== '').map(([name]) => [name, 0]),
  );
  return {
    ...(info as TcpInfo),
    tcpi_state: STATE_NUMBERS[State.closed],
    tcpi_delivery_rate_app_limited: 1,
    tcpi_rto: config.initialRto,
    tcpi_snd_mss: TCP_MSS_DEFAULT,
    tcpi_last_data_sent: millis(now),
    tcpi_last_data_recv: millis(now),
    tcpi_last_ack_recv: millis(now),
    tcpi_rttvar: config.initialRto / 4,
    tcpi_snd_ssthresh: INFINITE_SSTHRESH,
    tcpi_snd_cwnd: TCP_INIT_CWND,
    tcpi_reordering: DUPLICATE_ACK_THRESHOLD,
    tcpi_pacing_rate: NO_RATE_LIMIT,
    tcpi_max_pacing_rate: Math.min(config.maxPacingRate, NO_RATE_LIMIT),
    tcpi_min_rtt: UNKNOWN,
  };
}

const millis = (t: Micros): number => Math.floor(t / 1000);

/** The peer's SYN was received. */
const hasPeer = (c: Tcb): boolean => c.peerMss > 0;

/** Before the peer answers: the default, or one segment after a timeout. */
function cwndOf(c: Tcb): number {
  if (hasPeer(c)) return Math.min(c.snd.congestion.cwnd, UNKNOWN);
  return c.synTries > 0 ? 1 : TCP_INIT_CWND;
}

/**
 * Before the peer's SYN: with data of a Fast Open the MSS of the peer's last connection, otherwise
 * the default of 536 bytes.
 */
function sendMssOf(c: Tcb): number {
  if (hasPeer(c)) return c.snd.mss;
  const { fastOpen } = c;
  const most = fastOpen !== null && fastOpen.synData > 0 ? fastOpen.likelyMss : c.snd.mss;
  return c.timestamps ? most - TIMESTAMP_BYTES : most;
}

/**
 * Number of doublings of the timer: after timeouts (a SYN's first ones are linear) or after
 * zero-window probes. The doublings of the SYN's timer count until a round trip is measured, like
 * any backoff (RFC 6298 section 3).
 */
function backoffOf(c: Tcb): number {
  if (c.state === State.closed) return 0;
  if (c.isOpening) return c.passive ? 0 : Math.max(0, c.synTries - c.config.synLinearTimeouts);
  return c.snd.rtt.backoff + c.snd.probesSent + (c.snd.rtt.hasSample ? 0 : c.stats.synBackoff);
}

/** The retransmission timeout; for a SYN with its backoff. */
function timeoutOf(c: Tcb): Micros {
  const { rtt } = c.snd;
  return c.isOpening ? Math.min(doubled(rtt.rto, backoffOf(c)), rtt.maxRto) : rtt.rto;
}

/** The negotiated options; before the peer's SYN only whether we requested ECN. */
function optionsOf(c: Tcb): number {
  if (!hasPeer(c)) return asksForEcn(c) ? TcpInfoOption.ecn : 0;
  return (
    (c.timestamps ? TcpInfoOption.timestamps : 0) |
    (c.sack ? TcpInfoOption.sack : 0) |
    (c.windowScaling ? TcpInfoOption.wscale : 0) |
    (c.snd.ecnAgreed ? TcpInfoOption.ecn : 0) |
    (c.rcv.ecn.ectSeen ? TcpInfoOption.ecnSeen : 0) |
    (tookSynData(c) ? TcpInfoOption.synData : 0) |
    (c.fastOpen?.accepted === true ? TcpInfoOption.fastOpenChild : 0)
  );
}

/** Active: the SYN,ACK acknowledged our SYN's data. Passive: the peer's SYN data was accepted. */
const tookSynData = ({ fastOpen: f }: Tcb): boolean =>
  f !== null && (f.synDataAcked || f.takenSynData > 0);

/**
 * tcpi_delivery_rate: bytes per second of the last sample that was valid or higher than the one
 * before; 0 without a sample.
 */
export function deliveryRate({ snd }: Tcb): number {
  const { lastDelivered, lastInterval } = snd.rate;
  return lastInterval === 0 ? 0 : Math.floor((lastDelivered * snd.mss * SECOND) / lastInterval);
}
