/** The options for playing a script, from the command line and from the script's first lines. */
import type { Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import type { StackObserver } from '../../stack/observer.js';
import type { TcpConfig } from '../../tcp/config.js';

/** Values of `--non_fatal`: packets and code, or the results of calls. */
export const NON_FATAL = ['packet', 'syscall'] as const;
export type NonFatal = (typeof NON_FATAL)[number];

export interface RunOptions {
  /** Default 4. */
  readonly ipVersion?: 4 | 6;
  /** IPv6 sockets with IPv4 packets. */
  readonly v4Mapped?: boolean;
  /** The stack's address, and its peer's. */
  readonly local?: Address;
  readonly remote?: Address;
  /** The port for bind() and connect() with `...`; default 8080. */
  readonly bindPort?: number;
  readonly connectPort?: number;
  /** Longer inbound segments are super-segments of this MSS; 0 (default): no super-segments. */
  readonly mss?: number;
  /** Bytes of the device's MTU; default 1500. */
  readonly mtu?: number;
  /** Microseconds that an event may be early or late; default 4000. */
  readonly toleranceUsecs?: number;
  /** Microseconds for one tick of TSval; 0 (default): TSval is not compared. */
  readonly timestampTickUsecs?: number;
  /** Inbound TSecr values count ticks from our first TSval. */
  readonly echoIsScaled?: boolean;
  /** The script must state each outbound segment by itself; segments are not joined. */
  readonly strictSegments?: boolean;
  /** Also fail on unexpected packets at the end, and on segments larger than the MSS. */
  readonly strict?: boolean;
  /** Differences of these kinds are warnings; the script continues. */
  readonly nonFatal?: readonly NonFatal[];
  /** The files of `--init_scripts`, whose commands run before every script's own. */
  readonly init?: readonly InitScript[];
  /**
   * Returns the text of a file in the script's folder; null if there is none.
   */
  readonly readBeside?: (name: string) => string | null;
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver;
}

/** Bytes. Every link carries packets of this size (RFC 791). */
export const LEAST_MTU = 68;
export const MOST_MTU = 65_535;

/** `packet,syscall`; null if it contains another word. */
export function nonFatalOf(text: string): readonly NonFatal[] | null {
  const words = text.split(',');
  const known = NON_FATAL.filter((kind) => words.includes(kind));
  return words.every((word) => known.some((kind) => kind === word)) ? known : null;
}

/** A file of `--init_scripts`. defaults.sh need not exist, because its settings are the default. */
export interface InitScript {
  readonly isDefaults: boolean;
  readonly text: string | null;
}

/**
 * The files of `--init_scripts`, separated by commas. No shell runs them; a line that is not a
 * setting makes each script a SKIP.
 */
export const initScripts = (
  files: string,
  read: (file: string) => string | null,
  missing: (file: string) => never,
): readonly InitScript[] =>
  files.split(',').map((file) => {
    const isDefaults = /(?:^|\/)defaults\.sh$/.test(file);
    return { isDefaults, text: read(file) ?? (isDefaults ? null : missing(file)) };
  });

const DEFAULT_TOLERANCE: Micros = 4000;
const TOLERANCE_SHARE = 0.125;

/** The tolerance for an event that is due `gap` after the previous one. */
export const toleranceOf = (o: RunOptions, gap: Micros): Micros =>
  Math.max(o.toleranceUsecs ?? DEFAULT_TOLERANCE, gap * TOLERANCE_SHARE);
