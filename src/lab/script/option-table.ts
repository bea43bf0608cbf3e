/** The options of packetdrill, at a script's top or on the command line: what each means here. */
import { Address } from '../../ip/address.js';
import type { ScriptOption } from './ast.js';
import {
  initScripts,
  LEAST_MTU,
  MOST_MTU,
  NON_FATAL,
  nonFatalOf,
  type RunOptions,
} from './options.js';
import { Unsupported } from './values.js';

export interface KnownOption {
  /** What its value is, for `--help`; null: it takes none. */
  readonly value: string | null;
  readonly help: string;
  /** `--help` leaves it out. */
  readonly isHidden?: boolean;
  readonly meaning: (option: ScriptOption, o: RunOptions) => RunOptions;
}

const IP_VERSIONS: Readonly<Record<string, RunOptions>> = {
  ipv4: { ipVersion: 4, v4Mapped: false },
  ipv6: { ipVersion: 6, v4Mapped: false },
  'ipv4-mapped-ipv6': { ipVersion: 4, v4Mapped: true },
};

const flag = (help: string, means: RunOptions): KnownOption => ({
  value: null,
  help,
  meaning: () => means,
});
const count = (
  help: string,
  [unit, least, most]: readonly [unit: string, least: number, most: number],
  meaning: (n: number) => RunOptions,
): KnownOption => ({
  value: unit,
  help,
  meaning: (option) => meaning(whole(option, unit, least, most)),
});
const address = (help: string, meaning: (a: Address) => RunOptions): KnownOption => ({
  value: 'address',
  help,
  meaning: (option) => meaning(addressOf(option)),
});
/** What matters to a kernel's device or to packetdrill itself, and to nothing in memory. */
const idle = (value: string | null): KnownOption => ({
  value,
  help: 'taken, and nothing here depends on it',
  isHidden: true,
  meaning: () => ({}),
});
const missing = (value: string | null, reason: string): KnownOption => ({
  value,
  help: reason,
  isHidden: true,
  meaning: ({ name, place }) => {
    throw new Unsupported(`--${name}: ${reason}`, place);
  },
});
const REMOTE = 'scripts are played in memory, not between two machines';
const FREEBSD = 'it is an option for other systems than Linux';

export const SCRIPT_OPTIONS: Readonly<Record<string, KnownOption>> = {
  ip_version: {
    value: 'version',
    help: 'ipv4, ipv6 or ipv4-mapped-ipv6 (IPv6 sockets, IPv4 packets)',
    meaning: ({ value, place }) => {
      const known = Object.hasOwn(IP_VERSIONS, value) ? IP_VERSIONS[value] : undefined;
      if (known === undefined)
        throw new Unsupported(
          `--ip_version=${value}: ${Object.keys(IP_VERSIONS).join(', ')} are known`,
          place,
        );
      return known;
    },
  },
  local_ip: address("the stack's address", (local) => ({ local })),
  remote_ip: address("the peer's address", (remote) => ({ remote })),
  bind_port: count('where `bind(fd, ..., ...)` binds', ['port', 1, 65_535], (bindPort) => ({
    bindPort,
  })),
  connect_port: count('where `connect(fd, ..., ...)` goes', ['port', 1, 65_535], (connectPort) => ({
    connectPort,
  })),
  mtu: count("the device's MTU (default: 1500)", ['bytes', LEAST_MTU, MOST_MTU], (mtu) => ({
    mtu,
  })),
  mss: count(
    'what comes in larger is a super-segment of such segments',
    ['bytes', 1, 65_495],
    (mss) => ({ mss }),
  ),
  tolerance_usecs: count(
    'least tolerance of times (default: 4000)',
    ['microseconds', 0, 1e9],
    (toleranceUsecs) => ({
      toleranceUsecs,
    }),
  ),
  tcp_ts_tick_usecs: count(
    'compare TSval, with ticks of so long',
    ['microseconds', 0, 1e6],
    (timestampTickUsecs) => ({
      timestampTickUsecs,
    }),
  ),
  tcp_ts_ecr_scaled: flag(
    "an `ecr` that comes in counts from our first TSval, in the script's ticks",
    {
      echoIsScaled: true,
    },
  ),
  strict_segments: flag('segments are compared one by one, not put together', {
    strictSegments: true,
  }),
  non_fatal: {
    value: 'what',
    help: 'packet, syscall or both with a comma: what of it differs is no failure',
    meaning: ({ value, place }) => {
      const nonFatal = nonFatalOf(value);
      if (nonFatal === null)
        throw new Unsupported(`--non_fatal=${value}: ${NON_FATAL.join(' and ')} are known`, place);
      return { nonFatal };
    },
  },
  init_scripts: {
    value: 'files',
    help:
      'settings before each script: files of sysctl lines, with commas between; defaults.sh is ' +
      'known',
    meaning: ({ value, place }, o) => ({
      init: initScripts(value, o.readBeside ?? ((): null => null), (file) => {
        throw new Unsupported(
          `--init_scripts=${value}: there is no file '${file}' by the script`,
          place,
        );
      }),
    }),
  },
  gateway_ip: idle('address'),
  netmask_ip: idle('netmask'),
  speed: idle('Mbit/s'),
  send_omit_free: idle(null),
  is_anyip: idle(null),
  code_command: idle('command'),
  code_format: idle('format'),
  code_sockopt: idle('option'),
  no_cleanup: idle(null),
  persistent_tun_dev: idle(null),
  tun_dev: idle('name'),
  verbose: idle(null),
  debug: idle(null),
  dry_run: missing(null, 'a script is played, not only read'),
  wire_client: missing(null, REMOTE),
  wire_server: missing(null, REMOTE),
  wire_server_ip: missing('address', REMOTE),
  wire_server_port: missing('port', REMOTE),
  wire_client_dev: missing('name', REMOTE),
  wire_server_dev: missing('name', REMOTE),
  so_filename: missing('file', 'it names a library with system calls, and here they are our own'),
  so_flags: missing('flags', 'it is for a library with system calls, and here they are our own'),
  udp_encaps: missing('encapsulation', FREEBSD),
};

/** Throws Unsupported for one that is not known, or has a value that it cannot have. */
export function optionMeaning(option: ScriptOption, o: RunOptions): RunOptions {
  const { name, place } = option;
  const known = Object.hasOwn(SCRIPT_OPTIONS, name) ? SCRIPT_OPTIONS[name] : undefined;
  if (known === undefined) throw new Unsupported(`the option --${name} is not known`, place);
  return known.meaning(option, o);
}

/**
 * The options at a script's top, with the command line's in their place where both say something.
 */
export const withScriptOptions = (options: readonly ScriptOption[], o: RunOptions): RunOptions => ({
  ...options.reduce((all, option) => ({ ...all, ...optionMeaning(option, o) }), {}),
  ...o,
});

function whole(
  { name, value, place }: ScriptOption,
  unit: string,
  least: number,
  most: number,
): number {
  const n = Number(value);
  if (!(value !== '' && Number.isInteger(n) && n >= least && n <= most))
    throw new Unsupported(`--${name}=${value}: it is ${least} to ${most} ${unit}`, place);
  return n;
}

/** `192.0.2.1`, or `192.0.2.1/24`: the prefix's length says nothing here. */
function addressOf({ name, value, place }: ScriptOption): Address {
  try {
    return Address.parse(value.replace(/\/\d+$/, ''));
  } catch {
    throw new Unsupported(`--${name}=${value}: it is an IP address`, place);
  }
}
