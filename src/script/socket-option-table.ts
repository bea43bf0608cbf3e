/** setsockopt and getsockopt: which option does what here. An option that is missing makes its script a SKIP, not a PASS. */
import { MtuDiscover } from '../base/mtu-discover.js';
import { SECOND, type Micros } from '../base/time.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../tcp/congestion/index.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import { FastOpenMode } from '../tcp/fast-open.js';
import { setUrgentInline } from '../tcp/urgent.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { Unsupported } from './values.js';

interface Option {
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

const fastOpenBits = (s: ScriptSocket): number => s.stack.tcp.env.config.fastOpen;

/** What has no effect in a network of one script. */
const harmless: Option = { set: () => ok(), get: () => 0 };
/** Never more than the device's MTU, and no errors believed; the second with fragments. For UDP. */
const PMTUDISC_INTERFACE = 4;
const PMTUDISC_OMIT = 5;
const seconds = (n: number): Micros => n * SECOND;

const SOCKET: Readonly<Record<string, Option>> = {
  SO_REUSEADDR: harmless,
  SO_REUSEPORT: harmless,
  SO_PRIORITY: harmless,
  SO_ERROR: { set: null, get: null },
  SO_RCVBUF: setting(
    (v) => ({ receiveBufferBytes: v }),
    (c, v) => c.setReceiveBuffer(v),
    (s) => s.conn?.receiveBuffer ?? 2 * (s.config.receiveBufferBytes ?? 0),
  ),
  SO_SNDBUF: setting(
    (v) => ({ sendBufferBytes: 2 * v }),
    (c, v) => c.setSendBuffer(v),
    (s) => s.conn?.sendBuffer ?? s.config.sendBufferBytes ?? 0,
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

const TCP: Readonly<Record<string, Option>> = {
  TCP_NODELAY: setting(
    (v) => ({ noDelay: v !== 0 }),
    (c, v) => c.setNoDelay(v !== 0),
    (s) => Number(s.conn?.snd.noDelay ?? s.config.noDelay ?? false),
  ),
  TCP_CORK: setting(
    () => ({}),
    (c, v) => c.setCork(v !== 0),
  ),
  TCP_MAXSEG: setting(
    (v) => ({ maxSegment: v }),
    (c, v) => c.setMaxSegment(v),
    (s) => s.conn?.maxSegment ?? s.config.maxSegment ?? 536,
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
  TCP_USER_TIMEOUT: setting(
    (v) => ({ userTimeout: v * 1000 }),
    (c, v) => c.setUserTimeout(v * 1000),
    (s) => (s.conn?.userTimeout ?? s.config.userTimeout ?? 0) / 1000,
  ),
  TCP_LINGER2: setting(
    () => ({}),
    (c, v) => c.setLinger2(seconds(v)),
  ),
  TCP_KEEPIDLE: setting(
    (v) => ({ keepAliveIdle: seconds(v) }),
    (c, v, now) => c.setKeepAlive(c.keepAlive, now, seconds(v)),
  ),
  TCP_KEEPINTVL: setting(
    (v) => ({ keepAliveInterval: seconds(v) }),
    (c, v, now) => c.setKeepAlive(c.keepAlive, now, undefined, seconds(v)),
  ),
  TCP_KEEPCNT: setting(
    (v) => ({ keepAliveProbes: v }),
    (c, v, now) => c.setKeepAlive(c.keepAlive, now, undefined, undefined, v),
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
  TCP_SYNCNT: setting(
    (v) => ({ synRetries: v, synLinearTimeouts: 0 }),
    () => undefined,
  ),
};

const IP: Readonly<Record<string, Option>> = {
  IP_TOS: {
    set: (s, value) => {
      s.tos = value;
      if (s.conn !== null) s.stack.setTypeOfService(s.conn, value);
      if (s.listener !== null) s.listener.tos = value;
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
const ALL: Readonly<Record<string, Option>> = {
  ...SOCKET,
  ...TCP,
  ...IP,
  IPV6_TCLASS: IP['IP_TOS']!,
  IPV6_MTU_DISCOVER: IP['IP_MTU_DISCOVER']!,
  IPV6_MTU: IP['IP_MTU']!,
};

/** By its name; undefined: not known here. */
export const findOption = (name: string): Option | undefined => ALL[name];

/** TCP_CONGESTION by name. */
export function setCongestion(s: ScriptSocket, name: string, now: Micros): Result {
  if (!Object.hasOwn(CONGESTION_CONTROLS, name)) return fail('ENOENT');
  s.config.congestionControl = name as CongestionName;
  if (s.listener !== null) s.listener.setConfig({ ...s.listener.config!, ...s.config });
  s.conn?.setCongestionControl(name as CongestionName, now);
  return ok();
}
