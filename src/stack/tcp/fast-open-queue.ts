/**
 * What a listener's Fast Open has pending (RFC 7413 section 5.1).
 *
 * Data that is delivered before the end of the handshake may come from anywhere if a cookie was
 * stolen. So each listener bounds how many such connections are pending, and those that a RST ended
 * count for another minute.
 */
import { Ring } from '../../base/ring.js';
import { SECOND, type Micros } from '../../base/time.js';
import type { FastOpenCookies } from './fast-open-cookie.js';

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
