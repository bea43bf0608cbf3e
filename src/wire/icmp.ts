/**
 * ICMP for both families: bytes <-> fields (RFC 792, RFC 4443). They have the same layout and
 * differ in their type numbers and in what the checksum covers:
 *
 *      |     Type      |     Code      |           Checksum            |
 *      |     Rest of header: identifier and sequence number, MTU, pointer, unused        |
 *      |     Data, or as much as fits of the packet that an error is about               |
 */
import type { Slab } from '../base/slab.js';
import { checksumAdd, fold, pseudoHeaderSum } from './checksum.js';
import { Drop, type DropReason } from './drop.js';
import { get16, get32, put16, put32 } from './bytes.js';
import {
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMPV6,
  V4_MAPPED_WORD,
  type IpHeader,
} from './ip.js';
import { NextHeader } from './ipv6.js';

export const ICMP_HEADER_BYTES = 8;

export const Icmp4 = {
  echoReply: 0,
  destinationUnreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echo: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

export const Icmp6 = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  multicastListenerQuery: 130,
  multicastListenerReport: 131,
  multicastListenerDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
  multicastListenerReportV2: 143,
} as const;

/**
 * Codes of Destination Unreachable: RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
 */
export const Unreachable4 = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  sourceRouteFailed: 5,
  netUnknown: 6,
  hostUnknown: 7,
  sourceHostIsolated: 8,
  netProhibited: 9,
  hostProhibited: 10,
  netForTos: 11,
  hostForTos: 12,
  communicationProhibited: 13,
  hostPrecedenceViolation: 14,
  precedenceCutoff: 15,
} as const;
/** RFC 4443 section 3.1. */
export const Unreachable6 = {
  noRoute: 0,
  prohibited: 1,
  beyondScope: 2,
  address: 3,
  port: 4,
  sourcePolicy: 5,
  rejectRoute: 6,
} as const;
/** Code of Time Exceeded: not all fragments arrived in time. */
export const REASSEMBLY_TIME_EXCEEDED = 1;

export class IcmpMessage {
  type = 0;
  code = 0;
  /** Identifier and sequence number of Echo: the two halves of the rest of the header. */
  id = 0;
  seq = 0;
  /**
   * The rest of the header as one number: the pointer, or the MTU of ICMPv6. (The MTU of ICMPv4 is
   * in `seq`.)
   */
  rest = 0;
  bodyOffset = 0;
  bodyLength = 0;
}

/** Reads the message in the payload of `ip`. With `trusted` the checksum is not verified. */
export function parseIcmp(
  slab: Slab,
  ip: IpHeader,
  trusted: boolean,
  out: IcmpMessage,
): DropReason {
  const b = slab.bytes;
  const o = ip.payloadOffset;
  if (ip.payloadLength < ICMP_HEADER_BYTES) return Drop.icmpTruncated;
  if (
    !trusted &&
    checksumAdd(slab.view, o, ip.payloadLength, icmpPseudoSum(ip, ip.payloadLength)) !== 0xffff
  ) {
    return Drop.icmpBadChecksum;
  }
  out.type = b[o]!;
  out.code = b[o + 1]!;
  out.id = get16(b, o + 4);
  out.seq = get16(b, o + 6);
  out.rest = get32(b, o + 4);
  out.bodyOffset = o + ICMP_HEADER_BYTES;
  out.bodyLength = ip.payloadLength - ICMP_HEADER_BYTES;
  return Drop.none;
}

/**
 * Writes the header of a message whose body of `bodyBytes` is already in place behind it. Returns
 * the header's length, 8.
 */
export function writeIcmp(
  slab: Slab,
  o: number,
  ip: IpHeader,
  type: number,
  code: number,
  rest: number,
  bodyBytes: number,
): number {
  const b = slab.bytes;
  const length = ICMP_HEADER_BYTES + bodyBytes;
  b[o] = type;
  b[o + 1] = code;
  put16(b, o + 2, 0);
  put32(b, o + 4, rest);
  put16(b, o + 2, ~checksumAdd(slab.view, o, length, icmpPseudoSum(ip, length)) & 0xffff);
  return ICMP_HEADER_BYTES;
}

/** ICMPv6's checksum covers a pseudo-header (RFC 4443 section 2.3); ICMPv4's does not. */
const icmpPseudoSum = (ip: IpHeader, length: number): number =>
  ip.version === 4
    ? 0
    : fold(
        pseudoHeaderSum(ip.s0, ip.s1, ip.s2, ip.s3, ip.d0, ip.d1, ip.d2, ip.d3, PROTOCOL_ICMPV6) +
          length,
      );

/** The packet quoted by an ICMP error. This stack sent it, so its source is a local address. */
export class IcmpQuote {
  version: 4 | 6 = 4;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  protocol = 0;
  /** Ports of TCP and UDP. */
  sourcePort = 0;
  destinationPort = 0;
  /** SEG.SEQ, for TCP. */
  seq = 0;
  /** Length of the whole packet in bytes, from its header. */
  packetBytes = 0;
  /** Type of the quoted message, for ICMP. */
  icmpType = 0;
}

/**
 * Reads the quoted packet: the IP header and at least 8 bytes after it. Returns false if the quote
 * is shorter, or if it is a fragment other than the first, which holds no ports.
 */
export function parseQuote(
  slab: Slab,
  version: 4 | 6,
  offset: number,
  length: number,
  out: IcmpQuote,
): boolean {
  const b = slab.bytes;
  const v4 = version === 4;
  if (length < (v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) || b[offset]! >> 4 !== version)
    return false;
  let ipBytes: number = v4 ? (b[offset]! & 15) * 4 : IPV6_HEADER_BYTES;
  let protocol = v4 ? b[offset + 9]! : b[offset + 6]!;
  let fragmentOffset = v4 ? get16(b, offset + 6) & 0x1fff : 0;
  // This stack sends no other extension header.
  if (!v4 && protocol === NextHeader.fragment) {
    if (length < IPV6_HEADER_BYTES + 8) return false;
    protocol = b[offset + IPV6_HEADER_BYTES]!;
    fragmentOffset = get16(b, offset + IPV6_HEADER_BYTES + 2) & 0xfff8;
    ipBytes += 8;
  }
  if (ipBytes < IPV4_HEADER_BYTES || length < ipBytes + 8 || fragmentOffset !== 0) return false;
  out.version = version;
  out.protocol = protocol;
  out.packetBytes = v4 ? get16(b, offset + 2) : IPV6_HEADER_BYTES + get16(b, offset + 4);
  out.s0 = v4 ? 0 : get32(b, offset + 8);
  out.s1 = v4 ? 0 : get32(b, offset + 12);
  out.s2 = v4 ? V4_MAPPED_WORD : get32(b, offset + 16);
  out.s3 = v4 ? get32(b, offset + 12) : get32(b, offset + 20);
  out.d0 = v4 ? 0 : get32(b, offset + 24);
  out.d1 = v4 ? 0 : get32(b, offset + 28);
  out.d2 = v4 ? V4_MAPPED_WORD : get32(b, offset + 32);
  out.d3 = v4 ? get32(b, offset + 16) : get32(b, offset + 36);
  const at = offset + ipBytes;
  out.sourcePort = get16(b, at);
  out.destinationPort = get16(b, at + 2);
  out.seq = get32(b, at + 4);
  out.icmpType = b[at]!;
  return true;
}
