/**
 * The pending Fast Open connections of a listener (RFC 7413 section 5.1).
 *
 * With a stolen cookie, an attacker can send data with a forged source address. So each listener
 * limits the connections whose handshake is not complete, and a connection that was reset counts
 * for another minute.
 */
import { Ring } from '../../base/ring.js';
import { SECOND, type Micros } from '../../base/time.js';
import type { FastOpenCookies } from './fast-open-cookie.js';

const RESET_COUNTS_FOR: Micros = 60 * SECOND;

/** PendingFastOpenRequests of one listener, and its limit. */
export class FastOpenQueue {
  /** Limit of pending connections: setsockopt(2)'s TCP_FASTOPEN. */
  most: number;
  /** TCP_FASTOPEN_NO_COOKIE: data in a SYN is accepted without a cookie. */
  withoutCookie = false;
  pending = 0;
  /** TCP_FASTOPEN_KEY: this listener's cookies; null uses the stack's. */
  cookies: FastOpenCookies | null = null;
  /** When each reset connection stops counting, oldest first. */
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

  /** A pending connection was established or has ended. `reset`: it ended with a RST. */
  leave(reset: boolean, now: Micros): void {
    if (reset) this.resets.push(now + RESET_COUNTS_FOR);
    else this.pending--;
  }
}
