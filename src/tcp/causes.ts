/**
 * Why a connection changes its state: the user's calls, segments and timers of RFC 9293 section
 * 3.10, and what Linux adds. `TRANSITIONS` (state.ts) lists the causes of each transition. The text
 * that is shown for each cause is in observe/cause-texts.ts.
 */

/** Outcomes of close(2) and shutdown(2). */
const CLOSES = [
  'close',
  /** RST instead of FIN, because received data is unread (section 3.6.1, SHLD-3). */
  'close-unread',
  /** SO_LINGER with a time of zero. */
  'close-no-linger',
  /** tcp_mem or tcp_max_orphans leaves no room for an orphan. */
  'close-no-room',
] as const;

/** The user's calls (RFC 9293 section 3.9.1). */
const CALLS = [
  'active-open',
  ...CLOSES,
  'abort',
  /** connect(2) with AF_UNSPEC. */
  'disconnect',
] as const;

/** Segments, and ICMP errors about ours. */
const SEGMENTS = [
  'syn',
  'syn-cookie',
  'simultaneous-syn',
  'syn-ack',
  'ack-of-syn',
  'ack-of-fin',
  'fin',
  'rst',
  /** RFC 9293 section 3.10.7.4, fourth step: a SYN in SYN-RECEIVED of an active open. */
  'syn-in-syn-received',
  /** Section 3.6.1: data arrived after our user closed both directions. */
  'data-after-close',
  'icmp-error',
] as const;

/** Timers (RFC 9293 section 3.8). */
const TIMERS = [
  /** R2 of a SYN or SYN,ACK (section 3.8.3). */
  'syn-timeout',
  /** R2 of data (section 3.8.3). */
  'data-timeout',
  /** The user timeout (RFC 5482) passed while the peer's window was zero. */
  'window-timeout',
  /** Section 3.8.6.1. */
  'probes-unanswered',
  /** Section 3.8.4. */
  'keep-alive-unanswered',
  /** Linux's tcp_fin_timeout: the time of an orphan in FIN-WAIT-2 is over. */
  'fin-wait-2-timeout',
  /** TCP_LINGER2 below zero: an orphan does not enter FIN-WAIT-2. */
  'no-fin-wait-2',
] as const;

/** The stack. */
const STACK = [
  /** tcp_max_orphans: an orphan is closed to make room. */
  'orphan-limit',
  /** A buffer of a zero-copy send was transferred to another thread. */
  'lent-data-gone',
  'listener-closes',
  'stack-closes',
  'device-gone',
  /** `tcplab kill`: an operator ends the connection (Linux's SOCK_DESTROY). */
  'killed',
] as const;

export const CAUSES = [...CALLS, ...SEGMENTS, ...TIMERS, ...STACK] as const;
export type Cause = (typeof CAUSES)[number];

/** Causes of an abort, which sends a RST to the peer. */
export type AbortCause =
  | Exclude<(typeof CALLS)[number], 'active-open' | 'close'>
  | 'orphan-limit'
  | 'listener-closes'
  | 'stack-closes'
  | 'killed';

/**
 * Causes that can end a connection in every state from SYN-SENT to LAST-ACK: the user, the peer or
 * the stack. The other causes depend on the state (state.ts).
 */
export const ENDS = [
  'close-no-linger',
  'close-no-room',
  'abort',
  'disconnect',
  'rst',
  'stack-closes',
  'device-gone',
  'killed',
] as const satisfies readonly Cause[];

const calls: ReadonlySet<Cause> = new Set(CALLS);
const closes: ReadonlySet<Cause> = new Set(CLOSES);

/** True for the user's calls. */
export const isCall = (cause: Cause): boolean => calls.has(cause);
/** True if the user has closed our side. */
export const isClose = (cause: Cause): boolean => closes.has(cause);
