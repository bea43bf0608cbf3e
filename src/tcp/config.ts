/**
 * TCP settings of a stack, named after Linux's sysctls and socket options where they exist. Times
 * are in microseconds.
 */
import { IPDEFTTL } from '../base/ip-default-ttl.js';
import { MtuDiscover } from '../base/mtu-discover.js';
import type { CongestionName, HystartName } from './congestion/index.js';
import type { EcnMode } from './ecn-mode.js';
import { MILLISECOND, MINUTE, SECOND, type Micros } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import type { MemoryLimits } from './memory.js';
import {
  TCP_DELACK_MAX,
  TCP_DELACK_MIN,
  TCP_INIT_CWND,
  TCP_MIN_SND_MSS,
  TCP_RTO_MAX,
  TCP_RTO_MIN,
  TCP_TIMEOUT_INIT,
  TCP_TIMEWAIT_LEN,
} from './linux-constants.js';

/** Sizes in bytes of memory, as in tcp_rmem and tcp_wmem. */
export interface BufferLimits {
  /** Allowed even under memory pressure. */
  readonly min: Bytes;
  /** The initial size. */
  readonly default: Bytes;
  /** The largest size. */
  readonly max: Bytes;
}

export interface TcpConfig {
  /**
   * tcp_timestamps, tcp_sack, tcp_window_scaling: offered in our SYN and accepted in the peer's.
   */
  timestamps: boolean;
  sack: boolean;
  windowScaling: boolean;
  /**
   * Strict RFC 7323: a segment without the negotiated timestamps is dropped, PAWS has no tolerance,
   * and a RST echoes the timestamp of the segment that it answers. Linux accepts such segments and
   * a slightly old TSval.
   */
  strictTimestamps: boolean;
  /**
   * A SYN in the window of a half-open connection is answered with a RST, as in Linux. RFC 9293
   * section 3.10.7.4 only returns to LISTEN.
   */
  refuseSynInWindow: boolean;
  /**
   * A segment with an option of invalid length is dropped (MUST-7). Linux ignores that option and
   * all that follow it.
   */
  dropBadOptions: boolean;
  /** tcp_ecn: 0 off, 1 request and accept, 2 accept only (RFC 3168). */
  ecn: EcnMode;
  /**
   * tcp_ecn_fallback: the retransmitted SYN does not request ECN, because a middlebox may drop SYNs
   * that do.
   */
  ecnFallback: boolean;
  /**
   * tcp_fastopen: bits of `FastOpenMode` (RFC 7413). Each connect or listen must also request it.
   */
  fastOpen: number;
  /**
   * tcp_fastopen_blackhole_timeout_sec: the first pause of data in SYNs after connections with such
   * data failed. 0 disables the detection.
   */
  fastOpenBlackholeTimeout: Micros;
  /**
   * RFC 7413 section 4.1.3.1: after SYNs with data were lost, SYNs to that server carry no data for
   * this time times 2^losses (at most 64). 0, as in Linux: no pause.
   */
  fastOpenLossPause: Micros;
  /**
   * tcp_fastopen_key: the server's key in the format of the sysctl, four 32-bit numbers in hex
   * (`a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`), optionally a comma and the previous key. '': random
   * keys that change once a day.
   */
  fastOpenKey: string;
  /** SO_OOBINLINE: the urgent byte stays in the stream (RFC 6093). Linux's default is off. */
  urgentInline: boolean;

  /** tcp_mem, in bytes: the memory of all connections of the stack together. */
  memory: MemoryLimits;
  /**
   * tcp_max_orphans: connections that their users have closed and that have not ended. Beyond this
   * number a new orphan ends with a RST. Above half of it, orphans also end if the peer does not
   * answer or keeps its window at zero.
   */
  maxOrphans: number;
  /** tcp_wmem: the send buffer, which grows with the congestion window. */
  wmem: BufferLimits;
  /** Fixed size of the send buffer in bytes (unsent and unacknowledged data). 0: `wmem` decides. */
  sendBufferBytes: Bytes;
  /**
   * TCP_NOTSENT_LOWAT: `send` accepts no data while this many bytes are unsent and do not fit in
   * the windows.
   */
  notSentLowat: Bytes;
  /** TCP_MAXSEG: the largest MSS that our SYN advertises; 0: the MTU decides. */
  maxSegment: Bytes;
  /**
   * `ip route ... mtu`: largest packet that we send, and the MTU behind the MSS of our SYN. 0: the
   * device's MTU.
   */
  routeMtu: Bytes;
  /**
   * `ip route ... advmss`: the MSS that our SYN advertises, whatever the MTU; 0: the MTU decides.
   */
  routeAdvmss: Bytes;
  /**
   * MUST-49: ip_default_ttl, 1 to 255, also for packets of no connection. It is IPv6's hop limit,
   * too.
   */
  ttl: number;
  /** IP_MTU_DISCOVER (ip_no_pmtu_disc: `dont`). */
  mtuDiscover: MtuDiscover;
  /**
   * route.min_pmtu: the path MTU is never set below this. IPv4 packets to a path with a smaller MTU
   * have this size and no DF.
   */
  minPmtu: Bytes;
  /**
   * route.mtu_expires: how long the MTU from an ICMP error is kept before a larger one is tried
   * (RFC 1191 section 6.3).
   */
  mtuExpires: Micros;
  /** tcp_mtu_probing: 0 never, 1 after a suspected black hole, 2 always (RFC 4821). */
  mtuProbing: 0 | 1 | 2;
  /** tcp_base_mss: the MSS at which the search starts; tcp_mtu_probe_floor: its lower bound. */
  baseMss: Bytes;
  mtuProbeFloor: Bytes;
  /**
   * tcp_probe_threshold: the search ends when its range is smaller than this many bytes;
   * tcp_probe_interval: time until it starts again.
   */
  mtuProbeThreshold: Bytes;
  mtuProbeInterval: Micros;
  /**
   * tcp_rmem: the receive buffer, which grows as the user reads (tcp_moderate_rcvbuf). Half of it
   * can be advertised as window.
   */
  rmem: BufferLimits;
  /**
   * SO_RCVBUF: most unread bytes, without tuning. The buffer counts twice as many, as in Linux. 0:
   * `rmem` decides.
   */
  receiveBufferBytes: Bytes;
  /** TCP_WINDOW_CLAMP: upper bound of the receive window; 0 for none. */
  windowClamp: Bytes;
  /**
   * tcp_shrink_window: the right edge of a scaled window may move left when the buffer fills sooner
   * than expected. RFC 9293 section 3.8.6 advises against it (SHLD-14), and Linux does not do it by
   * default.
   */
  shrinkWindow: boolean;
  /**
   * Most pieces of out-of-order data that are kept; adjacent small pieces are merged. It limits the
   * memory that tiny segments can take.
   */
  outOfOrderPieces: number;

  /** The RTO before the first sample (RFC 6298 rule 2.1): 1 s. */
  initialRto: Micros;
  /**
   * tcp_rto_min_us: the minimum of the RTO's variance term, so that the RTO is at least SRTT +
   * `minRto` (send/rtt.ts). Linux: 200 ms. In the rfc profile it is 1 s, so that the RTO is never
   * less than the second of RFC 6298 rule 2.4.
   */
  minRto: Micros;
  /**
   * tcp_rto_max_ms, TCP_RTO_MAX_MS: the largest RTO (RFC 6298: at least 60 s). It also limits the
   * intervals of zero-window probes and SYNs.
   */
  maxRto: Micros;
  /** tcp_syn_linear_timeouts: SYN retransmissions at `initialRto` before backoff starts. */
  synLinearTimeouts: number;
  /** tcp_syn_retries: SYN retransmissions with backoff, after the linear ones. */
  synRetries: number;
  /**
   * Shortest time before a SYN fails: MUST-23 requires 3 minutes, Linux gives up after about two.
   */
  synTimeout: Micros;
  /** tcp_synack_retries. */
  synAckRetries: number;
  /**
   * TCP_DEFER_ACCEPT: `accept` returns a connection only once it has data, or after this time. 0:
   * at once. As in Linux the time is counted in SYN,ACKs (defer-accept.ts), and a client that sets
   * the option delays its ACK of the SYN,ACK.
   */
  deferAccept: Micros;
  /** tcp_syncookies: 0 never, 1 when the SYN queue is full, 2 for every SYN (for tests). */
  synCookies: 0 | 1 | 2;
  /**
   * tcp_max_syn_backlog: without cookies a new SYN is dropped when less than a quarter of it is
   * free.
   */
  maxSynBacklog: number;
  /**
   * Most half-open connections of the stack, and of one host (IPv6: of a /64). Beyond them a SYN is
   * treated as if the SYN queue were full.
   */
  maxHalfOpen: number;
  maxHalfOpenPerHost: number;
  /** Most TIME-WAIT records of one host; further connections of the host end without TIME-WAIT. */
  maxTimeWaitPerHost: number;
  /** tcp_retries1: R1, after which a soft error is reported (SHLD-9, SHLD-10). */
  retries1: number;
  /**
   * tcp_retries2: R2 (MUST-20), as the time of this many timeouts with backoff. The first is
   * `minRto`, but at least 200 ms. Infinity never gives up.
   */
  retries2: number;
  /**
   * tcp_orphan_retries: R2 of an orphan, and its number of zero-window probes. 0: 8, or none once
   * the timeout has reached `maxRto`.
   */
  orphanRetries: number;
  /** TCP_USER_TIMEOUT, RFC 5482; 0 leaves it to R2. */
  userTimeout: Micros;

  /** Shortest and longest delay of an ACK, below 500 ms (MUST-40). Both 0: no delay. */
  delayedAck: Micros;
  delayedAckMax: Micros;
  /** TCP_NODELAY: turns Nagle's algorithm off. */
  noDelay: boolean;

  /** RFC 6928: the initial window in segments (`ip route ... initcwnd`). */
  initialWindow: Segments;
  /** tcp_slow_start_after_idle. */
  slowStartAfterIdle: boolean;
  congestionControl: CongestionName;
  /**
   * How slow start ends before a loss: Linux's HyStart, HyStart++ of RFC 9406, or neither (cubic
   * only).
   */
  hystart: HystartName;
  /** ssthresh is computed from the flight size (RFC 5681 equation 4) instead of cwnd (Linux). */
  ssthreshFromFlight: boolean;
  /**
   * The RTO's variance term is kept for a round trip and falls slowly, as in Linux. False: RFC
   * 6298.
   */
  rtoHoldsVariance: boolean;
  /** tcp_early_retrans: tail loss probes (RFC 8985 section 7). */
  tlp: boolean;
  /** tcp_frto: detects spurious timeouts (RFC 5682). */
  frto: boolean;
  /**
   * Data is paced at slightly more than cwnd/SRTT with any congestion control (Linux: the fq
   * qdisc).
   */
  pacing: boolean;
  /** SO_MAX_PACING_RATE, bytes per second. */
  maxPacingRate: number;

  /** Length of TIME-WAIT, 2 MSL (MUST-13). */
  timeWait: Micros;
  /**
   * tcp_rfc1337: a RST does not end TIME-WAIT (TIME-WAIT assassination). In Linux it does by
   * default.
   */
  rfc1337: boolean;
  /**
   * MAY-2: returns to TIME-WAIT if a SYN that reopened a connection turns out to be an old
   * duplicate. Linux does not return.
   */
  resumesTimeWait: boolean;
  /** tcp_fin_timeout: how long an orphan stays in FIN-WAIT-2. */
  finTimeout: Micros;

  keepAlive: boolean;
  /** tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes. */
  keepAliveIdle: Micros;
  keepAliveInterval: Micros;
  keepAliveProbes: number;

  /**
   * tcp_invalid_ratelimit: shortest interval between a connection's answers to invalid segments
   * (challenge ACKs and duplicate ACKs).
   */
  challengeAckInterval: Micros;
  /**
   * tcp_challenge_ack_limit: challenge ACKs of all connections per second, randomised
   * (CVE-2016-5696).
   */
  challengeAckLimit: number;
  /**
   * An ICMP unreachable error ends a connection in SYN-SENT or SYN-RECEIVED, as in Linux and RFC
   * 5461 section 4.1. MUST-56 forbids it. It never ends one in a synchronized state.
   */
  icmpAbortsSynSent: boolean;
  /**
   * A FIN right after the window is accepted, also when the window is zero, as in Linux. RFC 9293
   * section 3.10.7.4 trims it, because its sequence number is outside the window.
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
  mtuProbeFloor: TCP_MIN_SND_MSS,
  mtuProbeThreshold: 8,
  mtuProbeInterval: 10 * MINUTE,
  rmem: { min: 4096, default: 131_072, max: 6 << 20 },
  receiveBufferBytes: 0,
  windowClamp: 0,
  shrinkWindow: false,
  outOfOrderPieces: 1024,
  initialRto: TCP_TIMEOUT_INIT,
  minRto: TCP_RTO_MIN,
  maxRto: TCP_RTO_MAX,
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
  delayedAck: TCP_DELACK_MIN,
  delayedAckMax: TCP_DELACK_MAX,
  noDelay: false,
  initialWindow: TCP_INIT_CWND,
  slowStartAfterIdle: true,
  congestionControl: 'cubic',
  hystart: 'linux',
  ssthreshFromFlight: false,
  rtoHoldsVariance: true,
  tlp: true,
  frto: true,
  pacing: false,
  maxPacingRate: Infinity,
  timeWait: TCP_TIMEWAIT_LEN,
  rfc1337: false,
  resumesTimeWait: false,
  finTimeout: TCP_TIMEWAIT_LEN,
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
 * `linux`: the behaviour of a Linux server. `rfc`: RFC 9293, RFC 6298 and RFC 1122 where Linux
 * departs from them.
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
    delayedAck: TCP_DELACK_MAX,
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
