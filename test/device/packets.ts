/** Packets for tests, built and checked byte by byte, without the stack's code. */
import { RxPacket, type Device, type Receiver, type TxPacket } from '../../src/device/device.js';
import { Slab } from '../../src/base/slab.js';
import { Segment, TcpFlag, writeTcp } from '../../src/wire/tcp.js';

export interface PacketSpec {
  version: 4 | 6;
  flags?: number;
  seq?: number;
  ack?: number;
  payload?: Uint8Array;
  timestamps?: boolean;
  id?: number;
  protocol?: number;
  sourcePort?: number;
  destinationPort?: number;
}

const u16 = (b: Uint8Array, o: number): number => b[o]! * 256 + b[o + 1]!;

/** One's complement sum of 16-bit words, in the simplest form. */
export function naiveSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return sum;
}

const ipHeaderBytes = (p: Uint8Array): number => (p[0]! >> 4 === 4 ? (p[0]! & 15) * 4 : 40);
const protocolOf = (p: Uint8Array): number => (p[0]! >> 4 === 4 ? p[9]! : p[6]!);
const addressesOf = (p: Uint8Array): Uint8Array =>
  p[0]! >> 4 === 4 ? p.slice(12, 20) : p.slice(8, 40);

/** The sum of the pseudo-header of a packet with `length` bytes of transport header and payload. */
const pseudoSum = (p: Uint8Array, length: number): number =>
  naiveSum(addressesOf(p), protocolOf(p) + length);

/** A TCP (or UDP) packet with correct checksums, as it is on the wire. */
export function buildPacket(spec: PacketSpec): Uint8Array {
  const { version, payload = new Uint8Array(0), protocol = 6 } = spec;
  const ip = version === 4 ? 20 : 40;
  const room = new Uint8Array(ip + 60 + payload.length);
  let transport: number;
  if (protocol === 6) {
    const seg = new Segment();
    seg.sourcePort = spec.sourcePort ?? 40_000;
    seg.destinationPort = spec.destinationPort ?? 80;
    seg.seq = (spec.seq ?? 1000) | 0;
    seg.ack = (spec.ack ?? 0) | 0;
    seg.flags = spec.flags ?? TcpFlag.ACK;
    seg.wnd = 512;
    if (spec.timestamps === true) {
      seg.hasTimestamps = true;
      seg.tsVal = 77;
      seg.tsEcr = 78;
    }
    transport = writeTcp(room, ip, seg);
  } else {
    transport = 8;
    room.set([0x9c, 0x40, 0, 53, (payload.length + 8) >> 8, (payload.length + 8) & 255, 0, 0], ip);
  }
  room.set(payload, ip + transport);
  const p = room.slice(0, ip + transport + payload.length);
  if (version === 4) {
    p.set(
      [
        0x45,
        0,
        p.length >> 8,
        p.length & 255,
        (spec.id ?? 0) >> 8,
        (spec.id ?? 0) & 255,
        0x40,
        0,
        64,
        protocol,
      ],
      0,
    );
    p.set([198, 18, 0, 1, 198, 18, 0, 2], 12);
    const sum = ~naiveSum(p.slice(0, 20)) & 0xffff;
    p.set([sum >> 8, sum & 255], 10);
  } else {
    p.set([0x60, 0, 0, 0, (p.length - 40) >> 8, (p.length - 40) & 255, protocol, 64], 0);
    p.set([0xfd, 0x74, 0x63, 0x70, 0x6c, 0x61, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 1], 8);
    p.set([0xfd, 0x74, 0x63, 0x70, 0x6c, 0x61, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 2], 24);
  }
  const field = ip + (protocol === 6 ? 16 : 6);
  const checksum =
    ~naiveSum(p.slice(ip), pseudoSum(p, p.length - ip)) & 0xffff || (protocol === 17 ? 0xffff : 0);
  p.set([checksum >> 8, checksum & 255], field);
  return p;
}

/** The same packet with another ECN field in its IP header. */
export function withHeaderEcn(packet: Uint8Array, ecn: number): Uint8Array {
  const p = packet.slice();
  if (p[0]! >> 4 === 6) {
    p[1] = (p[1]! & 0xcf) | (ecn << 4);
    return p;
  }
  p[1] = (p[1]! & 0xfc) | ecn;
  p.set([0, 0], 10);
  const sum = ~naiveSum(p.slice(0, 20)) & 0xffff;
  p.set([sum >> 8, sum & 255], 10);
  return p;
}

/**
 * The same packet as a sender with checksum offload leaves it: the checksum field has the sum of
 * the pseudo-header.
 */
export function withPartialChecksum(packet: Uint8Array): Uint8Array {
  const p = packet.slice();
  const ip = ipHeaderBytes(p);
  const sum = pseudoSum(p, p.length - ip);
  p.set([sum >> 8, sum & 255], ip + (protocolOf(p) === 6 ? 16 : 6));
  return p;
}

/** The error in a packet's lengths or checksums, or ''. */
export function faultOf(p: Uint8Array): string {
  const v4 = p[0]! >> 4 === 4;
  const said = v4 ? u16(p, 2) : u16(p, 4) + 40;
  if (said !== p.length) return `says ${said} bytes, has ${p.length}`;
  const ip = ipHeaderBytes(p);
  if (v4 && naiveSum(p.slice(0, ip)) !== 0xffff) return 'IPv4 header checksum';
  if (naiveSum(p.slice(ip), pseudoSum(p, p.length - ip)) !== 0xffff) return 'transport checksum';
  return '';
}

/** An RxPacket for `bytes`, which are somewhere inside a slab. */
export function rxOf(bytes: Uint8Array, at = 7): RxPacket {
  const slab = new Slab(at + bytes.length + 5);
  slab.bytes.set(bytes, at);
  const rx = new RxPacket();
  rx.slab = slab;
  rx.offset = at;
  rx.length = bytes.length;
  return rx;
}

/**
 * Writes `bytes` into the device's packet and transmits it. `headBytes` of them are in the slab,
 * the rest are pieces.
 */
export function send(
  device: Device,
  bytes: Uint8Array,
  now = 0,
  set?: (tx: TxPacket) => void,
  headBytes = bytes.length,
): void {
  const tx = device.packet();
  tx.slab.bytes.set(bytes.subarray(0, headBytes), tx.start);
  tx.headBytes = headBytes;
  const rest = bytes.slice(headBytes);
  if (rest.length > 0) {
    const first = Math.ceil(rest.length / 2);
    const slab = new Slab(rest);
    tx.addPiece(slab, 0, first);
    if (rest.length > first) tx.addPiece(slab, first, rest.length - first);
  }
  set?.(tx);
  device.transmit(now);
}

export interface Arrival {
  at: number;
  bytes: Uint8Array;
  checksumValid: boolean;
  checksumPartial: boolean;
  gsoType: number;
  gsoSize: number;
}

/** A receiver that records everything. */
export class Notebook implements Receiver {
  readonly arrivals: Arrival[] = [];
  readonly drops: number[] = [];
  readonly errors: string[] = [];
  batches = 0;
  onPacket: ((rx: RxPacket, now: number) => void) | null = null;

  packet(rx: RxPacket, now: number): void {
    const bytes = rx.slab.bytes.slice(rx.offset, rx.offset + rx.length);
    const { checksumValid, checksumPartial, gsoType, gsoSize } = rx;
    this.arrivals.push({ at: now, bytes, checksumValid, checksumPartial, gsoType, gsoSize });
    this.onPacket?.(rx, now);
  }

  batchEnd(): void {
    this.batches++;
  }

  deviceError(error: NodeJS.ErrnoException): void {
    this.errors.push(error.message);
  }

  deviceDrop(reason: number, count: number): void {
    for (let i = 0; i < count; i++) this.drops.push(reason);
  }
}

/** A distinguishable payload: number `n`, `length` bytes long. */
export function pattern(length: number, n = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + n * 13 + (i >> 8)) & 255;
  return bytes;
}
