// @ts-check
/** The kernel's struct tcp_info (linux/tcp.h) by its field names. */

const SHIFTS_AT = 6;
const BITS_AT = 7;
/** Name, and bytes at its offset; `-` is padding. Written as the header lists them. */
const FIELDS = [
  ...'state ca_state retransmits probes backoff options'.split(' ').map((name) => /** @type {const} */ ([name, 1])),
  /** @type {const} */ (['-', 2]), // window shifts and bits, see below
  ...(
    'rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu ' +
    'rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans'
  )
    .split(' ')
    .map((name) => /** @type {const} */ ([name, 4])),
  ...'pacing_rate max_pacing_rate bytes_acked bytes_received'
    .split(' ')
    .map((name) => /** @type {const} */ ([name, 8])),
  ...'segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out'
    .split(' ')
    .map((name) => /** @type {const} */ ([name, 4])),
  ...'delivery_rate busy_time rwnd_limited sndbuf_limited'.split(' ').map((name) => /** @type {const} */ ([name, 8])),
  ...'delivered delivered_ce'.split(' ').map((name) => /** @type {const} */ ([name, 4])),
  ...'bytes_sent bytes_retrans'.split(' ').map((name) => /** @type {const} */ ([name, 8])),
  ...'dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash'
    .split(' ')
    .map((name) => /** @type {const} */ ([name, 4])),
];

export const TCP_INFO_BYTES = FIELDS.reduce((sum, [, size]) => sum + size, 0);

/** @param {Buffer} b @returns {Record<string, number>} */
export function parseTcpInfo(b) {
  /** @type {Record<string, number>} */
  const info = {
    tcpi_snd_wscale: b.readUInt8(SHIFTS_AT) & 15,
    tcpi_rcv_wscale: b.readUInt8(SHIFTS_AT) >> 4,
    tcpi_delivery_rate_app_limited: b.readUInt8(BITS_AT) & 1,
    tcpi_fastopen_client_fail: (b.readUInt8(BITS_AT) >> 1) & 3,
  };
  let at = 0;
  for (const [name, size] of FIELDS) {
    if (name !== '-') {
      info[`tcpi_${name}`] =
        size === 1 ? b.readUInt8(at) : size === 4 ? b.readUInt32LE(at) : Number(b.readBigUInt64LE(at));
    }
    at += size;
  }
  return info;
}
