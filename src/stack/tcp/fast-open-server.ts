/**
 * The server's side of Fast Open in a stack (RFC 7413 section 4.2): may this SYN's data be
 * delivered, and does the client get a cookie?
 *
 * Data that is delivered before the handshake's end may come from anywhere, if a cookie was stolen:
 * so each listener bounds how many such connections are pending (section 5.1), and those that a RST
 * ended count for another minute.
 */
import type { Random } from '../../base/random.js';
import { Ring } from '../../base/ring.js';
import { SECOND, type Micros } from '../../base/time.js';
import { ABSENT, type Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { TcpCounters } from '../../tcp/counters.js';
import { FastOpen, FastOpenMode } from '../../tcp/fast-open.js';
import type { Tuple } from '../tuple.js';
import { CookieWorth, FastOpenCookies } from './fast-open-cookie.js';

const RESET_COUNTS_FOR: Micros = 60 * SECOND;

/** Of one listener: PendingFastOpenRequests and its limit. */
export class FastOpenQueue {
  /** setsockopt(2)'s TCP_FASTOPEN. */
  most: number;
  /** TCP_FASTOPEN_NO_COOKIE: a SYN's data is taken without one. */
  withoutCookie = false;
  pending = 0;
  /** TCP_FASTOPEN_KEY: cookies of this listener's own; null: the stack's. */
  cookies: FastOpenCookies | null = null;
  /** When those that were reset count no more. */
  private readonly resets = new Ring<Micros>();

  constructor(most: number) {
    this.most = most;
  }

  hasRoom(now: Micros): boolean {
    if (this.pending < this.most) return true;
    const oldest = this.resets.at(0);
    if (oldest === undefined || oldest > now) return false;
    this.resets.shift();
    this.pending--;
    return true;
  }

  /** One of them was established, or is over. */
  leave(reset: boolean, now: Micros): void {
    if (reset) this.resets.push(now + RESET_COUNTS_FOR);
    else this.pending--;
  }
}

export class FastOpenServer {
  readonly cookies: FastOpenCookies;
  private readonly config: TcpConfig;
  private readonly counters: TcpCounters;

  constructor(config: TcpConfig, counters: TcpCounters, random: Random) {
    this.config = config;
    this.counters = counters;
    this.cookies = new FastOpenCookies(random);
  }

  /** A SYN for a listener with `queue`; null when its connection is to open as any other. */
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
