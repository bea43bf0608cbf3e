/**
 * Rate limits for challenge ACKs and for duplicate ACKs that answer invalid segments (RFC 5961
 * section 7). An attacker must not be able to count the host's limit, because the count shows that
 * a connection exists (CVE-2016-5696). Each connection therefore has an interval of its own
 * (Linux's tcp_invalid_ratelimit; `takeAnswerSlot` in input.ts), and the host's limit for each
 * second is random.
 */
import type { Random } from '../base/random.js';
import { SECOND, type Micros } from '../base/time.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';

/**
 * True for segments that are answered without a rate limit, as in Linux: a repeated data segment or
 * FIN means that our ACK was lost. A segment without data, or a SYN, may be part of an ACK loop or
 * an attack.
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

  /** True if the host may send one more challenge ACK in this second; counts it. */
  allow(now: Micros): boolean {
    const second = Math.floor(now / SECOND);
    if (second !== this.second) {
      this.second = second;
      // As in Linux: from half the limit up to one and a half times the limit.
      this.left = Math.ceil(this.limit / 2) + Math.floor(this.random.float() * this.limit);
    }
    if (this.left === 0) return false;
    this.left--;
    return true;
  }
}
