/**
 * The throttle on challenge ACKs and on duplicate ACKs that bad segments provoke: RFC 5961 section
 * 7 asks for one, and CVE-2016-5696 showed that a limit that an attacker can count gives the
 * connection away. So each connection has its own interval (Linux's tcp_invalid_ratelimit), and the
 * host's limit for a second is drawn anew each second.
 */
import type { Random } from '../base/random.js';
import { SECOND, type Micros } from '../base/time.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';

/**
 * Data and FIN that come again say that our ACK was lost. What has neither, or a SYN, may be one
 * end of an ACK loop, or an attack: its answers are throttled, as in Linux.
 */
export const answersAlways = (seg: Segment): boolean =>
  (seg.payloadBytes > 0 || seg.has(TcpFlag.FIN)) && !seg.has(TcpFlag.SYN);

export class ChallengeLimiter {
  private left = 0;
  private second = -1;
  private readonly random: Random;
  private readonly limit: number;

  constructor(random: Random, limit: number) {
    this.random = random;
    this.limit = limit;
  }

  /** May one more challenge ACK go out in this second? */
  allow(now: Micros): boolean {
    const second = Math.floor(now / SECOND);
    if (second !== this.second) {
      this.second = second;
      // As Linux: half the limit, and up to as much again.
      this.left = Math.ceil(this.limit / 2) + Math.floor(this.random.float() * this.limit);
    }
    if (this.left === 0) return false;
    this.left--;
    return true;
  }
}
