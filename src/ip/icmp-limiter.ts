/**
 * Limits the rate of ICMP errors sent (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)). As in
 * Linux, each destination gets one error a second (icmp_ratelimit) with a small burst, and all
 * share a token bucket (icmp_msgs_per_sec 1000, icmp_msgs_burst 50). An error that its
 * destination's limit refuses takes no token from the shared bucket.
 *
 * An attacker that counts the errors can find open ports (CVE-2020-25705, "SAD DNS"), so an error
 * costs a random number of tokens, one to three.
 */
import type { Random } from '../base/random.js';
import { SECOND, type Micros } from '../base/time.js';
import type { AddressWords } from '../wire/ip.js';
import { keyOf } from './address.js';

const PER_SECOND = 1000;
const BURST = 50;
const PER_HOST_PER_SECOND = 1;
const PER_HOST_BURST = 6;
const MAX_HOSTS = 1024;

interface Bucket {
  tokens: number;
  at: Micros;
}

export class IcmpLimiter {
  private readonly all: Bucket = { tokens: BURST, at: 0 };
  /** By address, least recently sent first. */
  private readonly hosts = new Map<string, Bucket>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True if an error may be sent to this address now; it then takes the tokens. */
  allow(to: AddressWords, now: Micros): boolean {
    const key = keyOf(to);
    const host = this.hosts.get(key) ?? { tokens: PER_HOST_BURST, at: now };
    refill(host, PER_HOST_PER_SECOND, PER_HOST_BURST, now);
    refill(this.all, PER_SECOND, BURST, now);
    if (host.tokens < 1 || this.all.tokens < 1) return false;
    host.tokens--;
    this.all.tokens = Math.max(0, this.all.tokens - 1 - Math.floor(this.random.float() * 3));
    this.hosts.delete(key);
    if (this.hosts.size >= MAX_HOSTS) this.hosts.delete(this.hosts.keys().next().value!);
    this.hosts.set(key, host);
    return true;
  }
}

function refill(b: Bucket, perSecond: number, burst: number, now: Micros): void {
  b.tokens = Math.min(burst, b.tokens + ((now - b.at) / SECOND) * perSecond);
  b.at = now;
}
