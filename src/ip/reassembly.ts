/**
 * Reassembles fragments: RFC 791 section 3.2, RFC 8200 section 4.5, RFC 5722, RFC 3168 section 5.3.
 *
 * There are limits on datagrams, on datagrams per source, on bytes and on fragments; at a limit the
 * oldest datagram is evicted. An overlapping fragment discards its whole datagram (RFC 5722; as in
 * Linux also for IPv4), because a correct sender never produces one. An exact duplicate is ignored.
 * The timeout runs from the first fragment that arrived and is not extended.
 */
import { Counts } from '../base/counts.js';
import { copyOf } from '../base/copy.js';
import { Slab } from '../base/slab.js';
import { NEVER, SECOND, type Micros } from '../base/time.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, IpHeader, PROTOCOL_TCP } from '../wire/ip.js';
import { writeIpv4 } from '../wire/ipv4.js';
import { writeIpv6 } from '../wire/ipv6.js';

export interface ReassemblyLimits {
  /** Incomplete datagrams at a time, in all and from one source. */
  readonly datagrams: number;
  readonly datagramsPerSource: number;
  /** Memory in bytes, bookkeeping included. */
  readonly bytes: number;
  /** Fragments of one datagram. 65,535 bytes at IPv4's minimum MTU of 68 need 1,365. */
  readonly fragments: number;
  /** Linux's ipfrag_time (30 s), and RFC 8200's 60 s. */
  readonly timeout4: Micros;
  readonly timeout6: Micros;
}

export const DEFAULT_REASSEMBLY: ReassemblyLimits = {
  datagrams: 256,
  datagramsPerSource: 64,
  bytes: 4 << 20,
  fragments: 1400,
  timeout4: 30 * SECOND,
  timeout6: 60 * SECOND,
};

const MAX_DATAGRAM = 65_535;
/**
 * Memory of a fragment beside its bytes (Node 20: a buffer, its view, two objects). It is counted,
 * because otherwise fragments of 8 bytes would cost almost nothing.
 */
const FRAGMENT_OVERHEAD = 256;
const ECN_CE = 3;
/** Length of TCP's header without options (RFC 9293 section 3.1). */
const TCP_FIXED_BYTES = 20;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An incomplete datagram. */
export class PartialDatagram {
  readonly key: string;
  readonly source: string;
  readonly deadline: Micros;
  /** Sorted by offset, without overlaps. */
  readonly pieces: Piece[] = [];
  /** Payload bytes received. */
  bytes = 0;
  /** Its share of `ReassemblyLimits.bytes`. */
  memory = 0;
  /** Payload bytes of the whole datagram; -1 until the last fragment has arrived. */
  total = -1;
  congestionSeen = false;
  notEctSeen = false;
  /**
   * The header fields of the fragment at offset 0, and its packet for an ICMP error. `first` is
   * null until it has arrived.
   */
  readonly header = new IpHeader();
  first: Uint8Array | null = null;

  constructor(key: string, source: string, deadline: Micros) {
    this.key = key;
    this.source = source;
    this.deadline = deadline;
  }
}

export class Reassembly {
  /** Why the last `add` dropped its fragment or evicted datagrams; Drop.none if it did neither. */
  reason: DropReason = Drop.none;
  /** By key, oldest first. */
  private readonly partials = new Map<string, PartialDatagram>();
  private readonly perSource = new Counts<string>();
  private memory = 0;
  private readonly limits: ReassemblyLimits;

  constructor(limits: ReassemblyLimits = DEFAULT_REASSEMBLY) {
    this.limits = limits;
  }

  /** Number of incomplete datagrams. */
  get size(): number {
    return this.partials.size;
  }

  /**
   * Adds the fragment with the header `h`. Returns the datagram once it is complete, as an IP
   * packet that is not a fragment.
   */
  add(slab: Slab, h: IpHeader, now: Micros): Slab | null {
    this.reason = Drop.none;
    const { fragmentOffset: offset, payloadLength: length } = h;
    // No fragment is empty, and all but the last have a length that is a multiple of 8.
    if (length === 0 || (h.moreFragments && (length & 7) !== 0))
      return this.refuse(Drop.fragmentBadLength);
    const headerBytes = h.version === 4 ? IPV4_HEADER_BYTES : 0;
    if (offset + length + headerBytes > MAX_DATAGRAM) return this.refuse(Drop.fragmentTooLarge);
    if (isTiny(h)) return this.refuse(Drop.fragmentTiny);
    const partial = this.partialOf(h, now);
    const verdict = place(partial, offset, length, !h.moreFragments);
    if (verdict === 'duplicate') return null;
    if (verdict === 'overlap' || partial.pieces.length >= this.limits.fragments) {
      this.forget(partial);
      return this.refuse(verdict === 'overlap' ? Drop.fragmentOverlap : Drop.fragmentLimit);
    }
    this.keep(partial, verdict, slab, h);
    if (partial.bytes === partial.total) return this.complete(partial);
    this.makeRoom(partial);
    return null;
  }

  /** When `expire` is due next; NEVER without incomplete datagrams. */
  nextTimeout(): Micros {
    let next = NEVER;
    for (const p of this.partials.values()) next = Math.min(next, p.deadline);
    return next;
  }

  /**
   * Discards datagrams whose deadline has passed. `gaveUp` is called for each, to send a Time
   * Exceeded if the first fragment is there.
   */
  expire(now: Micros, gaveUp: (partial: PartialDatagram) => void): void {
    for (const p of this.partials.values()) {
      if (p.deadline > now) continue;
      this.forget(p);
      gaveUp(p);
    }
  }

  private refuse(reason: DropReason): null {
    this.reason = reason;
    return null;
  }

  private partialOf(h: IpHeader, now: Micros): PartialDatagram {
    const source = `${h.version} ${h.s0} ${h.s1} ${h.s2} ${h.s3}`;
    const protocol = h.version === 4 ? h.protocol : '';
    const key = `${source} ${h.d0} ${h.d1} ${h.d2} ${h.d3} ${h.id} ${protocol}`;
    let p = this.partials.get(key);
    if (p !== undefined) return p;
    if (this.perSource.of(source) >= this.limits.datagramsPerSource) this.forgetOldestOf(source);
    p = new PartialDatagram(
      key,
      source,
      now + (h.version === 4 ? this.limits.timeout4 : this.limits.timeout6),
    );
    this.partials.set(key, p);
    this.perSource.add(source);
    return p;
  }

  private keep(p: PartialDatagram, place: number, slab: Slab, h: IpHeader): void {
    const { fragmentOffset: offset, payloadLength: length } = h;
    p.pieces.splice(place, 0, { offset, bytes: copyOf(slab, h.payloadOffset, length) });
    p.bytes += length;
    let cost = FRAGMENT_OVERHEAD + length;
    if (!h.moreFragments) p.total = offset + length;
    if (h.ecn === ECN_CE) p.congestionSeen = true;
    if (h.ecn === 0) p.notEctSeen = true;
    if (offset === 0) {
      Object.assign(p.header, h);
      p.first = copyOf(slab, h.headerOffset, h.payloadOffset + length - h.headerOffset);
      cost += p.first.length;
    }
    p.memory += cost;
    this.memory += cost;
  }

  /**
   * Evicts the oldest datagrams until the limits are met; the current one only if it alone exceeds
   * them.
   */
  private makeRoom(current: PartialDatagram): void {
    for (const p of this.partials.values()) {
      if (this.memory <= this.limits.bytes && this.partials.size <= this.limits.datagrams) return;
      if (p !== current) this.giveUp(p);
    }
    if (this.memory > this.limits.bytes) this.giveUp(current);
  }

  private forgetOldestOf(source: string): void {
    for (const p of this.partials.values()) {
      if (p.source !== source) continue;
      this.giveUp(p);
      return;
    }
  }

  private giveUp(p: PartialDatagram): void {
    this.forget(p);
    this.reason = Drop.fragmentLimit;
  }

  private forget(p: PartialDatagram): void {
    this.partials.delete(p.key);
    this.memory -= p.memory;
    this.perSource.remove(p.source);
  }

  private complete(p: PartialDatagram): Slab | null {
    this.forget(p);
    // RFC 3168 section 5.3: one CE marks the whole datagram, but CE and Not-ECT together are
    // invalid.
    if (p.congestionSeen && p.notEctSeen) return this.refuse(Drop.fragmentBadEcn);
    const h = p.header;
    const headerBytes = h.version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const out = new Slab(headerBytes + p.total);
    h.payloadLength = p.total;
    h.isFragment = false;
    h.moreFragments = false;
    h.dontFragment = false;
    if (p.congestionSeen) h.tos |= ECN_CE;
    if (h.version === 4) writeIpv4(out, 0, h);
    else writeIpv6(out, 0, h);
    for (const piece of p.pieces) out.bytes.set(piece.bytes, headerBytes + piece.offset);
    return out;
  }
}

/**
 * True if the fragment could hide TCP's ports or flags from a filter (RFC 1858, RFC 3128): the
 * first fragment must hold TCP's fixed header, and no other may begin within it. (For IPv6 RFC 7112
 * requires all headers in the first fragment: wire/ipv6.ts.)
 */
const isTiny = (h: IpHeader): boolean =>
  h.protocol === PROTOCOL_TCP &&
  (h.fragmentOffset === 0
    ? h.moreFragments && h.payloadLength < TCP_FIXED_BYTES
    : h.fragmentOffset < TCP_FIXED_BYTES);

/**
 * Finds the fragment's place among the pieces. Most arrive in order, so the search starts at the
 * end.
 */
function place(
  p: PartialDatagram,
  offset: number,
  length: number,
  last: boolean,
): number | 'duplicate' | 'overlap' {
  const end = offset + length;
  let i = p.pieces.length;
  while (i > 0 && p.pieces[i - 1]!.offset >= end) i--;
  const before = p.pieces[i - 1];
  if (before !== undefined && before.offset + before.bytes.length > offset) {
    return before.offset === offset && before.bytes.length === length ? 'duplicate' : 'overlap';
  }
  // There is only one last fragment, and no other may reach beyond its end.
  if (p.total >= 0 && (end > p.total || last)) return 'overlap';
  return last && i < p.pieces.length ? 'overlap' : i;
}
