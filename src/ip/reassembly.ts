/**
 * Fragments back into datagrams: RFC 791 section 3.2, RFC 8200 section 4.5, RFC 5722, RFC 3168
 * section 5.3.
 *
 * Memory is bounded in datagrams, in datagrams of one source, in bytes and in fragments; at a bound
 * the oldest goes. A fragment that overlaps another ends its whole datagram (RFC 5722; Linux does
 * so for IPv4 as well): there is no honest reason for it. An exact duplicate is passed over. The
 * time runs from the first fragment that came and is not prolonged.
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
  /** Datagrams that may wait at a time, and those of one source among them. */
  readonly datagrams: number;
  readonly datagramsPerSource: number;
  /** Memory, bookkeeping included. */
  readonly bytes: number;
  /** Of one datagram: 65,535 bytes in IPv4's smallest MTU of 68 would be 1,365. */
  readonly fragments: number;
  /** Linux's ipfrag_time, 30 s, and RFC 8200's 60 s. */
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
 * What a fragment costs besides its bytes (Node 20: a buffer, its view, two objects): or fragments
 * of 8 bytes would be free.
 */
const FRAGMENT_OVERHEAD = 256;
const ECN_CE = 3;
/** TCP's header without options (RFC 9293 section 3.1). */
const TCP_FIXED_BYTES = 20;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One datagram in the making. */
export class PartialDatagram {
  readonly key: string;
  readonly source: string;
  readonly deadline: Micros;
  /** In order of their offsets, none overlapping. */
  readonly pieces: Piece[] = [];
  /** Payload bytes that are there. */
  bytes = 0;
  /** What it costs, of `ReassemblyLimits.bytes`. */
  memory = 0;
  /** Payload bytes of the whole: known once the last fragment came, -1 before. */
  total = -1;
  congestionSeen = false;
  notEctSeen = false;
  /**
   * Of the fragment at offset 0: its header's fields, and its packet for an ICMP error; null until
   * it came.
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
  /**
   * Why the last `add` gave something up, the fragment or older ones at a limit: Drop.none when it
   * did not.
   */
  reason: DropReason = Drop.none;
  /** By key, the oldest first. */
  private readonly partials = new Map<string, PartialDatagram>();
  private readonly perSource = new Counts<string>();
  private memory = 0;
  private readonly limits: ReassemblyLimits;

  constructor(limits: ReassemblyLimits = DEFAULT_REASSEMBLY) {
    this.limits = limits;
  }

  /** Datagrams that wait for the rest of themselves. */
  get size(): number {
    return this.partials.size;
  }

  /**
   * Takes the fragment that `h` heads. Returns the whole datagram once it is complete: an IP packet
   * that is no fragment any more.
   */
  add(slab: Slab, h: IpHeader, now: Micros): Slab | null {
    this.reason = Drop.none;
    const { fragmentOffset: offset, payloadLength: length } = h;
    // All but the last are a multiple of 8 long, and none is empty.
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

  /** When `expire` is due next, or NEVER. */
  nextTimeout(): Micros {
    let next = NEVER;
    for (const p of this.partials.values()) next = Math.min(next, p.deadline);
    return next;
  }

  /**
   * Gives up what is too old; `gaveUp` hears of each, for a Time Exceeded when the first fragment
   * is there.
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
    const key = `${source} ${h.d0} ${h.d1} ${h.d2} ${h.d3} ${h.id} ${h.version === 4 ? h.protocol : ''}`;
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
   * At a bound the oldest go, but never the one that is being added to, unless it alone is over.
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
    // RFC 3168 section 5.3: one CE marks the whole, but a sender of Not-ECT gets no CE.
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
 * Does the fragment put TCP's ports or flags where a filter on the way does not look for them? RFC
 * 1858 and RFC 3128: the first one must hold TCP's whole fixed header, and none may begin within
 * it. (In IPv6 RFC 7112 asks for all headers in the first one: wire/ipv6.ts.)
 */
const isTiny = (h: IpHeader): boolean =>
  h.protocol === PROTOCOL_TCP &&
  (h.fragmentOffset === 0
    ? h.moreFragments && h.payloadLength < TCP_FIXED_BYTES
    : h.fragmentOffset < TCP_FIXED_BYTES);

/**
 * Where the fragment goes among the pieces. Most come in order, so the search begins at the end.
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
  // What says where the datagram ends must agree with all that came.
  if (p.total >= 0 && (end > p.total || last)) return 'overlap';
  return last && i < p.pieces.length ? 'overlap' : i;
}
