/**
 * A stack's TCP settings, by the names of Linux's sysctls and socket options where there is one.
 * Times in microseconds.
 */
import { IPDEFTTL } from '../base/ip-default-ttl.js';
import { MtuDiscover } from '../base/mtu-discover.js';
import type { CongestionName, HystartName } from './congestion/index.js';
import type { EcnMode } from './ecn-mode.js';
import { MILLISECOND, MINUTE, SECOND, type Micros } from '../base/time.js';
import type { MemoryLimits } from './memory.js';

/** As in tcp_rmem and tcp_wmem: bytes of memory. */
export interface BufferLimits {
  /** What a connection may have whatever the stack's memory is like. */
  readonly min: number;
  /** What it starts with. */
  readonly default: number;
  /** What it may grow to. */
  readonly max: number;
}

export interface TcpConfig {
  /** tcp_timestamps, tcp_sack, tcp_window_scaling: offered in our SYN, accepted in the peer's. */
  timestamps: boolean;
  sack: boolean;
  windowScaling: boolean;
  /**
   * RFC 7323 to the letter: a segment without the timestamps that were agreed on is dropped, PAWS
   * tolerates nothing, and a RST echoes the timestamps of what it answers. Linux takes such
   * segments, and a TSval that is a little late.
   */
  strictTimestamps: boolean;
  /**
   * A SYN within the window of a half-open connection is answered with a RST. RFC 9293 section
   * 3.10.7.4 only returns to LISTEN.
   */
  refuseSynInWindow: boolean;
  /**
   * A segment with an option of invalid length is dropped (MUST-7). Linux ignores that option and
   * what follows it.
   */
  dropBadOptions: boolean;
  /** tcp_ecn: 0 off, 1 ask and accept, 2 accept only (RFC 3168). */
  ecn: EcnMode;
  /**
   * tcp_ecn_fallback: the SYN is sent again without asking, in case something on the way drops
   * those that ask.
   */
  ecnFallback: boolean;
  /**
   * tcp_fastopen: bits of `FastOpenMode` (RFC 7413). Only who asks for it, by connect or by listen,
   * gets it.
   */
  fastOpen: number;
  /**
   * tcp_fastopen_blackhole_timeout_sec: for so long at first no SYN of ours has data once
   * connections that began so went nowhere; 0: never mind.
   */
  fastOpenBlackholeTimeout: Micros;
  /**
   * RFC 7413 section 4.1.3.1: after a SYN with data was lost the next ones to that server go
   * without, twice as long each time. Linux does not: 0.
   */
  fastOpenLossPause: Micros;
  /**
   * tcp_fastopen_key: the server's key as the sysctl writes it, four 32-bit numbers in hex
   * (`a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`), and after a comma the one before it; '': keys of our
   * own, which change once a day.
   */
  fastOpenKey: string;
  /**
   * SO_OOBINLINE: the urgent byte stays in the stream (RFC 6093). Sockets of Linux begin without.
   */
  urgentInline: boolean;

  /** tcp_mem, in bytes: what all connections of the stack may hold together. */
  memory: MemoryLimits;
  /**
   * tcp_max_orphans: connections that their users closed and that are not over yet. At the bound
   * one more ends with a RST, and from half of it on those whose peer does not answer or keeps its
   * window shut.
   */
  maxOrphans: number;
  /** tcp_wmem: the send buffer, which grows with the congestion window. */
  wmem: BufferLimits;
  /** Most bytes that wait to be sent or acknowledged, and no growth; 0: `wmem` decides. */
  sendBufferBytes: number;
  /** TCP_NOTSENT_LOWAT: no more is taken while so many bytes wait to be sent. */
  notSentLowat: number;
  /** TCP_MAXSEG: the most that our SYN announces; 0 for what the MTU allows. */
  maxSegment: number;
  /**
   * `ip route ... mtu`: no packet of ours is longer, and our SYN announces as much; 0: the device's
   * MTU.
   */
  routeMtu: number;
  /**
   * `ip route ... advmss`: the MSS that our SYN announces, whatever the MTU; 0 for what the MTU
   * allows.
   */
  routeAdvmss: number;
  /** MUST-49: ip_default_ttl, 1 to 255, also of what no connection sends; IPv6's hop limit. */
  ttl: number;
  /** IP_MTU_DISCOVER (ip_no_pmtu_disc: `dont`). */
  mtuDiscover: MtuDiscover;
  /**
   * route.min_pmtu: a path that carries less is not followed down; its IPv4 packets go without DF
   * instead, in packets of this size.
   */
  minPmtu: number;
  /**
   * route.mtu_expires: so long an ICMP error is remembered, and then more tried again (RFC 1191
   * section 6.3).
   */
  mtuExpires: Micros;
  /** tcp_mtu_probing: 0 never, 1 when a black hole is suspected, 2 always (RFC 4821). */
  mtuProbing: 0 | 1 | 2;
  /** tcp_base_mss: where the search begins; tcp_mtu_probe_floor: what it never goes below. */
  baseMss: number;
  mtuProbeFloor: number;
  /**
   * tcp_probe_threshold: a search range of fewer bytes is found out; tcp_probe_interval: after this
   * it is opened again.
   */
  mtuProbeThreshold: number;
  mtuProbeInterval: Micros;
  /**
   * tcp_rmem: the receive buffer, which grows as the user reads (tcp_moderate_rcvbuf). Half of it
   * is window.
   */
  rmem: BufferLimits;
  /**
   * SO_RCVBUF: bytes that may wait to be read, and no tuning; the buffer counts twice as many, as
   * in Linux. 0: `rmem` decides.
   */
  receiveBufferBytes: number;
  /** TCP_WINDOW_CLAMP: the window is never larger; 0 for none. */
  windowClamp: number;
  /**
   * tcp_shrink_window: a window that is scaled may move left, when the buffer is full sooner than
   * was thought. RFC 9293 section 3.8.6 says SHOULD NOT (SHLD-14), and Linux does not unless told
   * to.
   */
  shrinkWindow: boolean;
  /**
   * Pieces of out-of-order data that are kept; small ones that follow each other are one. Bounds
   * memory against a rain of tiny segments.
   */
  outOfOrderPieces: number;

  /**
   * RFC 6298: the first RTO, its floor (SHOULD be 1 s; Linux 200 ms) and its ceiling (at least 60
   * s).
   */
  initialRto: Micros;
  minRto: Micros;
  /** tcp_rto_max_ms, TCP_RTO_MAX_MS: of probes into a shut window and SYNs, too. */
  maxRto: Micros;
  /** tcp_syn_linear_timeouts: so many SYN retransmissions at `initialRto` before backing off. */
  synLinearTimeouts: number;
  /** tcp_syn_retries: SYN retransmissions with backoff, after the linear ones. */
  synRetries: number;
  /** The least time a SYN is tried: MUST-23 wants 3 minutes, Linux gives up after about two. */
  synTimeout: Micros;
  /** tcp_synack_retries. */
  synAckRetries: number;
  /**
   * TCP_DEFER_ACCEPT: `accept` gets a connection only with its first data, or after this time. 0:
   * at once. As in Linux the time is counted in SYN,ACKs (defer-accept.ts), and a client that sets
   * it delays the ACK of the SYN,ACK.
   */
  deferAccept: Micros;
  /** tcp_syncookies: 0 never, 1 when the SYN queue is full, 2 for every SYN (to try them out). */
  synCookies: 0 | 1 | 2;
  /**
   * tcp_max_syn_backlog: without cookies new SYNs are dropped when only a quarter of it is left.
   */
  maxSynBacklog: number;
  /**
   * Half-open connections of the whole stack, and of one host (IPv6: of a /64): more are treated as
   * a full SYN queue.
   */
  maxHalfOpen: number;
  maxHalfOpenPerHost: number;
  /** TIME-WAIT records of one host; the connections of one that has more end without. */
  maxTimeWaitPerHost: number;
  /** tcp_retries1: R1, when trouble is reported (SHLD-9, SHLD-10). */
  retries1: number;
  /**
   * tcp_retries2: R2 (MUST-20): the time that so many timeouts from `minRto`, and 200 ms at least,
   * would take. Infinity never gives up.
   */
  retries2: number;
  /**
   * tcp_orphan_retries: R2 of a connection that its user has closed, and its probes of a shut
   * window. 0: 8, and none once the timeout has grown to `maxRto`.
   */
  orphanRetries: number;
  /** TCP_USER_TIMEOUT, RFC 5482; 0 leaves it to R2. */
  userTimeout: Micros;

  /**
   * The delay of an ACK: at least and at most this, below 500 ms (MUST-40). Both 0 switch delaying
   * off.
   */
  delayedAck: Micros;
  delayedAckMax: Micros;
  /** Nagle's algorithm off (TCP_NODELAY). */
  noDelay: boolean;

  /** RFC 6928: segments of the initial window (`ip route ... initcwnd`). */
  initialWindow: number;
  /** tcp_slow_start_after_idle. */
  slowStartAfterIdle: boolean;
  congestionControl: CongestionName;
  /**
   * How slow start ends before loss: Linux's HyStart, HyStart++ of RFC 9406, or not (cubic only).
   */
  hystart: HystartName;
  /** ssthresh is taken from the flight (RFC 5681 equation 4), not from cwnd (Linux). */
  ssthreshFromFlight: boolean;
  /**
   * The RTO's variance term is held for a round trip and falls slowly, as Linux's; else RFC 6298 to
   * the letter.
   */
  rtoHoldsVariance: boolean;
  /** tcp_early_retrans: tail loss probes, RFC 8985 section 7. */
  tlp: boolean;
  /** tcp_frto: finds out whether a timeout was spurious, RFC 5682. */
  frto: boolean;
  /**
   * Data is paced at a little more than cwnd/SRTT whatever the congestion control (Linux: the fq
   * qdisc).
   */
  pacing: boolean;
  /** SO_MAX_PACING_RATE, bytes a second. */
  maxPacingRate: number;

  /** 2 MSL (MUST-13). */
  timeWait: Micros;
  /**
   * tcp_rfc1337: a RST does not end TIME-WAIT (TIME-WAIT assassination). Linux lets it, unless told
   * otherwise.
   */
  rfc1337: boolean;
  /**
   * MAY-2: a SYN that opened anew from TIME-WAIT and came to nothing was an old duplicate: back to
   * TIME-WAIT. Linux forgets it.
   */
  resumesTimeWait: boolean;
  /** tcp_fin_timeout: how long FIN-WAIT-2 waits once nobody reads any more. */
  finTimeout: Micros;

  keepAlive: boolean;
  /** tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes. */
  keepAliveIdle: Micros;
  keepAliveInterval: Micros;
  keepAliveProbes: number;

  /**
   * tcp_invalid_ratelimit: a connection's challenge and duplicate ACKs for bad segments are this
   * far apart.
   */
  challengeAckInterval: Micros;
  /** tcp_challenge_ack_limit: of all connections, a second; randomised (CVE-2016-5696). */
  challengeAckLimit: number;
  /**
   * An ICMP unreachable error ends a connection in SYN-SENT or SYN-RECEIVED, as in Linux and RFC
   * 5461 section 4.1; MUST-56 forbids it. Never in a synchronised state.
   */
  icmpAbortsSynSent: boolean;
  /**
   * A FIN right behind the window counts, also while the window is shut, as in Linux. RFC 9293
   * section 3.10.7.4 has it cut off: its number lies outside.
   */
  takesFinBeyondWindow: boolean;
}

const linux: TcpConfig = {
  timestamps: true,
  sack: true,
  windowScaling: true,
  strictTimestamps: false,
  refuseSynInWindow: true,
  dropBadOptions: false,
  ecn: 2,
  ecnFallback: true,
  fastOpen: 1,
  fastOpenBlackholeTimeout: 0,
  fastOpenLossPause: 0,
  fastOpenKey: '',
  urgentInline: true,
  memory: { low: 192 << 20, pressure: 256 << 20, high: 384 << 20 },
  maxOrphans: 32_768,
  wmem: { min: 4096, default: 16_384, max: 4 << 20 },
  sendBufferBytes: 0,
  notSentLowat: Infinity,
  maxSegment: 0,
  routeMtu: 0,
  routeAdvmss: 0,
  ttl: IPDEFTTL,
  mtuDiscover: MtuDiscover.want,
  minPmtu: 552,
  mtuExpires: 10 * MINUTE,
  mtuProbing: 0,
  baseMss: 1024,
  mtuProbeFloor: 48,
  mtuProbeThreshold: 8,
  mtuProbeInterval: 10 * MINUTE,
  rmem: { min: 4096, default: 131_072, max: 6 << 20 },
  receiveBufferBytes: 0,
  windowClamp: 0,
  shrinkWindow: false,
  outOfOrderPieces: 1024,
  initialRto: SECOND,
  minRto: 200 * MILLISECOND,
  maxRto: 2 * MINUTE,
  synLinearTimeouts: 4,
  synRetries: 6,
  synTimeout: 0,
  synAckRetries: 5,
  deferAccept: 0,
  synCookies: 1,
  maxSynBacklog: 1024,
  maxHalfOpen: 4096,
  maxHalfOpenPerHost: 256,
  maxTimeWaitPerHost: 65_536,
  retries1: 3,
  retries2: 15,
  orphanRetries: 0,
  userTimeout: 0,
  delayedAck: 40 * MILLISECOND,
  delayedAckMax: 200 * MILLISECOND,
  noDelay: false,
  initialWindow: 10,
  slowStartAfterIdle: true,
  congestionControl: 'cubic',
  hystart: 'linux',
  ssthreshFromFlight: false,
  rtoHoldsVariance: true,
  tlp: true,
  frto: true,
  pacing: false,
  maxPacingRate: Infinity,
  timeWait: MINUTE,
  rfc1337: false,
  resumesTimeWait: false,
  finTimeout: MINUTE,
  keepAlive: false,
  keepAliveIdle: 7200 * SECOND,
  keepAliveInterval: 75 * SECOND,
  keepAliveProbes: 9,
  challengeAckInterval: 500 * MILLISECOND,
  challengeAckLimit: 1000,
  icmpAbortsSynSent: true,
  takesFinBeyondWindow: true,
};

/**
 * `linux`: what a Linux server does. `rfc`: the letter of RFC 9293, RFC 6298 and RFC 1122 where
 * Linux departs from it.
 */
export const PROFILES = {
  linux,
  rfc: {
    ...linux,
    strictTimestamps: true,
    refuseSynInWindow: false,
    dropBadOptions: true,
    minRto: SECOND,
    synLinearTimeouts: 0,
    synRetries: 7,
    synTimeout: 3 * MINUTE,
    timeWait: 4 * MINUTE,
    rfc1337: true,
    resumesTimeWait: true,
    delayedAck: 200 * MILLISECOND,
    hystart: 'rfc9406',
    ssthreshFromFlight: true,
    rtoHoldsVariance: false,
    icmpAbortsSynSent: false,
    fastOpenBlackholeTimeout: 3600 * SECOND,
    fastOpenLossPause: MINUTE,
    takesFinBeyondWindow: false,
  },
} satisfies Record<string, TcpConfig>;

export type ProfileName = keyof typeof PROFILES;
