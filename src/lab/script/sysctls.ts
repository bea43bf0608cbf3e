/**
 * The sysctls by name, and their effect on our stack. A sysctl without effect in a network in
 * memory is accepted. For any other sysctl the script is skipped.
 */
import { MtuDiscover } from '../../base/mtu-discover.js';
import { MILLISECOND, SECOND } from '../../base/time.js';
import {
  CONGESTION_CONTROLS,
  type CongestionName,
  type HystartName,
} from '../../tcp/congestion/index.js';
import { keyBytes } from '../../stack/tcp/fast-open-cookie.js';
import { PROFILES, type TcpConfig } from '../../tcp/config.js';
import type { Setting } from './commands.js';
import { Unsupported } from './values.js';

/** The settings that public scripts assume, from their defaults.sh. */
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

export function applyCongestion(name: string): Partial<TcpConfig> {
  if (!Object.hasOwn(CONGESTION_CONTROLS, name))
    throw new Unsupported(`the congestion control '${name}' is not supported`);
  return { congestionControl: name as CongestionName };
}

type Knob = (value: string) => Partial<TcpConfig>;

/** A whole number, decimal or in hex, that the kernel would accept. Throws Unsupported. */
const whole = (value: string, most = 0xffff_ffff, least = 0): number => {
  const n = /^(?:0x[\da-f]+|\d+)$/i.test(value.trim()) ? Number(value) : NaN;
  if (!(n >= least && n <= most))
    throw new Unsupported(`'${value.trim()}' is not a whole number from ${least} to ${most}`);
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

/** Values that are fixed here, by the name after net.ipv4. */
const ALWAYS: Readonly<Record<string, string>> = {
  tcp_dsack: '1',
  tcp_reordering: '3',
  tcp_recovery: '1',
  tcp_abort_on_overflow: '0',
  tcp_stdurg: '0',
  tcp_reflect_tos: '0',
  tcp_thin_linear_timeouts: '0',
  tcp_migrate_req: '0',
  tcp_min_snd_mss: '48',
};

/** The sysctls with an effect, by the name after net.ipv4. */
const KNOBS: Readonly<Record<string, Knob>> = {
  tcp_timestamps: (v) => ({ timestamps: unless0(v) }),
  tcp_sack: (v) => ({ sack: unless0(v) }),
  ip_default_ttl: (v) => ({ ttl: whole(v, BYTE, 1) }),
  tcp_window_scaling: (v) => ({ windowScaling: unless0(v) }),
  tcp_ecn: (v) => {
    const mode = whole(v, 5);
    if (mode > 2)
      throw new Unsupported(
        `net.ipv4.tcp_ecn=${mode} needs AccECN, which is not supported: use 0 to 2`,
      );
    return { ecn: mode as TcpConfig['ecn'] };
  },
  tcp_ecn_fallback: (v) => ({ ecnFallback: unless0(v) }),
  tcp_fastopen: (v) => ({ fastOpen: whole(v) }),
  tcp_fastopen_blackhole_timeout_sec: (v) => ({ fastOpenBlackholeTimeout: whole(v) * SECOND }),
  tcp_fastopen_key: (v) => {
    if (v.split(',').some((key) => keyBytes(key) === null))
      throw new Unsupported(
        `'${v.trim()}' is not a Fast Open key, which is four hex numbers joined by '-', or two ` +
          `such keys joined by ','`,
      );
    return { fastOpenKey: v.trim() };
  },
  tcp_rmem: (v) => ({ rmem: three(v) }),
  tcp_wmem: (v) => ({ wmem: three(v) }),
  tcp_congestion_control: (v) => applyCongestion(v.trim()),
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
  tcp_orphan_retries: (v) => ({ orphanRetries: whole(v, BYTE) }),
  tcp_rto_max_ms: (v) => ({ maxRto: whole(v, 120_000, 1000) * MILLISECOND }),
  tcp_shrink_window: (v) => ({ shrinkWindow: unless0(v) }),
  tcp_rfc1337: (v) => ({ rfc1337: unless0(v) }),
  tcp_max_orphans: (v) => ({ maxOrphans: whole(v) }),
  // The default, 2, affects loopback only.
  tcp_tw_reuse: (v) => (v.trim() === '2' ? {} : onlyIf('net.ipv4.tcp_tw_reuse', v, '0')),
  tcp_moderate_rcvbuf: none,
  ...Object.fromEntries(
    Object.entries(ALWAYS).map(([name, ours]): [string, Knob] => [
      name,
      (v) => onlyIf(`net.${ipv4(name)}`, v, ours),
    ]),
  ),
  tcp_ecn_option: none,
  tcp_ecn_option_beacon: none,
};

/** The sysctls without effect on one connection in a network of its own, by the name after net. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...[
    'fack',
    'no_metrics_save',
    'no_ssthresh_metrics_save',
    'adv_win_scale',
    'app_win',
    'tso_win_divisor',
  ].map(tcp),
  ...[
    'limit_output_bytes',
    'autocorking',
    'min_tso_segs',
    'tso_rtt_log',
    'pacing_ss_ratio',
    'pacing_ca_ratio',
  ].map(tcp),
  ...[
    'min_rtt_wlen',
    'max_reordering',
    'max_tw_buckets',
    'mem',
    'low_latency',
    'early_demux',
    'fwmark_accept',
  ].map(tcp),
  ...[
    'l3mdev_accept',
    'backlog_ack_defer',
    'comp_sack_delay_ns',
    'comp_sack_nr',
    'comp_sack_slack_ns',
  ].map(tcp),
  ...[
    'retrans_collapse',
    'workaround_signed_windows',
    'thin_dupack',
    'tw_reuse_delay',
    'rcvbuf_low_rtt',
  ].map(tcp),
  ...[
    'child_ehash_entries',
    'ehash_entries',
    'plb_enabled',
    'allowed_congestion_control',
    'abc',
    'cookie_size',
  ].map(tcp),
  ...['ip_local_port_range', 'ip_local_reserved_ports', 'ip_forward', 'ip_early_demux'].map(ipv4),
  ...[
    'ip_autobind_reuse',
    'ip_nonlocal_bind',
    'ping_group_range',
    'route.flush',
    'conf.all.rp_filter',
  ].map(ipv4),
  ...[
    'conf.default.rp_filter',
    'conf.tun0.rp_filter',
    'conf.all.accept_local',
    'fib_multipath_hash_policy',
  ].map(ipv4),
  ...[
    'somaxconn',
    'default_qdisc',
    'netdev_budget',
    'netdev_budget_usecs',
    'netdev_max_backlog',
    'optmem_max',
  ].map(core),
  ...[
    'busy_poll',
    'busy_read',
    'rmem_max',
    'wmem_max',
    'rmem_default',
    'wmem_default',
    'bpf_jit_enable',
  ].map(core),
  ...['tstamp_allow_data', 'gro_normal_batch', 'high_order_alloc_disable', 'mem_pcpu_rsv'].map(
    core,
  ),
  ...[
    'conf.all.accept_dad',
    'conf.default.accept_dad',
    'conf.tun0.accept_dad',
    'auto_flowlabels',
  ].map(ipv6),
  ...[
    'conf.all.disable_ipv6',
    'flowlabel_consistency',
    'flowlabel_state_ranges',
    'flowlabel_reflect',
  ].map(ipv6),
]);

function tcp(name: string): string {
  return `ipv4.tcp_${name}`;
}
function ipv4(name: string): string {
  return `ipv4.${name}`;
}
function core(name: string): string {
  return `core.${name}`;
}
function ipv6(name: string): string {
  return `ipv6.${name}`;
}

/**
 * The effect of the value `value` for `path` (`net.ipv4.tcp_sack`, or
 * `/proc/sys/net/ipv4/tcp_sack`). Throws Unsupported for an unknown sysctl or an invalid value.
 */
export function applySysctl(path: string, value: string): Partial<TcpConfig> {
  const name = path.replace(/^\/?(?:proc\/sys\/)?/, '').replace(/\//g, '.');
  const module = /^sys\.module\.(.*)$/.exec(name)?.[1];
  if (module !== undefined) return applyModuleParameter(module, value);
  const behindNet = name.replace(/^net\./, '');
  if (WITHOUT_EFFECT.has(behindNet)) return {};
  const key = behindNet.replace(/^ipv4\./, '');
  if (key !== behindNet && Object.hasOwn(KNOBS, key)) return KNOBS[key]!(value);
  // Some scripts write only the name.
  if (behindNet === name && Object.hasOwn(KNOBS, name)) return KNOBS[name]!(value);
  throw new Unsupported(`the sysctl ${path} is not supported`);
}

/** The effect of all settings together; later ones override earlier ones. */
export function sysctlConfig(settings: readonly Setting[]): Partial<TcpConfig> {
  let change: Partial<TcpConfig> = {};
  for (const s of settings)
    if (s.kind === 'sysctl') change = { ...change, ...applySysctl(s.path, s.value) };
    else if (s.kind === 'defaults') change = { ...change, ...SCRIPT_PROFILE };
  return change;
}

/** Indexed by the bits of hystart_detect: ACK train and delay. */
const HYSTART_SIGNS: readonly HystartName[] = ['off', 'linux-train', 'linux-delay', 'linux'];
/** CUBIC's defaults, which are fixed here. */
const CUBIC_PARAMETERS: Readonly<Record<string, string>> = {
  beta: '717',
  bic_scale: '41',
  fast_convergence: '1',
  hystart_ack_delta_us: '2000',
  hystart_low_window: '16',
  initial_ssthresh: '0',
  tcp_friendliness: '1',
};

/** `tcp_cubic.parameters.hystart`. The parameters of other modules have no effect here. */
function applyModuleParameter(name: string, value: string): Partial<TcpConfig> {
  const [, cubic] = /^tcp_cubic\.parameters\.(\w+)$/.exec(name) ?? [];
  if (cubic === 'hystart') return { hystart: unless0(value) ? 'linux' : 'off' };
  if (cubic === 'hystart_detect') return { hystart: HYSTART_SIGNS[whole(value, 3)]! };
  if (cubic !== undefined && Object.hasOwn(CUBIC_PARAMETERS, cubic))
    return onlyIf(name, value, CUBIC_PARAMETERS[cubic]!);
  if (/^(?:tcp_\w+|tun)\.parameters\.\w+$/.test(name)) return {};
  throw new Unsupported(`the module parameter ${name} is not supported`);
}

function onlyIf(name: string, value: string, ours: string): Partial<TcpConfig> {
  if (value.trim() === ours) return {};
  throw new Unsupported(`${name}=${value.trim()}: here it is always ${ours}`);
}
