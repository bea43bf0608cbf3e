/**
 * setsockopt() and getsockopt(): the effect of each option. A missing option makes its script a
 * SKIP, not a PASS.
 */
import { MtuDiscover } from '../../base/mtu-discover.js';
import { MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import { entryOf } from '../../stack/tcp/entry.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../../tcp/congestion/index.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection } from '../../tcp/connection.js';
import { deferredTime } from '../../tcp/defer-accept.js';
import { FastOpenMode } from '../../tcp/fast-open.js';
import { CONSTANTS } from './constants.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { Unsupported } from './values.js';

export interface Option {
  /** Null if the option is read-only. */
  set: ((s: ScriptSocket, value: number, now: Micros) => Result) | null;
  get: ((s: ScriptSocket) => number | Result) | null;
}

/**
 * An option with a setter in the connection and a field in the configuration, which a listener's
 * connections inherit.
 */
function setting(
  config: (value: number) => Partial<TcpConfig>,
  set: (conn: Connection, value: number, now: Micros) => void,
  get: Option['get'] = null,
): Option {
  return {
    set: (s, value, now) => {
      try {
        if (s.conn === null) {
          Object.assign(s.config, config(value));
          s.later.push((conn) => set(conn, value, now));
          if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
        } else {
          set(s.conn, value, now);
          s.stack.wake(s.conn);
        }
      } catch (error) {
        if (error instanceof RangeError) return fail('EINVAL');
        throw error;
      }
      return ok();
    },
    get,
  };
}

const fastOpenBits = (s: ScriptSocket): number => stackConfig(s).fastOpen;

/** An option without effect in a script's network; it is read as it was set. */
const harmless = (name: string, value: (v: number) => number): Option => ({
  set: (s, v) => {
    s.harmless.set(name, value(v));
    return ok();
  },
  get: (s) => s.harmless.get(name) ?? 0,
});
const flag = (v: number): number => Number(v !== 0);

/** Is read as it was set: `kept` is the value that the kernel stores, `first` the default. */
const remembered = (
  name: string,
  kept: (v: number) => number,
  first: (s: ScriptSocket) => number,
  option: Option,
): Option => ({
  set: (s, v, now) => {
    const result = option.set!(s, v, now);
    if (result.errno === '') s.harmless.set(name, kept(v));
    return result;
  },
  get: (s) => s.harmless.get(name) ?? first(s),
});
/** An option that can have only one value. */
const always = (name: string, value: number): Option => ({
  set: (_, v) => (v === value ? ok() : missingSetter(`${name} other than ${value}`)),
  get: () => value,
});

/** Values outside the range give EINVAL. */
const within = (least: number, most: number, option: Option): Option => ({
  ...option,
  set: (s, value, now) =>
    value < least || value > most ? fail('EINVAL') : option.set!(s, value, now),
});
/** MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL: seconds. */
const MOST_KEEPALIVE = 32_767;
/** TCP_FIN_TIMEOUT_MAX, seconds. */
const MOST_LINGER2 = 120;
/** MAX_TCP_KEEPCNT, MAX_TCP_SYNCNT. */
const MOST_COUNT = 127;
/** Half of SOCK_MIN_RCVBUF, because the kernel doubles the value that is set. */
const LEAST_RECEIVE = 1152;
const LEAST_SEND_BUFFER = 4608;
/** The bits of a type of service that TCP does not set itself. */
const NOT_ECN = 0xfc;

const stackConfig = (s: ScriptSocket): TcpConfig => s.stack.tcp.env.config;
const positive = (name: string, value: number): number => {
  if (value >= 0) return value;
  throw new Unsupported(
    `${name} below 0 is not supported, because it depends on net.core's limits`,
  );
};
/** For UDP: the device's MTU, ICMP errors are ignored; the second value allows fragments. */
const PMTUDISC_INTERFACE = 4;
const PMTUDISC_OMIT = 5;
function missingSetter(what: string): never {
  throw new Unsupported(`${what} is not supported`);
}
const seconds = (n: number): Micros => n * SECOND;

const SOCKET: Readonly<Record<string, Option>> = {
  SO_REUSEADDR: harmless('SO_REUSEADDR', flag),
  SO_REUSEPORT: harmless('SO_REUSEPORT', flag),
  SO_PRIORITY: harmless('SO_PRIORITY', (v) => v),
  SO_MARK: harmless('SO_MARK', (v) => v),
  SO_BUSY_POLL: harmless('SO_BUSY_POLL', (v) => v),
  SO_INCOMING_CPU: harmless('SO_INCOMING_CPU', (v) => v),
  SO_RESERVE_MEM: harmless('SO_RESERVE_MEM', (v) => v),
  SO_TXREHASH: harmless('SO_TXREHASH', (v) => v),
  SO_TYPE: { set: null, get: () => CONSTANTS['SOCK_STREAM']! },
  SO_PROTOCOL: { set: null, get: () => CONSTANTS['IPPROTO_TCP']! },
  SO_DOMAIN: { set: null, get: (s) => CONSTANTS[s.isIpv6 ? 'AF_INET6' : 'AF_INET']! },
  SO_ACCEPTCONN: { set: null, get: (s) => Number(s.listener !== null) },
  SO_RCVLOWAT: {
    // 0 means 1, and a negative value means the maximum.
    set: (s, v) => {
      s.receiveLowat = v < 0 ? 0x7fff_ffff : Math.max(1, v);
      return ok();
    },
    get: (s) => s.receiveLowat,
  },
  SO_SNDLOWAT: { set: null, get: () => 1 },
  SO_MAX_PACING_RATE: setting(
    (v) => ({ maxPacingRate: pacingRate(v) }),
    (_, v) => {
      if (Number.isFinite(pacingRate(v))) missingSetter('SO_MAX_PACING_RATE of a connection');
    },
  ),
  SO_ERROR: { set: null, get: null },
  SO_RCVBUF: setting(
    (v) => ({ receiveBufferBytes: Math.max(positive('SO_RCVBUF', v), LEAST_RECEIVE) }),
    (c, v) => c.setReceiveBuffer(positive('SO_RCVBUF', v)),
    (s) =>
      s.conn?.receiveBuffer ??
      (2 * (s.config.receiveBufferBytes ?? 0) || stackConfig(s).rmem.default),
  ),
  SO_SNDBUF: setting(
    (v) => ({ sendBufferBytes: Math.max(2 * positive('SO_SNDBUF', v), LEAST_SEND_BUFFER) }),
    (c, v) => c.setSendBuffer(positive('SO_SNDBUF', v)),
    (s) => s.conn?.sendBuffer ?? s.config.sendBufferBytes ?? stackConfig(s).wmem.default,
  ),
  SO_OOBINLINE: setting(
    (v) => ({ urgentInline: v !== 0 }),
    (c, v) => c.setUrgentInline(v !== 0),
    (s) => Number(s.conn?.rcv.urgent.inline ?? s.config.urgentInline ?? false),
  ),
  SO_KEEPALIVE: setting(
    (v) => ({ keepAlive: v !== 0 }),
    (c, v, now) => c.setKeepAlive(v !== 0, now),
    (s) => Number(s.conn?.keepAlive ?? s.config.keepAlive ?? false),
  ),
};

/** All bits set means no limit. */
const pacingRate = (v: number): number => (v >>> 0 === 0xffff_ffff ? Infinity : v >>> 0);
const DEFAULT_MSS = 536;
const LEAST_MSS = 88;
const MOST_MSS = 32_767;

const lowatOf = (s: ScriptSocket): number =>
  s.conn?.snd.notSentLowat ?? s.config.notSentLowat ?? Infinity;

const ttlOf = (s: ScriptSocket): number => s.config.ttl ?? s.stack.tcp.env.config.ttl;

/** 0 means no limit. */
function maxSegment(option: Option): Option {
  const bounded = within(LEAST_MSS, MOST_MSS, option);
  return {
    ...option,
    set: (s, value, now) => (value === 0 ? option : bounded).set!(s, value, now),
  };
}

/** A negative value turns FIN-WAIT-2 off, 0 means as configured. */
function linger2(option: Option): Option {
  const keeps = remembered(
    'TCP_LINGER2',
    (v) => (v < 0 ? -1 : Math.min(v, MOST_LINGER2)),
    () => 0,
    option,
  );
  return { ...keeps, get: (s) => keeps.get!(s) || stackConfig(s).finTimeout / SECOND };
}

const TCP: Readonly<Record<string, Option>> = {
  TCP_INFO: { set: null, get: null },
  TCP_NODELAY: setting(
    (v) => ({ noDelay: v !== 0 }),
    (c, v) => c.setNoDelay(v !== 0),
    (s) => Number(s.conn?.snd.noDelay ?? s.config.noDelay ?? false),
  ),
  TCP_CORK: remembered(
    'TCP_CORK',
    flag,
    () => 0,
    setting(
      () => ({}),
      (c, v) => c.setCork(v !== 0),
    ),
  ),
  TCP_MAXSEG: maxSegment(
    setting(
      (v) => ({ maxSegment: v }),
      (c, v) => c.setMaxSegment(v),
      (s) => s.conn?.maxSegment ?? (s.config.maxSegment || DEFAULT_MSS),
    ),
  ),
  TCP_QUICKACK: setting(
    () => ({}),
    (c, v) => c.setQuickAck(v !== 0),
  ),
  TCP_NOTSENT_LOWAT: setting(
    (v) => ({ notSentLowat: v >>> 0 }),
    (c, v) => c.setNotSentLowat(v >>> 0),
    // 0 means that the sysctl decides, as in the kernel.
    (s) => (Number.isFinite(lowatOf(s)) ? lowatOf(s) : 0),
  ),
  TCP_WINDOW_CLAMP: remembered(
    'TCP_WINDOW_CLAMP',
    (v) => (v === 0 ? 0 : Math.max(v, LEAST_RECEIVE)),
    (s) =>
      s.conn === null ? 0 : missingSetter('TCP_WINDOW_CLAMP of a connection, before it is set,'),
    setting(
      (v) => ({ windowClamp: v }),
      (c, v) => c.setWindowClamp(v),
    ),
  ),
  TCP_USER_TIMEOUT: within(
    0,
    0x7fff_ffff,
    setting(
      (v) => ({ userTimeout: v * 1000 }),
      (c, v) => c.setUserTimeout(v * 1000),
      (s) => (s.conn?.userTimeout ?? s.config.userTimeout ?? 0) / 1000,
    ),
  ),
  TCP_LINGER2: linger2(
    setting(
      () => ({}),
      (c, v) => c.setLinger2(seconds(v)),
    ),
  ),
  TCP_KEEPIDLE: within(
    1,
    MOST_KEEPALIVE,
    setting(
      (v) => ({ keepAliveIdle: seconds(v) }),
      (c, v, now) => c.setKeepAlive(c.keepAlive, now, seconds(v)),
      (s) =>
        (s.conn?.keepAliveIdle ?? s.config.keepAliveIdle ?? stackConfig(s).keepAliveIdle) / SECOND,
    ),
  ),
  TCP_KEEPINTVL: within(
    1,
    MOST_KEEPALIVE,
    setting(
      (v) => ({ keepAliveInterval: seconds(v) }),
      (c, v, now) => c.setKeepAlive(c.keepAlive, now, undefined, seconds(v)),
      (s) =>
        (s.conn?.keepAliveInterval ??
          s.config.keepAliveInterval ??
          stackConfig(s).keepAliveInterval) / SECOND,
    ),
  ),
  TCP_KEEPCNT: within(
    1,
    MOST_COUNT,
    setting(
      (v) => ({ keepAliveProbes: v }),
      (c, v, now) => c.setKeepAlive(c.keepAlive, now, undefined, undefined, v),
      (s) => s.conn?.keepAliveProbes ?? s.config.keepAliveProbes ?? stackConfig(s).keepAliveProbes,
    ),
  ),
  /**
   * For a listener: the most connections that may wait for the end of their handshake after the
   * data in their SYN was accepted.
   */
  TCP_FASTOPEN: {
    set: (s, value) => {
      if (value < 0 || s.conn !== null) return fail('EINVAL');
      s.fastOpenQueue = value;
      s.tuneFastOpen();
      return ok();
    },
    get: (s) => s.listener?.fastOpen?.most ?? Math.max(0, s.fastOpenQueue),
  },
  /** For a client: connect() waits for the first data if there is a cookie. */
  TCP_FASTOPEN_CONNECT: {
    set: (s, value) => {
      if (value !== 0 && value !== 1) return fail('EINVAL');
      if ((fastOpenBits(s) & FastOpenMode.client) === 0) return fail('EOPNOTSUPP');
      if (s.conn !== null || s.listener !== null) return fail('EINVAL');
      s.fastOpenConnect = value === 1;
      return ok();
    },
    get: (s) => Number(s.fastOpenConnect),
  },
  TCP_FASTOPEN_NO_COOKIE: {
    set: (s, value) => {
      if (value !== 0 && value !== 1) return fail('EINVAL');
      if (s.conn !== null) return fail('EINVAL');
      s.fastOpenWithoutCookie = value === 1;
      s.tuneFastOpen();
      return ok();
    },
    get: (s) => Number(s.fastOpenWithoutCookie),
  },
  /** recvmsg() returns the number of bytes left to read. */
  TCP_INQ: {
    set: (s, value) => {
      if (value !== 0 && value !== 1) return fail('EINVAL');
      s.tellsQueue = value === 1;
      return ok();
    },
    get: (s) => Number(s.tellsQueue),
  },
  TCP_DEFER_ACCEPT: setting(
    (v) => ({ deferAccept: seconds(Math.max(0, v)) }),
    () => undefined,
    (s) => deferredTime(s.config.deferAccept ?? 0) / SECOND,
  ),
  TCP_RTO_MAX_MS: within(
    1000,
    120_000,
    setting(
      (v) => ({ maxRto: v * MILLISECOND }),
      (c, v) => c.setMaxRto(v * MILLISECOND),
      (s) => (s.conn?.maxRto ?? s.config.maxRto ?? stackConfig(s).maxRto) / MILLISECOND,
    ),
  ),
  TCP_RTO_MIN_US: setting(
    (v) => ({ minRto: v }),
    () => missingSetter('TCP_RTO_MIN_US of a connection'),
  ),
  TCP_SAVE_SYN: harmless('TCP_SAVE_SYN', (v) => v),
  TCP_THIN_LINEAR_TIMEOUTS: always('TCP_THIN_LINEAR_TIMEOUTS', 0),
  TCP_THIN_DUPACK: harmless('TCP_THIN_DUPACK', flag),
  TCP_IS_MPTCP: { set: null, get: () => 0 },
  TCP_SYNCNT: within(
    1,
    MOST_COUNT,
    setting(
      (v) => ({ synRetries: v, synAckRetries: v }),
      (c, v) => c.setSynRetries(v),
      (s) => s.conn?.synRetries ?? s.config.synRetries ?? stackConfig(s).synRetries,
    ),
  ),
};

/** MUST-49. -1 restores the default. */
const TTL = within(-1, 255, {
  set: (s, value) => {
    if (value === -1) delete s.config.ttl;
    else s.config.ttl = value;
    if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ttl: ttlOf(s) });
    if (s.conn !== null) entryOf(s.conn).ttl = ttlOf(s);
    return ok();
  },
  get: (s) => ttlOf(s),
});
const IP: Readonly<Record<string, Option>> = {
  IP_TOS: {
    set: (s, value) => {
      s.tos = value & NOT_ECN;
      if (s.conn !== null) s.stack.setTypeOfService(s.conn, s.tos);
      if (s.listener !== null) s.listener.tos = s.tos;
      return ok();
    },
    get: (s) => s.tos,
  },
  IP_MTU_DISCOVER: {
    set: (s, value, now) => {
      if (value === PMTUDISC_INTERFACE || value === PMTUDISC_OMIT)
        throw new Unsupported(`IP_MTU_DISCOVER ${value} is not supported, only 0 to 3`);
      const mode = Object.values(MtuDiscover).find((m) => m === value);
      if (mode === undefined) return fail('EINVAL');
      s.config.mtuDiscover = mode;
      if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
      if (s.conn !== null) s.stack.tcp.setMtuDiscover(s.conn, mode, now);
      return ok();
    },
    get: (s) => s.conn?.size.discover ?? s.config.mtuDiscover ?? MtuDiscover.want,
  },
  IP_TTL: {
    ...TTL,
    set: (s, value, now) => (value === 0 ? fail('EINVAL') : TTL.set!(s, value, now)),
  },
  IP_FREEBIND: harmless('IP_FREEBIND', flag),
  IP_BIND_ADDRESS_NO_PORT: harmless('IP_BIND_ADDRESS_NO_PORT', flag),
  IP_RECVTOS: harmless('IP_RECVTOS', flag),
  IP_RECVTTL: harmless('IP_RECVTTL', flag),
  IP_PKTINFO: harmless('IP_PKTINFO', flag),
  IP_MTU: {
    set: null,
    get: (s) => (s.conn === null || s.isOver ? fail('ENOTCONN') : s.conn.size.mtu),
  },
};
const IPV6: Readonly<Record<string, Option>> = {
  IPV6_TCLASS: within(-1, 255, {
    ...IP['IP_TOS']!,
    set: (s, v, now) => IP['IP_TOS']!.set!(s, Math.max(v, 0), now),
  }),
  IPV6_MTU_DISCOVER: IP['IP_MTU_DISCOVER']!,
  IPV6_MTU: IP['IP_MTU']!,
  IPV6_UNICAST_HOPS: TTL,
  IPV6_V6ONLY: harmless('IPV6_V6ONLY', flag),
};

export const IP_LEVEL = CONSTANTS['SOL_IP']!;
/** Options of Linux that are not supported, by level and name. */
const NOT_BUILT: readonly (readonly [level: string, names: readonly string[], what: string])[] = [
  ['SOL_SOCKET', ['SO_ZEROCOPY'], 'MSG_ZEROCOPY and its notifications'],
  [
    'SOL_SOCKET',
    ['SO_TIMESTAMP', 'SO_TIMESTAMPNS', 'SO_TIMESTAMPING', 'SO_TXTIME'],
    'timestamps of packets',
  ],
  [
    'SOL_TCP',
    ['TCP_MD5SIG', 'TCP_MD5SIG_EXT', 'TCP_AO_ADD_KEY'],
    'signed segments (RFC 2385, RFC 5925)',
  ],
  ['SOL_TCP', ['TCP_ZEROCOPY_RECEIVE'], 'zero-copy receive'],
  [
    'SOL_TCP',
    ['TCP_REPAIR', 'TCP_REPAIR_QUEUE', 'TCP_QUEUE_SEQ', 'TCP_REPAIR_OPTIONS'],
    'moving a connection',
  ],
  ['SOL_TCP', ['TCP_ULP'], 'TLS and other protocols below the socket'],
  ['SOL_IP', ['IP_RECVERR'], 'the queue of errors'],
  ['SOL_IPV6', ['IPV6_RECVERR'], 'the queue of errors'],
];

/** Why an option is not supported; '' if it is unknown. */
export function whyMissing(level: number, number: number): string {
  const of = NOT_BUILT.find(
    ([l, names]) => CONSTANTS[l] === level && names.some((n) => CONSTANTS[n] === number),
  );
  return of === undefined ? '' : `: it is for ${of[2]}`;
}

const byNumber = (options: Readonly<Record<string, Option>>): ReadonlyMap<number, Option> =>
  new Map(Object.entries(options).map(([name, option]) => [CONSTANTS[name]!, option]));
const LEVELS: ReadonlyMap<number, ReadonlyMap<number, Option>> = new Map([
  [CONSTANTS['SOL_SOCKET']!, byNumber(SOCKET)],
  [CONSTANTS['SOL_TCP']!, byNumber(TCP)],
  [IP_LEVEL, byNumber(IP)],
  [CONSTANTS['SOL_IPV6']!, byNumber(IPV6)],
]);

/** True if a socket of this family has the level. */
export const isLevel = (level: number, isIpv6: boolean): boolean =>
  LEVELS.has(level) && (isIpv6 || level !== CONSTANTS['SOL_IPV6']);

/** The option by its level and number, as in the kernel; undefined if it is not supported. */
export const findOption = (level: number, number: number): Option | undefined =>
  LEVELS.get(level)?.get(number);

/** TCP_CONGESTION by name. */
export function setCongestion(s: ScriptSocket, name: string, now: Micros): Result {
  if (!Object.hasOwn(CONGESTION_CONTROLS, name)) return fail('ENOENT');
  s.config.congestionControl = name as CongestionName;
  if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
  s.conn?.setCongestionControl(name as CongestionName, now);
  return ok();
}
