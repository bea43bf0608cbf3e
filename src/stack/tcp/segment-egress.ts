/**
 * The way out: a TCP segment becomes an IP packet in the device's own slab. Payload is not copied here; the packet gathers it from
 * the send buffer. With the device's offloads one packet carries up to 64 KB and half a checksum, without them it is whole.
 */
import { checksumAdd, fold } from '../../wire/checksum.js';
import { IpHeader, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, PROTOCOL_TCP } from '../../wire/ip.js';
import { writeIpv4 } from '../../wire/ipv4.js';
import { writeIpv6 } from '../../wire/ipv6.js';
import { TCP_CHECKSUM_OFFSET, TcpFlag, writeTcp, type Segment } from '../../wire/tcp.js';
import { Gso, type Device, type TxPacket } from '../../device/device.js';
import type { Micros } from '../../base/time.js';

/** Where a segment goes and what its IP header says, DF too; filled anew for each. */
export class EgressPath {
  device!: Device;
  readonly ip = new IpHeader();
  /** Addresses and protocol; the length comes on top. */
  pseudoSum = 0;
}

/** Hands `seg` to the path's device, as one packet. */
export function sendSegment(path: EgressPath, seg: Segment, now: Micros): void {
  const { device, ip } = path;
  const p = device.packet();
  const b = p.slab.bytes;
  const v4 = ip.version === 4;
  const ipBytes = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const tcpAt = p.start + ipBytes;
  const tcpBytes = writeTcp(b, tcpAt, seg);
  const length = tcpBytes + seg.payloadBytes;
  ip.protocol = PROTOCOL_TCP;
  ip.payloadLength = length;
  if (v4) writeIpv4(p.slab, p.start, ip);
  else writeIpv6(p.slab, p.start, ip);
  p.headBytes = ipBytes + tcpBytes;
  if (seg.payloadBytes > 0) addPayload(p, seg);
  const sum = fold(path.pseudoSum + length);
  let checksum: number;
  if (device.offload.checksum) {
    p.checksumPartial = true;
    p.checksumStart = ipBytes;
    p.checksumOffset = TCP_CHECKSUM_OFFSET;
    checksum = sum;
  } else {
    checksum = ~sumOfPieces(p, checksumAdd(p.slab.view, tcpAt, p.start + p.headBytes - tcpAt, sum)) & 0xffff;
  }
  b[tcpAt + TCP_CHECKSUM_OFFSET] = checksum >> 8;
  b[tcpAt + TCP_CHECKSUM_OFFSET + 1] = checksum;
  if (seg.gsoSize > 0) {
    p.gsoType = v4 ? Gso.tcp4 : Gso.tcp6;
    p.gsoSize = seg.gsoSize;
    p.headerBytes = ipBytes + tcpBytes;
    p.gsoEcn = (seg.flags & TcpFlag.CWR) !== 0;
  }
  device.transmit(now);
}

function addPayload(p: TxPacket, seg: Segment): void {
  const { source, payloadOffset, payloadBytes } = seg;
  source!.addPieces(p, payloadOffset, payloadBytes);
  if (!p.hasTooManyPieces) return;
  p.pieceCount = 0;
  source!.copyTo(p.slab.bytes, p.start + p.headBytes, payloadOffset, payloadBytes);
  p.headBytes += payloadBytes;
}

/** A piece that follows an odd number of bytes has its words' halves exchanged, and so is its sum (RFC 1071 section 2). */
function sumOfPieces(p: TxPacket, initial: number): number {
  let sum = initial;
  let odd = false;
  for (let i = 0; i < p.pieceCount; i++) {
    const length = p.pieceBytes[i]!;
    const piece = checksumAdd(p.pieceSlab[i]!.view, p.pieceOffset[i]!, length, 0);
    sum = fold(sum + (odd ? ((piece & 0xff) << 8) | (piece >>> 8) : piece));
    if ((length & 1) !== 0) odd = !odd;
  }
  return sum;
}
