/**
 * What is known of the MTU on the way to a destination: RFC 1191 (IPv4), RFC 8201 (IPv6).
 *
 * Only an ICMP error makes it smaller, nothing makes it larger but time: after ten minutes an entry is forgotten and the interface's own MTU tried
 * again. Whether an error is to be believed (did we send what it quotes?) is the transport's to say, before it calls `decrease`: RFC 5927 section 7.
 */
import { MINUTE, type Micros } from '../base/time.js';

/** The least that a path must carry: RFC 791 section 3.2, RFC 8200 section 5. */
export const MIN_MTU_4 = 68;
export const MIN_MTU_6 = 1280;

const LIFETIME = 10 * MINUTE;
const MAX_ENTRIES = 1024;

/** RFC 1191 section 7.1: MTUs that networks have, for a router from before that RFC that does not say its own. */
const PLATEAUS: readonly number[] = [65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, MIN_MTU_4];

interface Entry {
  readonly mtu: number;
  readonly expires: Micros;
}

export class PathMtuCache {
  /** By destination; the one that changed last stands last. */
  private readonly entries = new Map<string, Entry>();

  get size(): number {
    return this.entries.size;
  }

  /** The largest packet, in bytes, for this destination: `interfaceMtu` unless the path is known to carry less. */
  mtuTo(w0: number, w1: number, w2: number, w3: number, interfaceMtu: number, now: Micros): number {
    if (this.entries.size === 0) return interfaceMtu;
    const key = keyOf(w0, w1, w2, w3);
    const entry = this.entries.get(key);
    if (entry === undefined) return interfaceMtu;
    if (entry.expires > now) return Math.min(entry.mtu, interfaceMtu);
    this.entries.delete(key);
    return interfaceMtu;
  }

  /**
   * An error said that a packet of `packetBytes` to this destination was too big for a next hop of `reported` bytes (0: it did not say). Returns
   * the path's MTU from now on, or 0 when nothing changes: a "decrease" that is none is no reason to send anything again.
   */
  decrease(
    version: 4 | 6,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    reported: number,
    packetBytes: number,
    interfaceMtu: number,
    now: Micros,
  ): number {
    const before = this.mtuTo(w0, w1, w2, w3, interfaceMtu, now);
    // RFC 8201 section 4: an MTU below IPv6's least is taken as the least.
    const least = version === 4 ? MIN_MTU_4 : MIN_MTU_6;
    const said = reported > 0 ? reported : plateauBelow(Math.min(packetBytes, before));
    const mtu = Math.max(said, least);
    if (mtu >= before) return 0;
    const key = keyOf(w0, w1, w2, w3);
    this.entries.delete(key);
    if (this.entries.size >= MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { mtu, expires: now + LIFETIME });
    return mtu;
  }
}

const keyOf = (w0: number, w1: number, w2: number, w3: number): string => `${w0} ${w1} ${w2} ${w3}`;

/** The largest plateau below `bytes`. */
const plateauBelow = (bytes: number): number => PLATEAUS.find((p) => p < bytes) ?? MIN_MTU_4;
