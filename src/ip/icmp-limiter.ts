/**
 * How many ICMP errors a host sends: RFC 1812 section 4.3.2.8 and RFC 4443 section 2.4 (f) ask for a limit. As Linux, a token bucket for all
 * (icmp_msgs_per_sec 1000, icmp_msgs_burst 50), its burst drawn anew now and then so that it tells an attacker nothing (CVE-2020-25705), and one
 * error a second to each destination (icmp_ratelimit) with a small burst.
 */
import type { Random } from '../base/random.js';
import { SECOND, type Micros } from '../base/time.js';

const PER_SECOND = 1000;
const BURST = 50;
const PER_HOST_BURST = 6;
const MAX_HOSTS = 1024;

interface Bucket {
  tokens: number;
  at: Micros;
}

export class IcmpLimiter {
  private readonly all: Bucket = { tokens: BURST, at: 0 };
  private readonly hosts = new Map<string, Bucket>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** May an error go to this address now? */
  allow(w0: number, w1: number, w2: number, w3: number, now: Micros): boolean {
    if (!take(this.all, PER_SECOND, BURST, now)) return false;
    if (this.all.tokens < 1) this.all.tokens -= Math.floor(this.random.float() * 3);
    const key = `${w0} ${w1} ${w2} ${w3}`;
    let host = this.hosts.get(key);
    if (host === undefined) {
      if (this.hosts.size >= MAX_HOSTS) this.hosts.delete(this.hosts.keys().next().value!);
      host = { tokens: PER_HOST_BURST, at: now };
      this.hosts.set(key, host);
    }
    return take(host, 1, PER_HOST_BURST, now);
  }
}

function take(b: Bucket, perSecond: number, burst: number, now: Micros): boolean {
  b.tokens = Math.min(burst, b.tokens + ((now - b.at) / SECOND) * perSecond);
  b.at = now;
  if (b.tokens < 1) return false;
  b.tokens--;
  return true;
}
