/**
 * What a client remembers about servers for Fast Open (RFC 7413 section 4.1.3): cookie, MSS, form
 * of the option, and SYNs with data that were lost. As in Linux it also detects a network that
 * drops such SYNs: if connections opened this way stall, no SYN carries data for a while.
 */
import { doubled } from '../../base/exact-math.js';
import { LONG_AGO, type Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { TcpCounters } from '../../tcp/counters.js';
import {
  FastOpen,
  FastOpenMode,
  type FastOpenMemory,
  type FastOpenOutcome,
} from '../../tcp/fast-open.js';

const MOST_SERVERS = 1024;
/** Room for options that a middlebox adds (Linux's MAX_TCP_OPTION_SPACE). */
const OPTION_ROOM = 40;
const MOST_DOUBLINGS = 6;
const NO_COOKIE = new Uint8Array(0);

class Server implements FastOpenMemory {
  cookie: Uint8Array | null = null;
  experimental = false;
  mss = 0;
  synLosses = 0;
  lastLoss: Micros = LONG_AGO;
  private formsTried = 0;
  private readonly cache: FastOpenCache;

  constructor(cache: FastOpenCache) {
    this.cache = cache;
  }

  learn(o: FastOpenOutcome, now: Micros): void {
    if (o.mss > 0) this.mss = o.mss;
    if (o.cookie !== null) {
      this.cookie = o.cookie;
      this.experimental = o.experimental;
    } else if (o.notGranted && this.cookie === null && this.formsTried < 2) {
      // The server ignored the option of section 4.1.1: try the experimental option once, then give
      // up.
      this.formsTried++;
      this.experimental = this.formsTried === 1;
    }
    if (o.synLost) {
      this.synLosses++;
      this.lastLoss = now;
    } else {
      this.synLosses = 0;
    }
  }

  worked(): void {
    this.cache.worked();
  }

  blackhole(now: Micros): void {
    this.cache.blackhole(now);
  }

  /**
   * True while data is kept out of SYNs after a loss: for twice `pause`, doubled for each further
   * loss.
   */
  isPaused(pause: Micros, now: Micros): boolean {
    return (
      this.synLosses > 0 &&
      now < this.lastLoss + doubled(pause, Math.min(this.synLosses, MOST_DOUBLINGS))
    );
  }
}

const keyOf = (local: Address, remote: Address): string =>
  `${local.toString()} ${remote.toString()}`;

export class FastOpenCache {
  /**
   * By local and remote address, least recently used first. The local address matters because the
   * cookie is a proof of it.
   */
  private readonly servers = new Map<string, Server>();
  private blackholes = 0;
  private lastBlackhole: Micros = LONG_AGO;
  private readonly config: TcpConfig;
  private readonly counters: TcpCounters;

  constructor(config: TcpConfig, counters: TcpCounters) {
    this.config = config;
    this.counters = counters;
  }

  get size(): number {
    return this.servers.size;
  }

  /** `ip tcp_metrics flush`: forgets all servers. */
  forget(): void {
    this.servers.clear();
  }

  /** Plans the SYN of an active open with Fast Open. `mss`: the MSS that this side announces. */
  plan(local: Address, remote: Address, bits: number, mss: number, now: Micros): FastOpen {
    const server = this.serverOf(keyOf(local, remote));
    const likelyMss = Math.min(server.mss > 0 ? server.mss : mss, mss);
    const mostSynData = Math.max(0, likelyMss - OPTION_ROOM);
    const { cookie, experimental } = server;
    const afterPause = this.blackholes > 0;
    if (this.isBlackhole(now) || server.isPaused(this.config.fastOpenLossPause, now)) {
      return new FastOpen({ cookie: null, experimental: false, memory: server });
    }
    if ((bits & FastOpenMode.clientWithoutCookie) !== 0) {
      return new FastOpen({
        cookie: null,
        experimental,
        mostSynData,
        likelyMss,
        memory: server,
        afterPause,
      });
    }
    return cookie === null
      ? new FastOpen({ cookie: NO_COOKIE, experimental, memory: server, afterPause })
      : new FastOpen({ cookie, experimental, mostSynData, likelyMss, memory: server, afterPause });
  }

  /** True if the SYN that `plan` would plan can carry data. */
  isReady(local: Address, remote: Address, bits: number, now: Micros): boolean {
    const server = this.servers.get(keyOf(local, remote));
    if (this.isBlackhole(now) || server?.isPaused(this.config.fastOpenLossPause, now) === true)
      return false;
    return (bits & FastOpenMode.clientWithoutCookie) !== 0 || (server?.cookie ?? null) !== null;
  }

  private serverOf(key: string): Server {
    const server = this.servers.get(key) ?? new Server(this);
    this.servers.delete(key);
    if (this.servers.size >= MOST_SERVERS) this.servers.delete(this.servers.keys().next().value!);
    this.servers.set(key, server);
    return server;
  }

  /** @internal */
  blackhole(now: Micros): void {
    if (this.config.fastOpenBlackholeTimeout === 0) return;
    this.blackholes++;
    this.lastBlackhole = now;
    this.counters.TcpExtTCPFastOpenBlackhole++;
  }

  /** @internal Data arrived, so this network passes SYNs with data. */
  worked(): void {
    this.blackholes = 0;
  }

  private isBlackhole(now: Micros): boolean {
    if (this.blackholes === 0) return false;
    const doublings = Math.min(this.blackholes - 1, MOST_DOUBLINGS);
    return now < this.lastBlackhole + doubled(this.config.fastOpenBlackholeTimeout, doublings);
  }
}
