/**
 * TCP's output: turns a segment into an IP packet in the device's slab, with the addresses that
 * tcp/ does not know.
 *
 * The payload is not copied; the packet refers to it in the send buffer. With the device's offloads
 * a packet has up to 64 KB and a partial checksum; without them it is complete.
 */
import type { Micros } from '../../base/time.js';
import { Gso, type Device, type TxPacket } from '../../device/device.js';
import type { Connection } from '../../tcp/connection.js';
import type { SegmentSink } from '../../tcp/output.js';
import { checksumAdd, fold } from '../../wire/checksum.js';
import { IpHeader, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, PROTOCOL_TCP } from '../../wire/ip.js';
import { writeIpv4 } from '../../wire/ipv4.js';
import { writeIpv6 } from '../../wire/ipv6.js';
import { Segment, TCP_CHECKSUM_OFFSET, TcpFlag, writeTcp } from '../../wire/tcp.js';
import type { Tuple } from '../tuple.js';
import { entryOf } from './entry.js';

export class TcpEgress implements SegmentSink {
  readonly segment = new Segment();
  /** See `TcpHost.setDropsOutput`. */
  dropsAll = false;
  private readonly ip = new IpHeader();

  /** Sends a segment of a connection. */
  send(conn: Connection, seg: Segment, now: Micros): void {
    const e = entryOf(conn);
    const { ip } = this;
    ip.setAddresses(e.local, e.remote);
    ip.ttl = e.ttl;
    ip.tos = e.tos | seg.ecn;
    ip.dontFragment = e.dontFragment;
    ip.id = e.ipId;
    e.ipId = (e.ipId + seg.wireSegments) & 0xffff;
    transmit(e.device, ip, e.pseudoSum, seg, now);
  }

  /** Sends `this.segment` without a connection, as a reply to a segment of `tuple`. */
  sendStray(device: Device, tuple: Tuple, tos: number, ttl: number, now: Micros): void {
    const { ip } = this;
    ip.setAddresses(tuple.local, tuple.remote);
    ip.ttl = ttl;
    ip.tos = tos;
    ip.dontFragment = true;
    ip.id = 0;
    transmit(device, ip, tuple.pseudoSum, this.segment, now);
  }
}

/**
 * Passes `seg` to the device as one packet. `pseudoSum`: sum of the pseudo-header without the
 * length.
 */
function transmit(
  device: Device,
  ip: IpHeader,
  pseudoSum: number,
  seg: Segment,
  now: Micros,
): void {
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
  const sum = fold(pseudoSum + length);
  let checksum: number;
  if (device.offload.checksum) {
    p.checksumPartial = true;
    p.checksumStart = ipBytes;
    p.checksumOffset = TCP_CHECKSUM_OFFSET;
    checksum = sum;
  } else {
    checksum =
      ~sumOfPieces(p, checksumAdd(p.slab.view, tcpAt, p.start + p.headBytes - tcpAt, sum)) & 0xffff;
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

/**
 * The bytes of a piece's sum are swapped if it follows an odd number of bytes (RFC 1071 section 2).
 */
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
