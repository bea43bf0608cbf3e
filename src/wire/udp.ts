/**
 * UDP: bytes <-> fields (RFC 768; over IPv6, RFC 8200 section 8.1).
 *
 *      |          Source Port          |       Destination Port        |
 *      |            Length             |           Checksum            |
 */
import type { Slab } from '../base/slab.js';
import { checksumAdd, fold, pseudoHeaderSum } from './checksum.js';
import { Drop, type DropReason } from './drop.js';
import { get16, put16 } from './bytes.js';
import { PROTOCOL_UDP, type IpHeader } from './ip.js';

export const UDP_HEADER_BYTES = 8;

export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  dataOffset = 0;
  dataLength = 0;
}

/** Parses the datagram in the payload of `ip`. With `trusted` the checksum is not verified. */
export function parseUdp(slab: Slab, ip: IpHeader, trusted: boolean, out: UdpHeader): DropReason {
  const b = slab.bytes;
  const o = ip.payloadOffset;
  if (ip.payloadLength < UDP_HEADER_BYTES) return Drop.udpTruncated;
  const length = get16(b, o + 4);
  if (length < UDP_HEADER_BYTES || length > ip.payloadLength) return Drop.udpBadLength;
  const checksum = get16(b, o + 6);
  // Zero means no checksum. IPv4 allows that; IPv6 does not (RFC 8200 section 8.1).
  if (checksum === 0 && ip.version === 6) return Drop.udpBadChecksum;
  if (
    checksum !== 0 &&
    !trusted &&
    checksumAdd(slab.view, o, length, udpPseudoSum(ip, length)) !== 0xffff
  ) {
    return Drop.udpBadChecksum;
  }
  out.sourcePort = get16(b, o);
  out.destinationPort = get16(b, o + 2);
  out.dataOffset = o + UDP_HEADER_BYTES;
  out.dataLength = length - UDP_HEADER_BYTES;
  return Drop.none;
}

/**
 * Writes the header of a datagram whose data is already in place behind it. Returns the header's
 * length, 8.
 */
export function writeUdp(
  slab: Slab,
  o: number,
  ip: IpHeader,
  sourcePort: number,
  destinationPort: number,
  dataBytes: number,
): number {
  const b = slab.bytes;
  const length = UDP_HEADER_BYTES + dataBytes;
  put16(b, o, sourcePort);
  put16(b, o + 2, destinationPort);
  put16(b, o + 4, length);
  put16(b, o + 6, 0);
  const checksum = ~checksumAdd(slab.view, o, length, udpPseudoSum(ip, length)) & 0xffff;
  put16(b, o + 6, checksum === 0 ? 0xffff : checksum); // zero would mean no checksum
  return UDP_HEADER_BYTES;
}

const udpPseudoSum = (ip: IpHeader, length: number): number =>
  fold(
    pseudoHeaderSum(ip.s0, ip.s1, ip.s2, ip.s3, ip.d0, ip.d1, ip.d2, ip.d3, PROTOCOL_UDP) + length,
  );
