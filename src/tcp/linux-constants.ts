/**
 * Linux's constants that several files need: limits, defaults and times, by Linux's names and with
 * its values (include/net/tcp.h, include/net/sock.h). Settings are in config.ts.
 */
import { MILLISECOND, SECOND, type Micros } from '../base/time.js';

/** The MSS of a peer that announces none (MUST-15), in bytes over IPv4 and IPv6. */
export const TCP_MSS_DEFAULT = 536;
export const TCP_MSS_DEFAULT_V6 = 1220;
/** Smallest TCP_MAXSEG, and smallest estimate of the peer's full segment, in bytes. */
export const TCP_MIN_MSS = 88;
/** Smallest MSS of a peer, because tiny segments cost the sender more than the receiver. */
export const TCP_MIN_SND_MSS = 48;
/** Largest TCP_MAXSEG, in bytes. */
export const MAX_TCP_WINDOW = 32_767;
/** The initial window in segments (RFC 6928). */
export const TCP_INIT_CWND = 10;

/** Minimum of the RTO's variance term, so the smallest RTO is SRTT + TCP_RTO_MIN (send/rtt.ts). */
export const TCP_RTO_MIN: Micros = 200 * MILLISECOND;
/** Smallest and largest value of TCP_RTO_MAX_MS, the upper bound of the RTO. */
export const TCP_RTO_MAX_MIN: Micros = SECOND;
export const TCP_RTO_MAX: Micros = 120 * SECOND;
/** The RTO before there is a sample, and the RTO after a SYN that timed out (RFC 6298 2.1, 5.7). */
export const TCP_TIMEOUT_INIT: Micros = SECOND;
export const TCP_TIMEOUT_FALLBACK: Micros = 3 * SECOND;
/** Shortest timer: two ticks of a kernel with HZ = 250. */
export const TCP_TIMEOUT_MIN: Micros = 8 * MILLISECOND;
/** The same where Linux counts microseconds: in the timers of RACK and the tail loss probe. */
export const TCP_TIMEOUT_MIN_US: Micros = 2 * MILLISECOND;
/** Delay of the next try after a queue of this machine was full. */
export const TCP_RESOURCE_PROBE_INTERVAL: Micros = 500 * MILLISECOND;
/** Shortest and longest delay of an ACK. */
export const TCP_DELACK_MIN: Micros = 40 * MILLISECOND;
export const TCP_DELACK_MAX: Micros = 200 * MILLISECOND;
/** ACKs sent at once at the start, because delayed ones would slow down the peer's slow start. */
export const TCP_MAX_QUICKACKS = 16;
/** Length of TIME-WAIT, and of FIN-WAIT-2 without a reader; the largest TCP_LINGER2. */
export const TCP_TIMEWAIT_LEN: Micros = 60 * SECOND;
export const TCP_FIN_TIMEOUT_MAX: Micros = 120 * SECOND;

/** Smallest send buffer and receive buffer, in bytes. */
export const SOCK_MIN_SNDBUF = 4608;
export const SOCK_MIN_RCVBUF = 2304;
