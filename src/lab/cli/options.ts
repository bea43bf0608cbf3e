/**
 * The options that all commands with a stack share: device, addresses, TCP settings, faults and
 * output.
 */
import { Option, type Command } from 'commander';
import { MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import { parseDuration, parseLink, type LinkOptions } from '../../device/link/link-options.js';
import { LinkOptionError } from '../../device/link/drop-rules.js';
import { AddressError, Prefix } from '../../ip/address.js';
import {
  CONGESTION_CONTROLS,
  type CongestionName,
  type HystartName,
} from '../../tcp/congestion/index.js';
import type { TcpConfig } from '../../tcp/config.js';
import { EcnMode } from '../../tcp/ecn-mode.js';
import { FastOpenMode } from '../../tcp/fast-open.js';
import { CommandError, Exit } from './errors.js';

export interface SharedOptions {
  /** Name of the stack for `tcplab ss` and the like. */
  name?: string;
  tun?: string;
  tunFd?: number;
  address?: string[];
  mtu?: number;
  offload: boolean;
  driver: 'native' | 'tuntap2';
  drop?: string[];
  loss?: string;
  mark?: string;
  delay?: string;
  jitter?: string;
  reorder?: string;
  duplicate?: string;
  corrupt?: string;
  rate?: string;
  limit?: string;
  pathMtu?: string;
  seed?: number;
  link?: string;
  pcap?: string;
  record?: string;
  recordSnap?: number;
  /** A line for each segment. */
  verbose?: boolean;
  why?: boolean;
  json?: boolean;
  qlog?: string;
  log?: string;
  quiet?: boolean;
  profile: 'linux' | 'rfc';
  congestion?: CongestionName;
  hystart?: HystartName;
  rfc1337?: boolean;
  pacing?: boolean;
  rtoMin?: Micros;
  synRetries?: number;
  syncookies?: 0 | 1 | 2;
  stats?: boolean;
  ecn?: EcnMode;
  fastOpen?: boolean;
  mtuProbing?: 0 | 1 | 2;
}

export interface ServeOptions extends SharedOptions {
  httpRoot?: string;
  /** Number of threads, each with a queue of the device and a stack of its own. */
  workers?: number;
}

/** Adds `value` to the values of a repeatable option. */
export const several = (value: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

export function integer(name: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (/^\d+$/.test(text) && n >= low && n <= high) return n;
    throw new CommandError(
      Exit.usage,
      `${name} must be a whole number from ${low} to ${high}, not '${text}'`,
    );
  };
}

/** 1 ms to 1 s, as Linux's TCP_RTO_MIN_US accepts from one jiffy to a second. */
function rtoMin(text: string): Micros {
  try {
    const wait = parseDuration(text, '--rto-min');
    if (wait >= MILLISECOND && wait <= SECOND) return wait;
  } catch (error) {
    if (!(error instanceof LinkOptionError)) throw error;
  }
  throw new CommandError(
    Exit.usage,
    `--rto-min must be a time from 1ms to 1s, not '${text}'`,
    '--rto-min 10ms',
  );
}

/** `reno (Reno, RFC 5681: ...)`, one after the other. */
const CONTROLS_TEXT = Object.entries(CONGESTION_CONTROLS)
  .map(([name, text]) => `${name} (${text})`)
  .join(', ');

const SERVE_FAST_OPEN = FastOpenMode.client | FastOpenMode.server | FastOpenMode.everyListener;
const ecnMode = integer('--ecn', EcnMode.off, EcnMode.accept) as (text: string) => EcnMode;

/** Live lines of segments; otherwise a summary of each connection. */
export const showsSegments = (o: SharedOptions): boolean => o.verbose === true || o.why === true;

/** Adds the shared options to a command. */
export function withSharedOptions(command: Command): Command {
  return command
    .option(
      '--tun <name>',
      'attach to this TUN device, or create it (default: a device in a private network)',
    )
    .option(
      '--name <name>',
      "name of the stack for tcplab ss, nstat, faults ... (default: the device's)",
    )
    .option(
      '--tun-fd <n>',
      'use this open file descriptor of a TUN device',
      integer('--tun-fd', 0, 65_535),
    )
    .option('--address <ip/prefix>', 'address of the stack, IPv4 or IPv6; repeatable', several)
    .option('--mtu <bytes>', 'MTU of the device', integer('--mtu', 68, 65_535))
    .option('--no-offload', 'no segmentation and checksum offload: every packet as on a wire')
    .addOption(
      new Option('--driver <name>', 'driver that opens the device')
        .choices(['native', 'tuntap2'])
        .default('native'),
    )
    .addOption(
      new Option('--profile <name>', 'TCP settings: as Linux, or strictly as the RFCs')
        .choices(['linux', 'rfc'])
        .default('linux'),
    )
    .addOption(
      new Option('--congestion <name>', `congestion control: ${CONTROLS_TEXT}`)
        .choices(Object.keys(CONGESTION_CONTROLS))
        .default('cubic'),
    )
    .addOption(
      new Option(
        '--hystart <name>',
        'how CUBIC leaves slow start before a loss: as Linux, by RFC 9406 (HyStart++), or ' +
          'not at all',
      ).choices(['linux', 'linux-train', 'linux-delay', 'rfc9406', 'off']),
    )
    .option('--rfc1337', 'ignore RSTs in TIME-WAIT (tcp_rfc1337; on in the rfc profile)')
    .option('--pacing', 'pace segments over the round trip with any congestion control')
    .option(
      '--syn-retries <n>',
      'number of SYN retransmissions before giving up, 1, 2, 4 ... s apart',
      integer('--syn-retries', 0, 20),
    )
    .option(
      '--rto-min <time>',
      'minimum of the variance term of the retransmission timeout, as `ip route ... rto_min`: at ' +
        'least the round trip and this pass before a retransmission (default: 200ms, with ' +
        '--profile rfc 1s)',
      rtoMin,
    )
    .option(
      '--fast-open',
      'accept data in SYNs (TCP Fast Open, RFC 7413), as sent by curl --tcp-fastopen',
    )
    .option(
      '--mtu-probing <n>',
      'probe the path MTU where ICMP is lost: 0 never (the default), 1 when a black hole is ' +
        'suspected, 2 always',
      integer('--mtu-probing', 0, 2),
    )
    .option(
      '--ecn <mode>',
      'as net.ipv4.tcp_ecn: 0 off, 1 request and accept, 2 accept only',
      ecnMode,
    )
    .option(
      '--syncookies <n>',
      'as net.ipv4.tcp_syncookies: 0 never, 1 when the SYN queue is full (the default), 2 ' +
        'for every SYN',
      integer('--syncookies', 0, 2),
    )
    .option(
      '--drop <rule>',
      "drop chosen packets: 'syn-ack:2' (the first two SYN,ACKs), 'in:data:5-7', 'nth:10'; " +
        'repeatable',
      several,
    )
    .option('--loss <share>', 'drop packets at random: 5%')
    .option(
      '--mark <share>',
      'mark packets as congested (ECN CE) as a router does, and drop those without ECN: 5%',
    )
    .option('--delay <time>', 'delay each packet: 50ms')
    .option('--jitter <time>', 'vary that delay: 10ms')
    .option('--reorder <share>', 'reorder packets: 2%')
    .option('--duplicate <share>', 'duplicate packets: 1%')
    .option('--corrupt <share>', 'flip one bit of a packet: 0.1%')
    .option('--rate <bits>', 'limit the rate: 10mbit')
    .option('--limit <n>', 'length of the queue at that rate, in packets: 100')
    .option(
      '--path-mtu <bytes>',
      'a router on the path has this MTU and reports it by ICMP: 1280; 1280,blackhole: ' +
        'without ICMP; 1280,no-mtu: ICMP without the MTU',
    )
    .option('--link <words>', "all of these in netem's syntax: 'loss 5% in delay 50ms out'")
    .option(
      '--seed <n>',
      'seed of the random faults: the same seed repeats them',
      integer('--seed', 0, 0xffff_ffff),
    )
    .option(
      '--pcap <file>',
      'write every packet, both ways, to a pcapng file (- for standard output)',
    )
    .option('--record <file>', 'record all inputs of the stack, for `tcplab replay`')
    .option(
      '--record-snap <bytes>',
      'of each payload, record only this many bytes',
      integer('--record-snap', 0, 1 << 20),
    )
    .option('-v, --verbose', 'print every segment, not only a summary of each connection')
    .option('--why', 'explain every segment (implies -v)')
    .option('--json', 'print events as JSON Lines instead of text (docs/events.md)')
    .option('--qlog <file>', 'write events to this file as qlog')
    .option('--log <file>', 'write live lines to this file instead of standard error')
    .option('-q, --quiet', 'print no live lines')
    .option('--stats', "print TCP's counters at the end, as nstat does");
}

/** The link's faults, or null for none. Throws CommandError (2) for an invalid description. */
export function linkOf(o: SharedOptions): LinkOptions | null {
  const words: string[] = [];
  const add = (word: string, value: string | number | undefined): void => {
    if (value !== undefined) words.push(word, String(value));
  };
  add('loss', o.loss);
  add('mark', o.mark);
  add('delay', o.delay);
  add('jitter', o.jitter);
  add('reorder', o.reorder);
  add('duplicate', o.duplicate);
  add('corrupt', o.corrupt);
  add('rate', o.rate);
  add('limit', o.limit);
  add('mtu', o.pathMtu);
  for (const rule of o.drop ?? []) words.push('drop', rule);
  if (o.link !== undefined) words.push(...o.link.trim().split(/\s+/));
  if (words.length === 0) return null;
  add('seed', o.seed);
  try {
    return parseLink(words);
  } catch (error) {
    if (error instanceof LinkOptionError)
      throw new CommandError(Exit.usage, error.message, "for example --loss 5% --drop 'syn-ack:2'");
    throw error;
  }
}

export function prefixesOf(texts: readonly string[]): Prefix[] {
  return texts.map((text) => {
    try {
      return Prefix.parse(text);
    } catch (error) {
      if (error instanceof AddressError)
        throw new CommandError(Exit.usage, error.message, 'for example --address 198.18.0.2/24');
      throw error;
    }
  });
}

/** What the options say about TCP. */
export const tcpConfigOf = (o: SharedOptions): Partial<TcpConfig> => ({
  ...(o.congestion === undefined ? {} : { congestionControl: o.congestion }),
  ...(o.hystart === undefined ? {} : { hystart: o.hystart }),
  ...(o.rfc1337 === true ? { rfc1337: true } : {}),
  ...(o.pacing === true ? { pacing: true } : {}),
  ...(o.rtoMin === undefined ? {} : { minRto: o.rtoMin }),
  ...(o.synRetries === undefined ? {} : { synRetries: o.synRetries, synLinearTimeouts: 0 }),
  ...(o.syncookies === undefined ? {} : { synCookies: o.syncookies }),
  ...(o.mtuProbing === undefined ? {} : { mtuProbing: o.mtuProbing }),
  ...(o.ecn === undefined ? {} : { ecn: o.ecn }),
  ...(o.fastOpen === true ? { fastOpen: SERVE_FAST_OPEN } : {}),
});
