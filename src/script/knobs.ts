/**
 * What a script's commands would do to the kernel, done to our stack's configuration instead. No shell is ever run: a command is known, or its script
 * is skipped with the reason.
 */
import { MtuDiscover } from '../base/mtu-discover.js';
import { MILLISECOND, SECOND } from '../base/time.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../tcp/congestion/index.js';
import { keyBytes } from '../tcp/fast-open-cookie.js';
import { PROFILES, type TcpConfig } from '../tcp/config.js';
import { Unsupported } from './values.js';

/** The kernel that public scripts assume: their defaults.sh. */
export const SCRIPT_PROFILE: TcpConfig = {
  ...PROFILES.linux,
  rmem: { min: 4096, default: 540_000, max: 15 << 20 },
  wmem: { min: 4096, default: 256 << 10, max: 4 << 20 },
  ecn: 0,
  fastOpen: 0x403,
  fastOpenBlackholeTimeout: 0,
  fastOpenKey: 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4',
  urgentInline: false,
  slowStartAfterIdle: false,
  synRetries: 5,
  synLinearTimeouts: 0,
  synAckRetries: 5,
  congestionControl: 'cubic',
};

type Knob = (value: string) => Partial<TcpConfig>;

/** A whole number, in hex or not, that the kernel would take. */
const whole = (value: string, most = 0xffff_ffff, least = 0): number => {
  const n = /^(?:0x[\da-f]+|\d+)$/i.test(value.trim()) ? Number(value) : NaN;
  if (!(n >= least && n <= most))
    throw new Unsupported(`'${value.trim()}' is no whole number from ${least} to ${most}`);
  return n;
};
const three = (value: string): { min: number; default: number; max: number } => {
  const numbers = value.trim().split(/\s+/);
  const [min, middle, max] = numbers.map((n) => whole(n, 0x7fff_ffff, 1));
  if (numbers.length !== 3 || min === undefined || middle === undefined || max === undefined)
    throw new Unsupported(`'${value}' is not three numbers`);
  return { min, default: middle, max };
};
const BYTE = 255;
/** MAX_TCP_KEEPIDLE, seconds. */
const MOST_KEEPALIVE = 32_767;
const unless0 = (value: string): boolean => whole(value, BYTE) !== 0;
const none: Knob = () => ({});

/** By the name behind net.ipv4. */
const KNOBS: Readonly<Record<string, Knob>> = {
  tcp_timestamps: (v) => ({ timestamps: unless0(v) }),
  tcp_sack: (v) => ({ sack: unless0(v) }),
  tcp_window_scaling: (v) => ({ windowScaling: unless0(v) }),
  // 3 to 5 are AccECN, which is not built.
  tcp_ecn: (v) => ({ ecn: whole(v, 2) as TcpConfig['ecn'] }),
  tcp_ecn_fallback: (v) => ({ ecnFallback: unless0(v) }),
  tcp_fastopen: (v) => ({ fastOpen: whole(v) }),
  tcp_fastopen_blackhole_timeout_sec: (v) => ({ fastOpenBlackholeTimeout: whole(v) * SECOND }),
  tcp_fastopen_key: (v) => {
    if (v.split(',').some((key) => keyBytes(key) === null))
      throw new Unsupported(
        `'${v.trim()}' is no key of Fast Open: four numbers in hex with '-' between, or two such with ','`,
      );
    return { fastOpenKey: v.trim() };
  },
  tcp_rmem: (v) => ({ rmem: three(v) }),
  tcp_wmem: (v) => ({ wmem: three(v) }),
  tcp_congestion_control: (v) => {
    const name = v.trim();
    if (!Object.hasOwn(CONGESTION_CONTROLS, name))
      throw new Unsupported(`the congestion control '${name}' is not known`);
    return { congestionControl: name as CongestionName };
  },
  tcp_slow_start_after_idle: (v) => ({ slowStartAfterIdle: unless0(v) }),
  tcp_syn_retries: (v) => ({ synRetries: whole(v, 127, 1) }),
  tcp_syn_linear_timeouts: (v) => ({ synLinearTimeouts: whole(v, BYTE) }),
  tcp_synack_retries: (v) => ({ synAckRetries: whole(v, BYTE) }),
  tcp_retries1: (v) => ({ retries1: whole(v, BYTE) }),
  tcp_retries2: (v) => ({ retries2: whole(v, BYTE) }),
  tcp_syncookies: (v) => ({ synCookies: whole(v, 2) as TcpConfig['synCookies'] }),
  tcp_fin_timeout: (v) => ({ finTimeout: whole(v) * SECOND }),
  tcp_keepalive_time: (v) => ({ keepAliveIdle: whole(v, MOST_KEEPALIVE) * SECOND }),
  tcp_keepalive_intvl: (v) => ({ keepAliveInterval: whole(v, MOST_KEEPALIVE) * SECOND }),
  tcp_keepalive_probes: (v) => ({ keepAliveProbes: whole(v, BYTE) }),
  tcp_early_retrans: (v) => ({ tlp: whole(v, 4) >= 3 }),
  tcp_frto: (v) => ({ frto: unless0(v) }),
  tcp_invalid_ratelimit: (v) => ({ challengeAckInterval: whole(v) * MILLISECOND }),
  tcp_challenge_ack_limit: (v) => ({ challengeAckLimit: whole(v) }),
  tcp_rto_min_us: (v) => ({ minRto: whole(v) }),
  tcp_notsent_lowat: (v) => ({ notSentLowat: whole(v) >= 0xffff_ffff ? Infinity : whole(v) }),
  tcp_max_syn_backlog: (v) => ({ maxSynBacklog: whole(v) }),
  ip_no_pmtu_disc: (v) => ({ mtuDiscover: unless0(v) ? MtuDiscover.dont : MtuDiscover.want }),
  'route.min_pmtu': (v) => ({ minPmtu: whole(v) }),
  'route.mtu_expires': (v) => ({ mtuExpires: whole(v) * SECOND }),
  tcp_mtu_probing: (v) => ({ mtuProbing: whole(v, 2) as TcpConfig['mtuProbing'] }),
  tcp_base_mss: (v) => ({ baseMss: whole(v) }),
  tcp_mtu_probe_floor: (v) => ({ mtuProbeFloor: whole(v) }),
  tcp_probe_threshold: (v) => ({ mtuProbeThreshold: whole(v) }),
  tcp_probe_interval: (v) => ({ mtuProbeInterval: whole(v) * SECOND }),
  // What is always so here, or has no bearing on one connection in a network of its own.
  tcp_dsack: (v) => onlyIf('tcp_dsack', v, '1'),
  tcp_fack: none,
  tcp_moderate_rcvbuf: none,
  tcp_no_metrics_save: none,
  tcp_adv_win_scale: none,
  tcp_tso_win_divisor: none,
  tcp_limit_output_bytes: none,
  tcp_autocorking: none,
  tcp_min_tso_segs: none,
  tcp_pacing_ss_ratio: none,
  tcp_pacing_ca_ratio: none,
  tcp_min_rtt_wlen: none,
  tcp_reordering: (v) => onlyIf('tcp_reordering', v, '3'),
  tcp_recovery: (v) => onlyIf('tcp_recovery', v, '1'),
  // 2, the default, is for loopback only.
  tcp_tw_reuse: (v) => (v.trim() === '2' ? {} : onlyIf('tcp_tw_reuse', v, '0')),
  ip_local_port_range: none,
};

function onlyIf(name: string, value: string, ours: string): Partial<TcpConfig> {
  if (value.trim() === ours) return {};
  throw new Unsupported(`net.ipv4.${name}=${value.trim()}: here it is always ${ours}`);
}

/** `./defaults.sh`: what holds anyway. */
const isDefaults = (command: string): boolean => /^(?:\S*\/)?defaults\.sh$/.test(command);

/** One thing that a command does: the whole of defaults.sh, or a sysctl by its name behind net.ipv4. (or core, ipv6). */
export type Setting =
  { readonly name: 'defaults' } | { readonly name: string; readonly path: string; readonly value: string };

/** What one command line changes. Throws Unsupported for what is not known. */
export function applyCommand(text: string): Partial<TcpConfig> {
  let change: Partial<TcpConfig> = {};
  for (const setting of settingsOf(text)) change = { ...change, ...applied(setting) };
  return change;
}

function applied(s: Setting): Partial<TcpConfig> {
  if (!('value' in s)) return SCRIPT_PROFILE;
  const knob = KNOBS[s.name];
  if (knob === undefined) throw new Unsupported(`the sysctl ${s.path} is not known`);
  return knob(s.value);
}

/** The settings of one command's lines. Throws Unsupported for a command that is none. */
export function settingsOf(text: string): Setting[] {
  return text
    .split(/\n|;|&&/)
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .flatMap(settingsOfLine);
}

function settingsOfLine(line: string): Setting[] {
  const words = line.split(/\s+/);
  if (isDefaults(line)) return [{ name: 'defaults' }];
  if (isDefaults(words[0]!)) throw new Unsupported(`'${line}': defaults.sh takes no arguments (no shell is run)`);
  if (words[0] === 'sysctl') return assignments(line.replace(/^sysctl(\s+-\w+)*\s+/, ''));
  if (/(^|\/)set_sysctls\.py$/.test(words[0]!)) return assignments(line.slice(words[0]!.length));
  if (/^ip\s+tcp_metrics\s+flush/.test(line)) return [];
  throw new Unsupported(
    `the command '${line.length > 60 ? `${line.slice(0, 57)}...` : line}' is not known here (no shell is run)`,
  );
}

const ASSIGNMENT = /([\w./]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))/g;

/** `net.ipv4.tcp_rmem="4096 87380 6291456" net.ipv4.tcp_sack=0`, with paths of /proc/sys, too. */
function assignments(text: string): Setting[] {
  const found = [...text.matchAll(ASSIGNMENT)];
  if (found.length === 0 || text.replace(ASSIGNMENT, '').trim() !== '')
    throw new Unsupported(`'sysctl ${text}' sets nothing that is known`);
  return found.map(([, path, a, b, c]) => ({
    name: path!
      .replace(/^\/?proc\/sys\//, '')
      .replace(/\//g, '.')
      .replace(/^net\.(ipv4|core|ipv6)\./, ''),
    path: path!,
    value: a ?? b ?? c ?? '',
  }));
}
