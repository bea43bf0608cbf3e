/**
 * IPv4 headers: bytes <-> fields (RFC 791; what a host must check: RFC 1122 section 3.2.1).
 *
 *      |Version|  IHL  |      TOS      |         Total Length          |   0
 *      |        Identification         |0|D|M|     Fragment Offset     |   4
 *      |      TTL      |   Protocol    |        Header Checksum        |   8
 *      |                        Source Address                         |  12
 *      |                     Destination Address                       |  16
 *      |                 Options, padded to 32 bits                    |  20
 */
import type { Slab } from '../base/slab.js';
import { checksumAdd } from './checksum.js';
import { Drop, type DropReason } from './drop.js';
import { ipv4OptionFault, NO_FAULT, SOURCE_ROUTE } from './ipv4-options.js';
import { get16, get32, put16, put32 } from './bytes.js';
import { IPV4_HEADER_BYTES, V4_MAPPED_WORD, type IpHeader } from './ip.js';

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/**
 * Parses the packet at `slab[offset, offset + length)`. Bytes beyond the total length are padding.
 * Options are skipped by the header's length (MUST-50). For an invalid option `out.problemCode`
 * requests a Parameter Problem (RFC 1122 section 3.2.2.5). A packet with a source route is dropped,
 * as in Linux and as RFC 7126 section 4.3 advises, because replies would follow a route that an
 * attacker chose.
 */
export function parseIpv4(slab: Slab, offset: number, length: number, out: IpHeader): DropReason {
  const b = slab.bytes;
  out.problemCode = -1;
  if (length < IPV4_HEADER_BYTES) return Drop.ipTruncated;
  if (b[offset]! >> 4 !== 4) return Drop.ipBadVersion;
  const headerBytes = (b[offset]! & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > length) return Drop.ipBadHeaderLength;
  const totalLength = get16(b, offset + 2);
  if (totalLength < headerBytes || totalLength > length) return Drop.ipBadTotalLength;
  if (checksumAdd(slab.view, offset, headerBytes, 0) !== 0xffff) return Drop.ipBadChecksum;
  const fragment = get16(b, offset + 6);
  out.version = 4;
  out.tos = b[offset + 1]!;
  out.id = get16(b, offset + 4);
  out.dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  out.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  out.fragmentOffset = (fragment & OFFSET_MASK) * 8;
  out.isFragment = out.moreFragments || out.fragmentOffset > 0;
  out.ttl = b[offset + 8]!;
  out.protocol = b[offset + 9]!;
  out.s0 = 0;
  out.s1 = 0;
  out.s2 = V4_MAPPED_WORD;
  out.s3 = get32(b, offset + 12);
  out.d0 = 0;
  out.d1 = 0;
  out.d2 = V4_MAPPED_WORD;
  out.d3 = get32(b, offset + 16);
  out.headerOffset = offset;
  out.payloadOffset = offset + headerBytes;
  out.payloadLength = totalLength - headerBytes;
  out.protocolPointer = 9;
  return headerBytes === IPV4_HEADER_BYTES ? Drop.none : checkOptions(b, offset, headerBytes, out);
}

function checkOptions(
  b: Uint8Array,
  offset: number,
  headerBytes: number,
  out: IpHeader,
): DropReason {
  const fault = ipv4OptionFault(b, offset + IPV4_HEADER_BYTES, offset + headerBytes);
  if (fault === NO_FAULT) return Drop.none;
  if (fault === SOURCE_ROUTE) return Drop.ipSourceRoute;
  out.problemCode = 0;
  out.problemPointer = (fault - offset) << 24;
  return Drop.ipBadOption;
}

/**
 * Writes a header at `slab.bytes[o]` with its checksum and `h.options`. Returns its length in
 * bytes.
 */
export function writeIpv4(slab: Slab, o: number, h: IpHeader): number {
  const b = slab.bytes;
  const headerBytes = IPV4_HEADER_BYTES + h.optionBytes;
  b[o] = 0x40 | (headerBytes / 4);
  b[o + 1] = h.tos;
  put16(b, o + 2, headerBytes + h.payloadLength);
  put16(b, o + 4, h.id);
  const flags = (h.dontFragment ? DONT_FRAGMENT : 0) | (h.moreFragments ? MORE_FRAGMENTS : 0);
  put16(b, o + 6, flags | (h.fragmentOffset >> 3));
  b[o + 8] = h.ttl;
  b[o + 9] = h.protocol;
  put16(b, o + 10, 0);
  put32(b, o + 12, h.s3);
  put32(b, o + 16, h.d3);
  if (h.optionBytes > 0) b.set(h.options!.subarray(0, h.optionBytes), o + IPV4_HEADER_BYTES);
  put16(b, o + 10, ~checksumAdd(slab.view, o, headerBytes, 0) & 0xffff);
  return headerBytes;
}
