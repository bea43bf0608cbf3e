/** The timers of a connection, and their names. */

export const Timer = {
  /** Retransmission timeout, RFC 6298. Also retransmits SYN, SYN-ACK and FIN. */
  rto: 0,
  /** Zero-window probe, RFC 9293 section 3.8.6.1. */
  persist: 1,
  /** Delayed ACK, RFC 9293 section 3.8.6.3. */
  delayedAck: 2,
  /** Keep-alive, RFC 9293 section 3.8.4. */
  keepAlive: 3,
  /** FIN-WAIT-2 of an orphan (Linux's tcp_fin_timeout). */
  finWait2: 4,
  /**
   * Tail loss probe, RFC 8985 section 7: armed instead of the retransmission timer outside loss
   * recovery.
   */
  tlp: 5,
  /** RACK's reordering timer, RFC 8985 section 6.2 step 5. */
  reorder: 6,
  /** Output continues when pacing allows. */
  pacing: 7,
} as const;

export type Timer = (typeof Timer)[keyof typeof Timer];

export const TIMER_NAMES = [
  'rto',
  'persist',
  'delayed-ack',
  'keep-alive',
  'fin-wait-2',
  'tlp',
  'reorder',
  'pacing',
] as const;
