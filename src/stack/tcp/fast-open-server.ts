/**
 * The server side of Fast Open (RFC 7413 section 4.2): decides whether the data of a SYN may be
 * delivered, and whether the client gets a cookie.
 */
import type { Random } from '../../base/random.js';
import type { Micros } from '../../base/time.js';
import { ABSENT, type Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { TcpCounters } from '../../tcp/counters.js';
import { FastOpen, FastOpenMode } from '../../tcp/fast-open.js';
import type { Tuple } from '../tuple.js';
import { CookieWorth, FastOpenCookies } from './fast-open-cookie.js';
import type { FastOpenQueue } from './fast-open-queue.js';

export class FastOpenServer {
  readonly cookies: FastOpenCookies;
  private readonly config: TcpConfig;
  private readonly counters: TcpCounters;

  constructor(config: TcpConfig, counters: TcpCounters, random: Random) {
    this.config = config;
    this.counters = counters;
    this.cookies = new FastOpenCookies(random);
  }

  /**
   * Judges a SYN to a listener with `queue`. Returns null if the connection opens without Fast
   * Open.
   */
  judge(queue: FastOpenQueue | null, tuple: Tuple, syn: Segment, now: Micros): FastOpen | null {
    const { counters } = this;
    const bits = this.config.fastOpen;
    const asked = syn.cookieBytes;
    if (asked === 0) counters.TcpExtTCPFastOpenCookieReqd++;
    const wanted = syn.payloadBytes > 0 || asked !== ABSENT;
    if (queue === null || !wanted || queue.most === 0 || (bits & FastOpenMode.server) === 0)
      return null;
    if (!queue.hasRoom(now)) {
      counters.TcpExtTCPFastOpenListenOverflow++;
      return null;
    }
    if (queue.withoutCookie || (bits & FastOpenMode.serverWithoutCookie) !== 0)
      return this.accept(null, syn);
    if (asked === ABSENT) return null;
    const cookies = queue.cookies ?? this.cookies;
    if (cookies === this.cookies) cookies.setKeysAs(this.config.fastOpenKey);
    cookies.about(tuple.remote, tuple.local);
    if (asked > 0) {
      switch (cookies.judge(syn.cookie.subarray(0, asked), now)) {
        case CookieWorth.current:
          return this.accept(null, syn);
        case CookieWorth.previous:
          counters.TcpExtTCPFastOpenPassiveAltKey++;
          return this.accept(cookies.make(now), syn);
        default:
          counters.TcpExtTCPFastOpenPassiveFail++;
      }
    }
    return new FastOpen({ cookie: cookies.make(now), experimental: syn.cookieExperimental });
  }

  private accept(cookie: Uint8Array | null, syn: Segment): FastOpen {
    this.counters.TcpExtTCPFastOpenPassive++;
    return new FastOpen({ cookie, experimental: syn.cookieExperimental, accepted: true });
  }
}
