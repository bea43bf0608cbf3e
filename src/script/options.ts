/** How a script is played: from the command line, and from the script's own first lines. */
import type { Micros } from '../base/time.js';
import type { StackObserver } from '../stack/observer.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Script } from './ast.js';
import { applyCommand } from './knobs.js';
import { Unsupported } from './values.js';

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
  /** Errors in code (`%{ }%`) and packets are reported, and the script goes on: `packet`, `syscall`. */
  readonly nonFatal?: readonly string[];
  /** Commands before every script's own: what `--init_scripts` names. */
  readonly init?: string;
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver;
}

/** RFC 791: every link carries so much. */
export const LEAST_MTU = 68;
export const MOST_MTU = 65_535;

/** `--tolerance_usecs=10000` and the like at a script's top count more than the command line's. */
export function withScriptOptions(script: Script, o: RunOptions): RunOptions {
  let options = o;
  for (const { name, value, place } of script.options) {
    switch (name) {
      case 'tolerance_usecs':
        options = { ...options, toleranceUsecs: Number(value) };
        break;
      case 'mtu': {
        const mtu = Number(value);
        if (!(Number.isInteger(mtu) && mtu >= LEAST_MTU && mtu <= MOST_MTU))
          throw new Unsupported(`--mtu=${value}: an MTU is ${LEAST_MTU} to ${MOST_MTU} bytes`, place);
        options = { ...options, mtu };
        break;
      }
      case 'tcp_ts_tick_usecs':
        options = { ...options, timestampTickUsecs: Number(value) };
        break;
      case 'strict_segments':
        options = { ...options, strictSegments: true };
        break;
      case 'ip_version':
        if (value !== 'ipv4' && value !== 'ipv6')
          throw new Unsupported(`--ip_version=${value}: ipv4 and ipv6 are known`, place);
        options = { ...options, ipVersion: value === 'ipv6' ? 6 : 4 };
        break;
      case 'non_fatal':
        options = { ...options, nonFatal: value.split(',') };
        break;
      case 'init_scripts':
        options = { ...options, config: { ...options.config, ...applyCommand(value.replace(/,/g, '\n')) } };
        break;
      default:
        throw new Unsupported(`the option --${name} is not known`, place);
    }
  }
  return options;
}

const DEFAULT_TOLERANCE: Micros = 4000;
const TOLERANCE_SHARE = 0.125;

/** How early or late something may be that is due `gap` after the event before. */
export const toleranceOf = (o: RunOptions, gap: Micros): Micros =>
  Math.max(o.toleranceUsecs ?? DEFAULT_TOLERANCE, gap * TOLERANCE_SHARE);
