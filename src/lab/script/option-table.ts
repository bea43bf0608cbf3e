/** The options of packetdrill, at a script's top or on the command line, and their meaning here. */
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
  /** What the value is, for `--help`; null if the option has no value. */
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
/** An option for a kernel's device or for packetdrill itself, which has no effect in memory. */
const idle = (value: string | null): KnownOption => ({
  value,
  help: 'accepted, without effect here',
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
const FREEBSD = 'the option is for systems other than Linux';

export const SCRIPT_OPTIONS: Readonly<Record<string, KnownOption>> = {
  ip_version: {
    value: 'version',
    help: 'ipv4, ipv6 or ipv4-mapped-ipv6 (IPv6 sockets, IPv4 packets)',
    meaning: ({ value, place }) => {
      const known = Object.hasOwn(IP_VERSIONS, value) ? IP_VERSIONS[value] : undefined;
      if (known === undefined)
        throw new Unsupported(
          `--ip_version=${value}: use one of ${Object.keys(IP_VERSIONS).join(', ')}`,
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
    'larger inbound segments are super-segments of segments of this size',
    ['bytes', 1, 65_495],
    (mss) => ({ mss }),
  ),
  tolerance_usecs: count(
    'minimum tolerance of times (default: 4000)',
    ['microseconds', 0, 1e9],
    (toleranceUsecs) => ({
      toleranceUsecs,
    }),
  ),
  tcp_ts_tick_usecs: count(
    'compare TSval, with ticks of this length',
    ['microseconds', 0, 1e6],
    (timestampTickUsecs) => ({
      timestampTickUsecs,
    }),
  ),
  tcp_ts_ecr_scaled: flag(
    "inbound `ecr` values count from our first TSval, in the script's ticks",
    {
      echoIsScaled: true,
    },
  ),
  strict_segments: flag('compare segments one by one, without joining them', {
    strictSegments: true,
  }),
  non_fatal: {
    value: 'what',
    help: 'packet, syscall or both with a comma: their differences are warnings, not failures',
    meaning: ({ value, place }) => {
      const nonFatal = nonFatalOf(value);
      if (nonFatal === null)
        throw new Unsupported(`--non_fatal=${value}: use ${NON_FATAL.join(' or ')}`, place);
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
          `--init_scripts=${value}: there is no file '${file}' in the script's folder`,
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
  dry_run: missing(null, 'scripts are always played'),
  wire_client: missing(null, REMOTE),
  wire_server: missing(null, REMOTE),
  wire_server_ip: missing('address', REMOTE),
  wire_server_port: missing('port', REMOTE),
  wire_client_dev: missing('name', REMOTE),
  wire_server_dev: missing('name', REMOTE),
  so_filename: missing('file', 'the system calls are built in, not in a library'),
  so_flags: missing('flags', 'the system calls are built in, not in a library'),
  udp_encaps: missing('encapsulation', FREEBSD),
};

/** The meaning of an option. Throws Unsupported if it is not known or its value is invalid. */
export function optionMeaning(option: ScriptOption, o: RunOptions): RunOptions {
  const { name, place } = option;
  const known = Object.hasOwn(SCRIPT_OPTIONS, name) ? SCRIPT_OPTIONS[name] : undefined;
  if (known === undefined) throw new Unsupported(`the option --${name} is not supported`, place);
  return known.meaning(option, o);
}

/**
 * The options at a script's top; those of the command line replace them.
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
    throw new Unsupported(`--${name}=${value} must be ${least} to ${most} ${unit}`, place);
  return n;
}

/** `192.0.2.1`, or `192.0.2.1/24`, where the prefix length has no effect. */
function addressOf({ name, value, place }: ScriptOption): Address {
  try {
    return Address.parse(value.replace(/\/\d+$/, ''));
  } catch {
    throw new Unsupported(`--${name}=${value} must be an IP address`, place);
  }
}
