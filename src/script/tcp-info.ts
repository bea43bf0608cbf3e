/** TCP_INFO: the kernel's struct tcp_info by its field names, from a connection of ours. Times in microseconds, as the kernel's. */
import type { Micros } from '../base/time.js';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { CONSTANTS } from './constants.js';

const STATE_NUMBERS: Readonly<Record<State, number>> = {
  [State.closed]: CONSTANTS['TCP_CLOSE']!,
  [State.listen]: CONSTANTS['TCP_LISTEN']!,
  [State.synSent]: CONSTANTS['TCP_SYN_SENT']!,
  [State.synReceived]: CONSTANTS['TCP_SYN_RECV']!,
  [State.established]: CONSTANTS['TCP_ESTABLISHED']!,
  [State.finWait1]: CONSTANTS['TCP_FIN_WAIT1']!,
  [State.finWait2]: CONSTANTS['TCP_FIN_WAIT2']!,
  [State.closeWait]: CONSTANTS['TCP_CLOSE_WAIT']!,
  [State.closing]: CONSTANTS['TCP_CLOSING']!,
  [State.lastAck]: CONSTANTS['TCP_LAST_ACK']!,
  [State.timeWait]: CONSTANTS['TCP_TIME_WAIT']!,
};
/** Active: our SYN's data was acknowledged with it. Passive: the peer's was taken. */
const tookSynData = ({ fastOpen: f }: Connection): boolean => f !== null && (f.synDataAcked || f.takenSynData > 0);

/** 1: there was no cookie. 2: the data was not acknowledged. 3: the SYN had to be sent again. */
function fastOpenFailure({ fastOpen: f, passive }: Connection): number {
  if (f === null || passive || f.synDataAcked) return 0;
  if (f.synData === 0) return 1;
  return f.synAgain ? 3 : 2;
}

/** TCP_INFINITE_SSTHRESH. */
const INFINITE = 0x7fffffff;

export function tcpInfo(c: Connection, now: Micros): Record<string, number | string> {
  const { snd, rcv, stats } = c;
  const { congestion, recovery, sent, rtt } = snd;
  const chrono = snd.chrono.read(now);
  const options =
    (c.timestamps ? CONSTANTS['TCPI_OPT_TIMESTAMPS']! : 0) |
    (c.sack ? CONSTANTS['TCPI_OPT_SACK']! : 0) |
    (c.windowScaling ? CONSTANTS['TCPI_OPT_WSCALE']! : 0) |
    (snd.ecnAgreed ? CONSTANTS['TCPI_OPT_ECN']! : 0) |
    (tookSynData(c) ? CONSTANTS['TCPI_OPT_SYN_DATA']! : 0) |
    (c.fastOpen?.accepted === true ? CONSTANTS['TCPI_OPT_TFO_CHILD']! : 0);
  return {
    tcpi_state: STATE_NUMBERS[c.state],
    tcpi_ca_state: recovery.state,
    tcpi_retransmits: snd.timeouts,
    tcpi_probes: snd.probesUnanswered,
    tcpi_backoff: rtt.backoff,
    tcpi_options: options,
    tcpi_snd_wscale: snd.wscale,
    tcpi_rcv_wscale: rcv.wscale,
    tcpi_delivery_rate_app_limited: Number(snd.rate.lastAppLimited),
    tcpi_fastopen_client_fail: fastOpenFailure(c),
    tcpi_rto: rtt.rto,
    tcpi_snd_mss: snd.mss,
    tcpi_pmtu: c.size.mtu,
    tcpi_rcv_mss: rcv.mss,
    tcpi_unacked: sent.out,
    tcpi_sacked: sent.sackedOut,
    tcpi_lost: sent.lostOut,
    tcpi_retrans: sent.retransOut,
    tcpi_last_data_sent: Math.floor((now - snd.lastSentAt) / 1000),
    tcpi_last_data_recv: Math.floor((now - rcv.dataAt) / 1000),
    tcpi_last_ack_recv: Math.floor((now - c.lastReceivedAt) / 1000),
    tcpi_rtt: Math.round(rtt.srtt),
    tcpi_rttvar: Math.round(rtt.rttvar),
    tcpi_snd_ssthresh: congestion.ssthresh === Infinity ? INFINITE : congestion.ssthresh,
    tcpi_snd_cwnd: congestion.cwnd,
    tcpi_advmss: c.advertisedMss,
    tcpi_reordering: recovery.reordering,
    tcpi_reord_seen: recovery.reorderSeen,
    tcpi_total_retrans: stats.retransmissions,
    tcpi_pacing_rate: snd.pacing.rate,
    tcpi_bytes_acked: stats.bytesAcked,
    tcpi_bytes_received: stats.bytesIn,
    tcpi_bytes_sent: stats.bytesSent + stats.bytesRetransmitted,
    tcpi_bytes_retrans: stats.bytesRetransmitted,
    tcpi_segs_out: stats.segsOut,
    tcpi_segs_in: stats.segsIn,
    tcpi_data_segs_in: stats.dataSegsIn,
    tcpi_data_segs_out: stats.dataSegsOut,
    tcpi_notsent_bytes: snd.buffer.length === 0 ? 0 : snd.unsent,
    tcpi_min_rtt: rtt.minRtt === Infinity ? 0xffffffff : Math.round(rtt.minRtt),
    tcpi_delivered: snd.rate.delivered,
    tcpi_dsack_dups: snd.duplicatesReported,
    tcpi_busy_time: Math.round(chrono.busy),
    tcpi_rwnd_limited: Math.round(chrono.window),
    tcpi_sndbuf_limited: Math.round(chrono.buffer),
    tcpi_rcv_ssthresh: rcv.window.ssthresh,
    tcpi_snd_wnd: snd.wnd,
    tcpi_rcv_wnd: rcv.wnd,
    tcpi_congestion: congestion.name,
  };
}
