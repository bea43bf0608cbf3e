/** How a script is played: from the command line, and from the script's own first lines. */
import type { Micros } from '../base/time.js';
import type { StackObserver } from '../stack/observer.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Script, ScriptOption } from './ast.js';
import { Unsupported } from './values.js';

/** What may differ without failing: packets and code, or results of calls. */
export const NON_FATAL = ['packet', 'syscall'] as const;
export type NonFatal = (typeof NON_FATAL)[number];

export interface RunOptions {
  /** Default 4. */
  readonly ipVersion?: 4 | 6;
  /** Bytes of the device's MTU; default 1500. */
  readonly mtu?: number;
  /** Microseconds that an event may be early or late; default 4000. */
  readonly toleranceUsecs?: number;
  /** Microseconds of a tick of TSval; 0 (default): TSval is not compared. */
  readonly timestampTickUsecs?: number;
  /** Each outbound segment must be written as it is cut. */
  readonly strictSegments?: boolean;
  /** Also: nothing may be left over at the end, and no segment may exceed the MSS. */
  readonly strict?: boolean;
  /** What of it differs is told of, and the script goes on. */
  readonly nonFatal?: readonly NonFatal[];
  /** Commands before every script's own: what `--init_scripts` names. */
  readonly init?: string;
  /** The text of a file that the script names, from the script's own folder; null when there is none. */
  readonly readBeside?: (name: string) => string | null;
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver;
}

/** RFC 791: every link carries so much. */
export const LEAST_MTU = 68;
export const MOST_MTU = 65_535;

/** The options at a script's top, with the command line's in their place where both say something. */
export const withScriptOptions = (script: Script, o: RunOptions): RunOptions => ({
  ...script.options.reduce((all, option) => ({ ...all, ...meaning(option, o) }), {}),
  ...o,
});

function meaning(option: ScriptOption, o: RunOptions): RunOptions {
  const { name, value, place } = option;
  switch (name) {
    case 'tolerance_usecs':
      return { toleranceUsecs: whole(option, 'microseconds', 0, 1e9) };
    case 'mtu':
      return { mtu: whole(option, 'bytes', LEAST_MTU, MOST_MTU) };
    case 'tcp_ts_tick_usecs':
      return { timestampTickUsecs: whole(option, 'microseconds', 0, 1e6) };
    case 'strict_segments':
      return { strictSegments: true };
    case 'ip_version':
      if (value !== 'ipv4' && value !== 'ipv6')
        throw new Unsupported(`--ip_version=${value}: ipv4 and ipv6 are known`, place);
      return { ipVersion: value === 'ipv6' ? 6 : 4 };
    case 'non_fatal': {
      const kinds = nonFatalOf(value);
      if (kinds === null) throw new Unsupported(`--non_fatal=${value}: ${NON_FATAL.join(' and ')} are known`, place);
      return { nonFatal: kinds };
    }
    case 'init_scripts':
      return {
        init: initCommands(value, o.readBeside ?? none, (file) => {
          throw new Unsupported(`--init_scripts=${value}: there is no file '${file}' by the script`, place);
        }),
      };
    default:
      throw new Unsupported(`the option --${name} is not known`, place);
  }
}

/** `packet,syscall`; null when another word is among them. */
export function nonFatalOf(text: string): readonly NonFatal[] | null {
  const words = text.split(',');
  const known = NON_FATAL.filter((kind) => words.includes(kind));
  return words.every((word) => known.some((kind) => kind === word)) ? known : null;
}

function whole({ name, value, place }: ScriptOption, unit: string, least: number, most: number): number {
  const n = Number(value);
  if (!(value !== '' && Number.isInteger(n) && n >= least && n <= most))
    throw new Unsupported(`--${name}=${value}: it is ${least} to ${most} ${unit}`, place);
  return n;
}

const none = (): null => null;

/**
 * What the files of `--init_scripts` say, with commas between. No shell runs them: a line that is no setting makes a script a SKIP. A defaults.sh need not be
 * there: it is what holds anyway.
 */
export const initCommands = (
  files: string,
  read: (file: string) => string | null,
  missing: (file: string) => never,
): string =>
  files
    .split(',')
    .map((file) => (/(?:^|\/)defaults\.sh$/.test(file) ? 'defaults.sh' : (read(file) ?? missing(file))))
    .join('\n');

const DEFAULT_TOLERANCE: Micros = 4000;
const TOLERANCE_SHARE = 0.125;

/** How early or late something may be that is due `gap` after the event before. */
export const toleranceOf = (o: RunOptions, gap: Micros): Micros =>
  Math.max(o.toleranceUsecs ?? DEFAULT_TOLERANCE, gap * TOLERANCE_SHARE);
