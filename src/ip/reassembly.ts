/**
 * Fragments back into datagrams: RFC 791, RFC 8200 section 4.5, RFC 5722, RFC 3168 section 5.3.
 *
 * Memory is bounded in datagrams, in bytes and in fragments; at a bound the oldest datagram goes. A fragment that overlaps another ends its whole
 * datagram (RFC 5722; Linux does so for IPv4 as well): there is no honest reason for it. An exact duplicate is passed over.
 */
import { Slab } from '../base/slab.js';
import { NEVER, SECOND, type Micros } from '../base/time.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, IpHeader } from '../wire/ip.js';
import { writeIpv4 } from '../wire/ipv4.js';
import { writeIpv6 } from '../wire/ipv6.js';

export interface ReassemblyLimits {
  readonly datagrams: number;
  readonly bytes: number;
  /** Of one datagram: 65,535 bytes in IPv4's smallest MTU of 68 would be 1,365. */
  readonly fragments: number;
  /** Linux's ipfrag_time, 30 s, and RFC 8200's 60 s. */
  readonly timeout4: Micros;
  readonly timeout6: Micros;
}

export const DEFAULT_REASSEMBLY: ReassemblyLimits = {
  datagrams: 256,
  bytes: 4 << 20,
  fragments: 1400,
  timeout4: 30 * SECOND,
  timeout6: 60 * SECOND,
};

const MAX_DATAGRAM = 65_535;
const ECN_CE = 3;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One datagram in the making. */
export class Partial {
  readonly key: string;
  readonly deadline: Micros;
  readonly pieces: Piece[] = [];
  bytes = 0;
  /** Known once the last fragment came. */
  total = -1;
  congestionSeen = false;
  notEct = false;
  /** Of the fragment at offset 0: header fields, and its packet for an ICMP error; null until it came. */
  readonly header = new IpHeader();
  first: Uint8Array | null = null;

  constructor(key: string, deadline: Micros) {
    this.key = key;
    this.deadline = deadline;
  }
}

export class Reassembly {
  /** Why the last `add` returned null: a drop, or Drop.none when the datagram is not complete yet. */
  reason: DropReason = Drop.none;
  private readonly partials = new Map<string, Partial>();
  private bytes = 0;
  private readonly limits: ReassemblyLimits;

  constructor(limits: ReassemblyLimits = DEFAULT_REASSEMBLY) {
    this.limits = limits;
  }

  get size(): number {
    return this.partials.size;
  }

  /** Takes the fragment that `h` heads. Returns the whole datagram once it is complete: an IP packet that is no fragment any more. */
  add(slab: Slab, h: IpHeader, now: Micros): Slab | null {
    this.reason = Drop.none;
    const { fragmentOffset: offset, payloadLength: length } = h;
    // All but the last are a multiple of 8 long (RFC 8200), and none is empty.
    if (length === 0 || (h.moreFragments && (length & 7) !== 0)) return this.refuse(Drop.fragmentBadLength);
    const headerBytes = h.version === 4 ? IPV4_HEADER_BYTES : 0;
    if (offset + length + headerBytes > MAX_DATAGRAM) return this.refuse(Drop.fragmentTooLarge);
    const partial = this.partialOf(h, now);
    const verdict = place(partial, offset, length, !h.moreFragments);
    if (verdict === 'duplicate') return null;
    if (verdict === 'overlap' || partial.pieces.length >= this.limits.fragments) {
      this.forget(partial);
      return this.refuse(verdict === 'overlap' ? Drop.fragmentOverlap : Drop.fragmentLimit);
    }
    const bytes = slab.bytes.slice(h.payloadOffset, h.payloadOffset + length);
    partial.pieces.splice(verdict, 0, { offset, bytes });
    partial.bytes += length;
    this.bytes += length;
    if (!h.moreFragments) partial.total = offset + length;
    if (h.ecn === ECN_CE) partial.congestionSeen = true;
    if (h.ecn === 0) partial.notEct = true;
    if (offset === 0) {
      Object.assign(partial.header, h);
      partial.first = slab.bytes.slice(h.headerOffset, h.payloadOffset + length);
    }
    if (partial.bytes === partial.total) return this.complete(partial);
    this.makeRoom(partial);
    return null;
  }

  nextTimeout(): Micros {
    let next = NEVER;
    for (const p of this.partials.values()) next = Math.min(next, p.deadline);
    return next;
  }

  /** Gives up what is too old; `gaveUp` hears of each, for a Time Exceeded when the first fragment is there. */
  expire(now: Micros, gaveUp: (partial: Partial) => void): void {
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

  private partialOf(h: IpHeader, now: Micros): Partial {
    const key = `${h.version} ${h.s0} ${h.s1} ${h.s2} ${h.s3} ${h.d0} ${h.d1} ${h.d2} ${h.d3} ${h.id} ${h.version === 4 ? h.protocol : ''}`;
    let p = this.partials.get(key);
    if (p === undefined) {
      p = new Partial(key, now + (h.version === 4 ? this.limits.timeout4 : this.limits.timeout6));
      this.partials.set(key, p);
    }
    return p;
  }

  /** At a bound the oldest go, but never the one that is being added to, unless it alone is over. */
  private makeRoom(current: Partial): void {
    for (const p of this.partials.values()) {
      if (this.bytes <= this.limits.bytes && this.partials.size <= this.limits.datagrams) return;
      if (p === current && this.partials.size > 1) continue;
      this.forget(p);
      this.reason = Drop.fragmentLimit;
    }
  }

  private forget(p: Partial): void {
    if (this.partials.delete(p.key)) this.bytes -= p.bytes;
  }

  private complete(p: Partial): Slab | null {
    this.forget(p);
    const h = p.header;
    const headerBytes = h.version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const out = new Slab(headerBytes + p.total);
    h.payloadLength = p.total;
    h.isFragment = false;
    h.moreFragments = false;
    h.fragmentOffset = 0;
    h.dontFragment = false;
    // RFC 3168 section 5.3: one CE marks the whole, but CE beside Not-ECT cannot be.
    if (p.congestionSeen && p.notEct) return this.refuse(Drop.fragmentOverlap);
    if (p.congestionSeen) h.tos |= ECN_CE;
    if (h.version === 4) writeIpv4(out, 0, h);
    else writeIpv6(out, 0, h);
    for (const piece of p.pieces) out.bytes.set(piece.bytes, headerBytes + piece.offset);
    return out;
  }
}

/** Where the fragment goes among the pieces, which are in order of their offsets. */
function place(p: Partial, offset: number, length: number, last: boolean): number | 'duplicate' | 'overlap' {
  const end = offset + length;
  let i = 0;
  for (; i < p.pieces.length; i++) {
    const piece = p.pieces[i]!;
    if (piece.offset === offset && piece.bytes.length === length) return 'duplicate';
    if (piece.offset + piece.bytes.length <= offset) continue;
    if (piece.offset >= end) break;
    return 'overlap';
  }
  const known = p.total >= 0;
  if (known && (end > p.total || (last && end !== p.total))) return 'overlap';
  if (last && i < p.pieces.length) return 'overlap';
  return i;
}
