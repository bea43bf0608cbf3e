/**
 * How packets stand in a recording: a received one whole, or cut behind its headers by the snap
 * length; a sent one by its headers, which a replay compares.
 */
import { Slab } from '../base/slab.js';
import type { RxPacket, TxPacket } from '../device/device.js';
import { completeChecksum } from '../device/segmentation.js';
import { checksumAdd, fold } from '../wire/checksum.js';
import {
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ip.js';
import { TCP_CHECKSUM_OFFSET } from '../wire/tcp.js';
import { UDP_HEADER_BYTES } from '../wire/udp.js';
import { RecordingError } from './errors.js';
import type { Log } from './log.js';
import type { FieldReader } from './fields.js';

/** Bits of the first byte of a packet. */
const VALID = 1;
const PARTIAL = 2;
const GSO = 4;
const CUT = 8;
/** Of a packet that is cut: its checksum was right. */
const CHECKSUM_HOLDS = 16;

const UDP_CHECKSUM_OFFSET = 6;
const ICMP_CHECKSUM_OFFSET = 2;
const ICMP_HEADER_BYTES = 8;
/** An IPv4 header's fields. */
const FRAGMENT_AT = 6;
const PROTOCOL_AT = 9;
const NEXT_HEADER_AT = 6;
const TCP_OFFSET_AT = 12;
const FRAGMENT_BITS = 0x3fff;
/** Longer packets than an IP packet can be are no packets. */
const MOST_PACKET = 1 << 20;

/** Where the parts of a packet begin. Reused. */
class Parts {
  protocol = 0;
  transport = 0;
  payload = 0;
  checksum = -1;
  /** Two bytes that TCP's and UDP's pseudo-header do not need are known, too. */
  isWhole = false;

  /** `length` bytes of an IP packet from `at` on. Unknown protocols are all header. */
  read(b: Uint8Array, at: number, length: number): void {
    this.payload = length;
    this.transport = length;
    this.checksum = -1;
    this.protocol = -1;
    this.isWhole = false;
    if (length < IPV4_HEADER_BYTES) return;
    let ip = IPV6_HEADER_BYTES;
    if (b[at]! >> 4 === 4) {
      ip = (b[at]! & 15) * 4;
      const fragment = ((b[at + FRAGMENT_AT]! << 8) | b[at + FRAGMENT_AT + 1]!) & FRAGMENT_BITS;
      if (fragment !== 0) return;
      this.protocol = b[at + PROTOCOL_AT]!;
    } else this.protocol = b[at + NEXT_HEADER_AT]!;
    const room = length - ip;
    this.transport = ip;
    switch (this.protocol) {
      case PROTOCOL_TCP: {
        const bytes = room > TCP_OFFSET_AT ? (b[at + ip + TCP_OFFSET_AT]! >> 4) * 4 : 0;
        if (bytes < 20 || bytes > room) return;
        this.payload = ip + bytes;
        this.checksum = ip + TCP_CHECKSUM_OFFSET;
        break;
      }
      case PROTOCOL_UDP:
        if (room < UDP_HEADER_BYTES) return;
        this.payload = ip + UDP_HEADER_BYTES;
        this.checksum = ip + UDP_CHECKSUM_OFFSET;
        break;
      case PROTOCOL_ICMP:
      case PROTOCOL_ICMPV6:
        if (room < ICMP_HEADER_BYTES) return;
        this.payload = ip + ICMP_HEADER_BYTES;
        this.checksum = ip + ICMP_CHECKSUM_OFFSET;
        return;
      default:
        return;
    }
    this.isWhole = true;
  }
}

const parts = new Parts();

/** The sum of addresses, protocol and length: TCP's and UDP's pseudo-header. */
function pseudoSum(slab: Slab, at: number, transportBytes: number): number {
  const v4 = slab.bytes[at]! >> 4 === 4;
  const start = fold(parts.protocol + fold(transportBytes));
  return v4 ? checksumAdd(slab.view, at + 12, 8, start) : checksumAdd(slab.view, at + 8, 32, start);
}

// ---- Received -----------------------------------------------------------------------------------

export function writePacket(log: Log, rx: RxPacket): void {
  const { slab, offset, length } = rx;
  const isGso = rx.gsoType !== 0 || rx.gsoSize !== 0;
  let kept = length;
  let bits = (rx.checksumValid ? VALID : 0) | (rx.checksumPartial ? PARTIAL : 0);
  if (isGso) bits |= GSO;
  if (log.snap < length) {
    kept = keptBytes(slab.bytes, offset, length, log.snap);
    if (kept < length) {
      bits |= CUT;
      if (bits < CUT + GSO && checksumHolds(slab, offset, length)) bits |= CHECKSUM_HOLDS;
    }
  }
  log.byte(bits);
  if (rx.checksumPartial) {
    log.varint(rx.checksumStart);
    log.varint(rx.checksumOffset);
  }
  if (isGso) {
    log.varint(rx.gsoType);
    log.varint(rx.gsoSize);
    log.varint(rx.headerBytes);
  }
  log.varint(length);
  if ((bits & CUT) !== 0) log.varint(kept);
  log.slice(slab, offset, kept);
}

/** Only the payload of TCP and UDP is cut: the stack looks into everything else. */
function keptBytes(b: Uint8Array, at: number, length: number, snap: number): number {
  parts.read(b, at, length);
  return parts.isWhole ? Math.min(length, parts.payload + snap) : length;
}

function checksumHolds(slab: Slab, at: number, length: number): boolean {
  const { transport, checksum, protocol } = parts;
  const field = at + checksum;
  if (protocol === PROTOCOL_UDP && slab.bytes[field] === 0 && slab.bytes[field + 1] === 0)
    return true;
  const bytes = length - transport;
  return checksumAdd(slab.view, at + transport, bytes, pseudoSum(slab, at, bytes)) === 0xffff;
}

/** Fills `rx` with memory of its own, because the stack may keep it. */
export function readPacket(reader: FieldReader, rx: RxPacket): void {
  const bits = reader.byte();
  rx.checksumValid = (bits & VALID) !== 0;
  rx.checksumPartial = (bits & PARTIAL) !== 0;
  rx.checksumStart = rx.checksumPartial ? reader.varint() : 0;
  rx.checksumOffset = rx.checksumPartial ? reader.varint() : 0;
  const isGso = (bits & GSO) !== 0;
  rx.gsoType = isGso ? reader.varint() : 0;
  rx.gsoSize = isGso ? reader.varint() : 0;
  rx.headerBytes = isGso ? reader.varint() : 0;
  rx.keep = false;
  const length = reader.varint();
  const kept = (bits & CUT) === 0 ? length : reader.varint();
  if (length > MOST_PACKET || kept > length) throw damaged(`a packet of ${length} bytes`);
  const bytes = new Uint8Array(length);
  reader.copyTo(bytes, kept);
  rx.slab = new Slab(bytes);
  rx.offset = 0;
  rx.length = length;
  if (kept < length && !rx.checksumValid && !rx.checksumPartial)
    putVerdict(rx.slab, length, (bits & CHECKSUM_HOLDS) !== 0);
}

/** The payload is zeros now: a checksum of it that is right or wrong as the recorded one was. */
function putVerdict(slab: Slab, length: number, holds: boolean): void {
  const b = slab.bytes;
  parts.read(b, 0, length);
  const { transport, checksum, protocol } = parts;
  if (checksum < 0) return;
  if (holds && protocol === PROTOCOL_UDP && b[checksum] === 0 && b[checksum + 1] === 0) return;
  const sum = pseudoSum(slab, 0, length - transport);
  b[checksum] = sum >> 8;
  b[checksum + 1] = sum & 0xff;
  completeChecksum(slab, 0, length, transport, checksum - transport);
  if (!holds) b[checksum + 1]! ^= 1;
}

export function skipPacket(reader: FieldReader): void {
  const bits = reader.byte();
  if ((bits & PARTIAL) !== 0) reader.skipNumbers(2);
  if ((bits & GSO) !== 0) reader.skipNumbers(3);
  const length = reader.varint();
  reader.skip((bits & CUT) === 0 ? length : reader.varint());
}

const damaged = (what: string): RecordingError =>
  new RecordingError(`the recording is damaged: it has ${what}`, 'record again');

// ---- Sent ---------------------------------------------------------------------------------------

/** IP header and transport header, without payload. */
function headerBytesOf(p: TxPacket): number {
  parts.read(p.slab.bytes, p.start, p.headBytes);
  return Math.min(parts.payload, MOST_HEADERS);
}

/** Headers of unknown protocols, and of fragments, are compared up to here. */
const MOST_HEADERS = 120;

/** Length, payload bytes of each segment of a super-segment, and the headers. */
export function writeHeaders(log: Log, p: TxPacket): void {
  const bytes = headerBytesOf(p);
  log.varint(p.length);
  log.varint(p.gsoSize);
  log.byte(bytes);
  log.slice(p.slab, p.start, bytes);
}

/** The headers of a sent packet as they were recorded. */
export class SentHeaders {
  length = 0;
  gsoSize = 0;
  bytes: Uint8Array = new Uint8Array(0);

  read(reader: FieldReader): void {
    this.length = reader.varint();
    this.gsoSize = reader.varint();
    const bytes = reader.byte();
    this.bytes = reader.copy(bytes);
  }

  /** Takes the same of a packet that is sent now. */
  of(p: TxPacket): void {
    const bytes = headerBytesOf(p);
    this.length = p.length;
    this.gsoSize = p.gsoSize;
    this.bytes = p.slab.bytes.slice(p.start, p.start + bytes);
  }

  /** `withChecksums`: also the checksums of transports, which depend on payloads. */
  equals(other: SentHeaders, withChecksums: boolean): boolean {
    if (this.length !== other.length || this.gsoSize !== other.gsoSize) return false;
    if (this.bytes.length !== other.bytes.length) return false;
    parts.read(this.bytes, 0, this.bytes.length);
    const without = withChecksums ? -1 : parts.checksum;
    return this.bytes.every(
      (byte, i) =>
        byte === other.bytes[i] || (without >= 0 && (i === without || i === without + 1)),
    );
  }
}

export function skipHeaders(reader: FieldReader): void {
  reader.skipNumbers(2);
  reader.skip(reader.byte());
}
