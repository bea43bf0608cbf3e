/**
 * What is known of the MTU on the way to a destination: RFC 1191 (IPv4), RFC 8201 (IPv6).
 *
 * Only an ICMP error makes it smaller, nothing makes it larger but time: after ten minutes an entry
 * is forgotten and the interface's own MTU tried again. Whether an error is to be believed (did we
 * send what it quotes?) is the transport's to say, before it calls `decrease`: RFC 5927 section 7.
 *
 * An IPv4 path that is said to carry less than a floor (Linux's min_pmtu, 552) is not followed
 * down: whoever made that up would have us send a hundred packets for one. Packets of the floor's
 * size go without DF there, and routers may cut them.
 */
import { MINUTE, NEVER, type Micros } from '../base/time.js';
import { addressVersion, type AddressWords } from '../wire/ip.js';
import { keyOf } from './address.js';

/** The least that a path must carry: RFC 791 section 3.2, RFC 8200 section 5. */
export const MIN_MTU_4 = 68;
export const MIN_MTU_6 = 1280;

const LIFETIME = 10 * MINUTE;
const MAX_ENTRIES = 1024;

/**
 * RFC 1191 section 7.1: MTUs that networks have, for a router from before that RFC that does not
 * say its own.
 */
const PLATEAUS: readonly number[] = [
  65_535,
  32_000,
  17_914,
  8166,
  4352,
  2002,
  1492,
  1006,
  508,
  296,
  MIN_MTU_4,
];

interface Entry {
  readonly mtu: number;
  /** The floor was reached: no DF. */
  readonly mayFragment: boolean;
  readonly expires: Micros;
}

export class PathMtuCache {
  /** By destination; the one that changed last stands last. */
  private readonly entries = new Map<string, Entry>();
  private readonly floor4: number;
  private readonly lifetime: Micros;

  /** `floor4`: IPv4 packets do not become smaller than this, 68 at least. */
  constructor(floor4 = MIN_MTU_4, lifetime: Micros = LIFETIME) {
    this.floor4 = Math.max(floor4, MIN_MTU_4);
    this.lifetime = lifetime;
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * The largest packet, in bytes, for this destination: `interfaceMtu` unless the path is known to
   * carry less.
   */
  mtuTo(to: AddressWords, interfaceMtu: number, now: Micros): number {
    const entry = this.find(to, now);
    return entry === undefined ? interfaceMtu : Math.min(entry.mtu, interfaceMtu);
  }

  /** Routers may cut what goes there, whatever its sender would like. */
  mayFragment(to: AddressWords, now: Micros): boolean {
    return this.find(to, now)?.mayFragment === true;
  }

  /** When what is known of this destination will be forgotten, or NEVER when nothing is. */
  expiry(to: AddressWords, now: Micros): Micros {
    return this.find(to, now)?.expires ?? NEVER;
  }

  private find(to: AddressWords, now: Micros): Entry | undefined {
    if (this.entries.size === 0) return undefined;
    const key = keyOf(to);
    const entry = this.entries.get(key);
    if (entry === undefined || entry.expires > now) return entry;
    this.entries.delete(key);
    return undefined;
  }

  /**
   * An error said that a packet of `packetBytes` to this destination was too big for a next hop of
   * `reported` bytes (0: it did not say). Returns the path's MTU from now on, or 0 when nothing
   * changes: a "decrease" that is none is no reason to send anything again.
   */
  decrease(
    to: AddressWords,
    reported: number,
    packetBytes: number,
    interfaceMtu: number,
    now: Micros,
  ): number {
    const version = addressVersion(to);
    // RFC 8201 section 4: one that says less than IPv6's least is to be discarded.
    if (version === 6 && reported < MIN_MTU_6) return 0;
    // RFC 5927 section 7: nothing is too big for a hop that takes it.
    if (reported >= packetBytes) return 0;
    const before = this.mtuTo(to, interfaceMtu, now);
    const least = version === 4 ? this.floor4 : MIN_MTU_6;
    // A guess is about the packet: one that was on its way when the last guess was made asks for no
    // other. Longer than the interface sends is a super-segment that was cut on the way.
    const said =
      reported > 0 ? reported : plateauBelow(packetBytes > interfaceMtu ? before : packetBytes);
    const mtu = Math.min(Math.max(said, least), before);
    const mayFragment = version === 4 && said < least;
    if (mtu === before && (!mayFragment || this.mayFragment(to, now))) return 0;
    const key = keyOf(to);
    this.entries.delete(key);
    if (this.entries.size >= MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { mtu, mayFragment, expires: now + this.lifetime });
    return mtu;
  }
}

/** The largest plateau below `bytes`. */
const plateauBelow = (bytes: number): number => PLATEAUS.find((p) => p < bytes) ?? MIN_MTU_4;
