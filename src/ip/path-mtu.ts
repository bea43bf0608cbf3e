/**
 * The known path MTU of each destination: RFC 1191 (IPv4), RFC 8201 (IPv6).
 *
 * An ICMP error decreases it. Only time increases it: after ten minutes the entry expires and the
 * interface's MTU is tried again. Before it calls `decrease`, the transport must check that it sent
 * the quoted packet, because the error may be forged (RFC 5927 section 7).
 *
 * An IPv4 path MTU never falls below a floor (Linux's min_pmtu, 552), because a forged error could
 * otherwise make the sender split each packet into a hundred. If an error reports less, packets of
 * the floor's size are sent without DF, so that routers may fragment them.
 */
import { MINUTE, NEVER, type Micros } from '../base/time.js';
import { addressVersion, type AddressWords } from '../wire/ip.js';
import { keyOf } from './address.js';

/** The smallest MTU that every path must support: RFC 791 section 3.2, RFC 8200 section 5. */
export const MIN_MTU_4 = 68;
export const MIN_MTU_6 = 1280;

const LIFETIME = 10 * MINUTE;
const MAX_ENTRIES = 1024;

/**
 * RFC 1191 section 7.1: common MTUs, for routers older than that RFC, which do not report theirs.
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
  /** The reported MTU was below the floor: send without DF. */
  readonly mayFragment: boolean;
  readonly expires: Micros;
}

export class PathMtuCache {
  /** By destination, least recently changed first. */
  private readonly entries = new Map<string, Entry>();
  private readonly floor4: number;
  private readonly lifetime: Micros;

  /** `floor4`: smallest path MTU for IPv4 in bytes, at least 68. */
  constructor(floor4 = MIN_MTU_4, lifetime: Micros = LIFETIME) {
    this.floor4 = Math.max(floor4, MIN_MTU_4);
    this.lifetime = lifetime;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The path MTU to this destination in bytes; `interfaceMtu` if no smaller one is known. */
  mtuTo(to: AddressWords, interfaceMtu: number, now: Micros): number {
    const entry = this.find(to, now);
    return entry === undefined ? interfaceMtu : Math.min(entry.mtu, interfaceMtu);
  }

  /** True if packets to this destination are sent without DF, whatever the sender asked for. */
  mayFragment(to: AddressWords, now: Micros): boolean {
    return this.find(to, now)?.mayFragment === true;
  }

  /** When the entry of this destination expires; NEVER if there is none. */
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
   * Handles an error which says that a packet of `packetBytes` was too big for a next hop with an
   * MTU of `reported` (0: not reported). Returns the new path MTU in bytes, or 0 if it did not
   * decrease; then nothing needs to be sent again.
   */
  decrease(
    to: AddressWords,
    reported: number,
    packetBytes: number,
    interfaceMtu: number,
    now: Micros,
  ): number {
    const version = addressVersion(to);
    // RFC 8201 section 4: an MTU below IPv6's minimum is discarded.
    if (version === 6 && reported < MIN_MTU_6) return 0;
    // RFC 5927 section 7: the packet fits the reported MTU, so the error is not genuine.
    if (reported >= packetBytes) return 0;
    const before = this.mtuTo(to, interfaceMtu, now);
    const least = version === 4 ? this.floor4 : MIN_MTU_6;
    // Without a reported MTU, guess the next plateau below the packet's size. So a packet that was
    // sent before the last guess does not cause another decrease. A packet larger than the
    // interface's MTU was a super-segment, which was split before the wire: use the current path
    // MTU instead.
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
