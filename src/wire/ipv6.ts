/**
 * IPv6 headers: bytes <-> fields (RFC 8200), extension headers included.
 *
 *      |Version| Traffic Class |           Flow Label                  |   0
 *      |         Payload Length        |  Next Header  |   Hop Limit   |   4
 *      |                        Source Address                         |   8
 *      |                     Destination Address                       |  24
 */
import type { Slab } from '../base/slab.js';
import { Drop, type DropReason } from './drop.js';
import { get16, get32, put16, put32 } from './bytes.js';
import {
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  type IpHeader,
} from './ip.js';
import { TCP_HEADER_BYTES } from './tcp.js';

export const NextHeader = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

/** A packet with more extension headers is dropped, because only an attack has so many. */
const MAX_EXTENSION_HEADERS = 8;
export const FRAGMENT_HEADER_BYTES = 8;

/** Codes of ICMPv6 Parameter Problem (RFC 4443 section 3.4, RFC 7112 section 5). */
export const ParameterProblem = {
  erroneousField: 0,
  unknownNextHeader: 1,
  unknownOption: 2,
  incompleteHeaderChain: 3,
} as const;

/**
 * Parses the packet at `slab[offset, offset + length)`. The payload starts after the last extension
 * header. Bytes beyond the payload length are padding. For some drops `out.problemCode` requests a
 * Parameter Problem.
 */
export function parseIpv6(slab: Slab, offset: number, length: number, out: IpHeader): DropReason {
  const b = slab.bytes;
  out.problemCode = -1;
  if (length < IPV6_HEADER_BYTES) return Drop.ipTruncated;
  if (b[offset]! >> 4 !== 6) return Drop.ipBadVersion;
  const payloadLength = get16(b, offset + 4);
  if (IPV6_HEADER_BYTES + payloadLength > length) return Drop.ipBadTotalLength;
  out.version = 6;
  out.tos = ((b[offset]! & 15) << 4) | (b[offset + 1]! >> 4);
  out.id = 0;
  out.dontFragment = true; // routers never fragment IPv6 packets
  out.moreFragments = false;
  out.fragmentOffset = 0;
  out.isFragment = false;
  out.ttl = b[offset + 7]!;
  out.s0 = get32(b, offset + 8);
  out.s1 = get32(b, offset + 12);
  out.s2 = get32(b, offset + 16);
  out.s3 = get32(b, offset + 20);
  out.d0 = get32(b, offset + 24);
  out.d1 = get32(b, offset + 28);
  out.d2 = get32(b, offset + 32);
  out.d3 = get32(b, offset + 36);
  out.headerOffset = offset;
  out.protocol = b[offset + 6]!;
  out.protocolPointer = 6;
  out.payloadOffset = offset + IPV6_HEADER_BYTES;
  out.payloadLength = payloadLength;
  return walkExtensionHeaders(b, out);
}

/**
 * Parses the extension headers in order (RFC 8200 section 4). Stops at the first header of another
 * kind, or at a fragment, whose remaining headers may be in another fragment.
 */
function walkExtensionHeaders(b: Uint8Array, out: IpHeader): DropReason {
  let fragmentSeen = false;
  for (let n = 0; n <= MAX_EXTENSION_HEADERS; n++) {
    const kind = out.protocol;
    const isOptions = kind === NextHeader.hopByHop || kind === NextHeader.destination;
    if (!isOptions && kind !== NextHeader.routing && kind !== NextHeader.fragment) return Drop.none;
    // Section 4.3: hop-by-hop options are allowed only directly after the IPv6 header.
    if (kind === NextHeader.hopByHop && n > 0) {
      return problem(
        out,
        ParameterProblem.unknownNextHeader,
        out.protocolPointer,
        Drop.ipBadExtension,
      );
    }
    const at = out.payloadOffset;
    if (out.payloadLength < 8) return Drop.ipTruncated;
    if (kind === NextHeader.fragment) {
      if (fragmentSeen) return Drop.ipBadExtension;
      fragmentSeen = true;
      const bad = readFragmentHeader(b, out);
      // An atomic fragment is a whole datagram (RFC 6946) and is processed without reassembly.
      if (bad !== Drop.none || out.isFragment) return bad;
      continue;
    }
    const bytes = (b[at + 1]! + 1) * 8;
    if (bytes > out.payloadLength) return Drop.ipTruncated;
    if (isOptions) {
      const bad = walkOptions(b, at, bytes, out);
      if (bad !== Drop.none) return bad;
    } else if (b[at + 3]! !== 0) {
      // Section 4.4: with segments left the packet would have to be forwarded, and no known routing
      // type does that here (RFC 5095 deprecated type 0).
      return problem(
        out,
        ParameterProblem.erroneousField,
        at + 2 - out.headerOffset,
        Drop.ipBadExtension,
      );
    }
    step(b, out, bytes);
  }
  return Drop.ipBadExtension;
}

/** Section 4.5, with the errors that a receiver must report. */
function readFragmentHeader(b: Uint8Array, out: IpHeader): DropReason {
  const at = out.payloadOffset;
  const field = get16(b, at + 2);
  out.fragmentOffset = field & 0xfff8;
  out.moreFragments = (field & 1) !== 0;
  out.isFragment = field > 7 || out.moreFragments;
  out.id = get32(b, at + 4);
  step(b, out, FRAGMENT_HEADER_BYTES);
  if (out.moreFragments && (out.payloadLength & 7) !== 0) {
    return problem(out, ParameterProblem.erroneousField, PAYLOAD_LENGTH_AT, Drop.fragmentBadLength);
  }
  if (out.fragmentOffset + out.payloadLength > MAX_PAYLOAD) {
    return problem(
      out,
      ParameterProblem.erroneousField,
      at + 2 - out.headerOffset,
      Drop.fragmentTooLarge,
    );
  }
  if (out.moreFragments && out.fragmentOffset === 0) return checkHeaderChain(b, out);
  return Drop.none;
}

const PAYLOAD_LENGTH_AT = 4;
const MAX_PAYLOAD = 65_535;

/**
 * RFC 7112: the first fragment must hold all headers, including the upper layer's. So later
 * fragments cannot add extension headers, and a reassembled datagram cannot be a fragment again.
 */
function checkHeaderChain(b: Uint8Array, out: IpHeader): DropReason {
  let at = out.payloadOffset;
  let left = out.payloadLength;
  let kind = out.protocol;
  for (let n = 0; n <= MAX_EXTENSION_HEADERS; n++) {
    if (kind === NextHeader.hopByHop || kind === NextHeader.fragment) return Drop.ipBadExtension;
    if (kind !== NextHeader.destination && kind !== NextHeader.routing) {
      return left >= leastHeader(kind) ? Drop.none : incompleteChain(out);
    }
    const bytes = left < 8 ? 8 : (b[at + 1]! + 1) * 8;
    if (bytes > left) return incompleteChain(out);
    kind = b[at]!;
    at += bytes;
    left -= bytes;
  }
  return Drop.ipBadExtension;
}

const incompleteChain = (out: IpHeader): DropReason =>
  problem(out, ParameterProblem.incompleteHeaderChain, 0, Drop.fragmentNoHeaders);

function leastHeader(protocol: number): number {
  if (protocol === PROTOCOL_TCP) return TCP_HEADER_BYTES;
  return protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMPV6 ? 8 : 0;
}

function step(b: Uint8Array, out: IpHeader, bytes: number): void {
  out.protocol = b[out.payloadOffset]!;
  out.protocolPointer = out.payloadOffset - out.headerOffset;
  out.payloadOffset += bytes;
  out.payloadLength -= bytes;
}

/** Section 4.2: the two highest bits of an unknown option's type say what to do with the packet. */
function walkOptions(b: Uint8Array, start: number, bytes: number, out: IpHeader): DropReason {
  const end = start + bytes;
  for (let o = start + 2; o < end;) {
    const type = b[o]!;
    if (type === 0) {
      o++; // Pad1
      continue;
    }
    if (o + 1 >= end || o + 2 + b[o + 1]! > end) return Drop.ipBadExtension;
    const known = type === 1 || type === ROUTER_ALERT;
    const action = type >> 6;
    if (!known && action !== 0) {
      const multicast = out.d0 >>> 24 === 0xff;
      if (action === 2 || (action === 3 && !multicast)) {
        return problem(
          out,
          ParameterProblem.unknownOption,
          o - out.headerOffset,
          Drop.ipUnknownOption,
        );
      }
      return Drop.ipUnknownOption;
    }
    o += 2 + b[o + 1]!;
  }
  return Drop.none;
}

/** Router Alert (RFC 2711), which MLD reports carry. */
const ROUTER_ALERT = 5;

function problem(out: IpHeader, code: number, pointer: number, reason: DropReason): DropReason {
  out.problemCode = code;
  out.problemPointer = pointer;
  return reason;
}

/** Writes the fixed header at `slab.bytes[o]`. Returns its length, 40. */
export function writeIpv6(slab: Slab, o: number, h: IpHeader): number {
  const b = slab.bytes;
  put32(b, o, 0x6000_0000 | (h.tos << 20));
  put16(b, o + 4, h.payloadLength);
  b[o + 6] = h.protocol;
  b[o + 7] = h.ttl;
  put32(b, o + 8, h.s0);
  put32(b, o + 12, h.s1);
  put32(b, o + 16, h.s2);
  put32(b, o + 20, h.s3);
  put32(b, o + 24, h.d0);
  put32(b, o + 28, h.d1);
  put32(b, o + 32, h.d2);
  put32(b, o + 36, h.d3);
  return IPV6_HEADER_BYTES;
}

/** Writes a fragment header at `slab.bytes[o]` (RFC 8200 section 4.5). Returns its length, 8. */
export function writeFragmentHeader(slab: Slab, o: number, h: IpHeader): number {
  const b = slab.bytes;
  b[o] = h.protocol;
  b[o + 1] = 0;
  put16(b, o + 2, h.fragmentOffset | (h.moreFragments ? 1 : 0));
  put32(b, o + 4, h.id);
  return FRAGMENT_HEADER_BYTES;
}
