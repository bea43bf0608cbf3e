/** How a script is played: from the command line, and from the script's own first lines. */
import type { Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import type { StackObserver } from '../../stack/observer.js';
import type { TcpConfig } from '../../tcp/config.js';

/** What may differ without failing: packets and code, or results of calls. */
export const NON_FATAL = ['packet', 'syscall'] as const;
export type NonFatal = (typeof NON_FATAL)[number];

export interface RunOptions {
  /** Default 4. */
  readonly ipVersion?: 4 | 6;
  /** Sockets are IPv6's and packets IPv4's. */
  readonly v4Mapped?: boolean;
  /** The stack's address, and its peer's. */
  readonly local?: Address;
  readonly remote?: Address;
  /** Where bind() and connect() with `...` go; default 8080. */
  readonly bindPort?: number;
  readonly connectPort?: number;
  /** Segments of more bytes come in as super-segments of such; 0 (default): each in one piece. */
  readonly mss?: number;
  /** Bytes of the device's MTU; default 1500. */
  readonly mtu?: number;
  /** Microseconds that an event may be early or late; default 4000. */
  readonly toleranceUsecs?: number;
  /** Microseconds of a tick of TSval; 0 (default): TSval is not compared. */
  readonly timestampTickUsecs?: number;
  /** A TSecr that comes in counts ticks from our first TSval. */
  readonly echoIsScaled?: boolean;
  /** Each outbound segment must be written as it is cut. */
  readonly strictSegments?: boolean;
  /** Also: nothing may be left over at the end, and no segment may exceed the MSS. */
  readonly strict?: boolean;
  /** What of it differs is told of, and the script goes on. */
  readonly nonFatal?: readonly NonFatal[];
  /** Commands before every script's own: what `--init_scripts` names. */
  readonly init?: readonly InitScript[];
  /**
   * The text of a file that the script names, from the script's own folder; null when there is
   * none.
   */
  readonly readBeside?: (name: string) => string | null;
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver;
}

/** RFC 791: every link carries so much. */
export const LEAST_MTU = 68;
export const MOST_MTU = 65_535;

/** `packet,syscall`; null when another word is among them. */
export function nonFatalOf(text: string): readonly NonFatal[] | null {
  const words = text.split(',');
  const known = NON_FATAL.filter((kind) => words.includes(kind));
  return words.every((word) => known.some((kind) => kind === word)) ? known : null;
}

/** A file of `--init_scripts`. A defaults.sh need not be there: it is what holds anyway. */
export interface InitScript {
  readonly isDefaults: boolean;
  readonly text: string | null;
}

/**
 * The files that `--init_scripts` names, with commas between. No shell runs them: a line that is no
 * setting makes a script a SKIP.
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

/** How early or late something may be that is due `gap` after the event before. */
export const toleranceOf = (o: RunOptions, gap: Micros): Micros =>
  Math.max(o.toleranceUsecs ?? DEFAULT_TOLERANCE, gap * TOLERANCE_SHARE);
