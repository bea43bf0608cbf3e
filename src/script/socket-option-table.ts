/** setsockopt and getsockopt: which option does what here. An option that is missing makes its script a SKIP, not a PASS. */
import { MtuDiscover } from '../base/mtu-discover.js';
import { SECOND, type Micros } from '../base/time.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../tcp/congestion/index.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import { FastOpenMode } from '../tcp/fast-open.js';
import { setUrgentInline } from '../tcp/urgent.js';
import { CONSTANTS } from './constants.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { Unsupported } from './values.js';

export interface Option {
  /** Null: read only. */
  set: ((s: ScriptSocket, value: number, now: Micros) => Result) | null;
  get: ((s: ScriptSocket) => number | Result) | null;
}

/** An option that a connection has a setter for, and a configuration has a field for, which a listener's connections inherit. */
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

/** What has no effect in a network of one script: read as it was set. */
const harmless = (name: string, value: (v: number) => number): Option => ({
  set: (s, v) => {
    s.harmless.set(name, value(v));
    return ok();
  },
  get: (s) => s.harmless.get(name) ?? 0,
});
const flag = (v: number): number => Number(v !== 0);

/** EINVAL outside. */
const within = (least: number, most: number, option: Option): Option => ({
  ...option,
  set: (s, value, now) => (value < least || value > most ? fail('EINVAL') : option.set!(s, value, now)),
});
/** MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL: seconds. */
const MOST_KEEPALIVE = 32_767;
/** MAX_TCP_KEEPCNT, MAX_TCP_SYNCNT. */
const MOST_COUNT = 127;
/** Half of SOCK_MIN_RCVBUF: what is set counts twice. */
const LEAST_RECEIVE = 1152;
const LEAST_SEND_BUFFER = 4608;
/** Of a type of service, what is no matter of TCP's. */
const NOT_ECN = 0xfc;

const stackConfig = (s: ScriptSocket): TcpConfig => s.stack.tcp.env.config;
const positive = (name: string, value: number): number => {
  if (value >= 0) return value;
  throw new Unsupported(`${name} below 0: net.core's limits would decide, which are not known`);
};
/** Never more than the device's MTU, and no errors believed; the second with fragments. For UDP. */
const PMTUDISC_INTERFACE = 4;
const PMTUDISC_OMIT = 5;
const seconds = (n: number): Micros => n * SECOND;

const SOCKET: Readonly<Record<string, Option>> = {
  SO_REUSEADDR: harmless('SO_REUSEADDR', flag),
  SO_REUSEPORT: harmless('SO_REUSEPORT', flag),
  SO_PRIORITY: harmless('SO_PRIORITY', (v) => v),
  SO_ERROR: { set: null, get: null },
  SO_RCVBUF: setting(
    (v) => ({ receiveBufferBytes: Math.max(positive('SO_RCVBUF', v), LEAST_RECEIVE) }),
    (c, v) => c.setReceiveBuffer(positive('SO_RCVBUF', v)),
    (s) => s.conn?.receiveBuffer ?? (2 * (s.config.receiveBufferBytes ?? 0) || stackConfig(s).rmem.default),
  ),
  SO_SNDBUF: setting(
    (v) => ({ sendBufferBytes: Math.max(2 * positive('SO_SNDBUF', v), LEAST_SEND_BUFFER) }),
    (c, v) => c.setSendBuffer(positive('SO_SNDBUF', v)),
    (s) => s.conn?.sendBuffer ?? s.config.sendBufferBytes ?? stackConfig(s).wmem.default,
  ),
  SO_OOBINLINE: setting(
    (v) => ({ urgentInline: v !== 0 }),
    (c, v) => setUrgentInline(c, v !== 0),
    (s) => Number(s.conn?.rcv.urgent.inline ?? s.config.urgentInline ?? false),
  ),
  SO_KEEPALIVE: setting(
    (v) => ({ keepAlive: v !== 0 }),
    (c, v, now) => c.setKeepAlive(v !== 0, now),
    (s) => Number(s.conn?.keepAlive ?? s.config.keepAlive ?? false),
  ),
};

const DEFAULT_MSS = 536;
const LEAST_MSS = 88;
const MOST_MSS = 32_767;

/** 0 is none. */
function maxSegment(option: Option): Option {
  const bounded = within(LEAST_MSS, MOST_MSS, option);
  return { ...option, set: (s, value, now) => (value === 0 ? option : bounded).set!(s, value, now) };
}

const TCP: Readonly<Record<string, Option>> = {
  TCP_INFO: { set: null, get: null },
  TCP_NODELAY: setting(
    (v) => ({ noDelay: v !== 0 }),
    (c, v) => c.setNoDelay(v !== 0),
    (s) => Number(s.conn?.snd.noDelay ?? s.config.noDelay ?? false),
  ),
  TCP_CORK: setting(
    () => ({}),
    (c, v) => c.setCork(v !== 0),
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
  ),
  TCP_WINDOW_CLAMP: setting(
    (v) => ({ windowClamp: v }),
    (c, v) => c.setWindowClamp(v),
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
  TCP_LINGER2: setting(
    () => ({}),
    (c, v) => c.setLinger2(seconds(v)),
  ),
  TCP_KEEPIDLE: within(
    1,
    MOST_KEEPALIVE,
    setting(
      (v) => ({ keepAliveIdle: seconds(v) }),
      (c, v, now) => c.setKeepAlive(c.keepAlive, now, seconds(v)),
      (s) => (s.conn?.keepAliveIdle ?? s.config.keepAliveIdle ?? stackConfig(s).keepAliveIdle) / SECOND,
    ),
  ),
  TCP_KEEPINTVL: within(
    1,
    MOST_KEEPALIVE,
    setting(
      (v) => ({ keepAliveInterval: seconds(v) }),
      (c, v, now) => c.setKeepAlive(c.keepAlive, now, undefined, seconds(v)),
      (s) => (s.conn?.keepAliveInterval ?? s.config.keepAliveInterval ?? stackConfig(s).keepAliveInterval) / SECOND,
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
  /** Of a listener: so many connections may wait for the end of their handshake with their SYN's data taken. */
  TCP_FASTOPEN: {
    set: (s, value) => {
      if (value < 0 || s.conn !== null) return fail('EINVAL');
      s.fastOpenQueue = value;
      s.tuneFastOpen();
      return ok();
    },
    get: (s) => s.listener?.fastOpen?.most ?? Math.max(0, s.fastOpenQueue),
  },
  /** Of a client: connect() waits for the first data, if there is a cookie. */
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
  TCP_SYNCNT: within(
    1,
    MOST_COUNT,
    setting(
      (v) => ({ synRetries: v, synLinearTimeouts: 0 }),
      () => undefined,
      (s) => s.config.synRetries ?? stackConfig(s).synRetries,
    ),
  ),
};

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
    set: (s, value) => {
      if (value === PMTUDISC_INTERFACE || value === PMTUDISC_OMIT)
        throw new Unsupported(`IP_MTU_DISCOVER ${value}: 0 to 3 are known`);
      const mode = Object.values(MtuDiscover).find((m) => m === value);
      if (mode === undefined) return fail('EINVAL');
      s.config.mtuDiscover = mode;
      if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
      if (s.conn !== null) s.stack.tcp.setMtuDiscover(s.conn, mode);
      return ok();
    },
    get: (s) => s.conn?.size.discover ?? s.config.mtuDiscover ?? MtuDiscover.want,
  },
  IP_MTU: { set: null, get: (s) => (s.conn === null || s.isOver ? fail('ENOTCONN') : s.conn.size.mtu) },
};
const IPV6: Readonly<Record<string, Option>> = {
  IPV6_TCLASS: within(-1, 255, { ...IP['IP_TOS']!, set: (s, v, now) => IP['IP_TOS']!.set!(s, Math.max(v, 0), now) }),
  IPV6_MTU_DISCOVER: IP['IP_MTU_DISCOVER']!,
  IPV6_MTU: IP['IP_MTU']!,
};

export const IP_LEVEL = CONSTANTS['SOL_IP']!;
const byNumber = (options: Readonly<Record<string, Option>>): ReadonlyMap<number, Option> =>
  new Map(Object.entries(options).map(([name, option]) => [CONSTANTS[name]!, option]));
const LEVELS: ReadonlyMap<number, ReadonlyMap<number, Option>> = new Map([
  [CONSTANTS['SOL_SOCKET']!, byNumber(SOCKET)],
  [CONSTANTS['SOL_TCP']!, byNumber(TCP)],
  [IP_LEVEL, byNumber(IP)],
  [CONSTANTS['SOL_IPV6']!, byNumber(IPV6)],
]);

/** Does a socket of this family know the level at all? */
export const isLevel = (level: number, isIpv6: boolean): boolean =>
  LEVELS.has(level) && (isIpv6 || level !== CONSTANTS['SOL_IPV6']);

/** By its level and number, as the kernel finds it; undefined: not known here. */
export const findOption = (level: number, number: number): Option | undefined => LEVELS.get(level)?.get(number);

/** TCP_CONGESTION by name. */
export function setCongestion(s: ScriptSocket, name: string, now: Micros): Result {
  if (!Object.hasOwn(CONGESTION_CONTROLS, name)) return fail('ENOENT');
  s.config.congestionControl = name as CongestionName;
  if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
  s.conn?.setCongestionControl(name as CongestionName, now);
  return ok();
}
