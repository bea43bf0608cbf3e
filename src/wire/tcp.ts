/**
 * TCP segments: bytes <-> fields (RFC 9293 section 3.1, options of RFC 7323, RFC 2018 and RFC
 * 7413).
 *
 *      0                   1                   2                   3
 *      |          Source Port          |       Destination Port        |   0
 *      |                        Sequence Number                        |   4
 *      |                    Acknowledgment Number                      |   8
 *      | Offset|Rsrvd|A|C|E|U|A|P|R|S|F|           Window              |  12
 *      |           Checksum            |        Urgent Pointer         |  16
 *      |                  Options, padded to 32 bits                   |  20
 *
 * `parseTcp` fills one reused `Segment`. It is total: for any bytes it returns a segment or a drop
 * reason, and it never throws. A segment is valid only during the call that receives it.
 */
import type { Seq } from '../base/seq.js';
import type { Slab } from '../base/slab.js';
import { Drop, type DropReason } from './drop.js';
import { get16, get32, put16, put32 } from './bytes.js';

/**
 * AE is the lowest of the formerly reserved bits: Accurate ECN (RFC 9768), before that NS (RFC
 * 3540).
 */
export const TcpFlag = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
  AE: 256,
} as const;

/** IP's ECN field (RFC 3168 section 5). */
export const Ecn = { notEct: 0, ect1: 1, ect0: 2, ce: 3 } as const;

export const TCP_HEADER_BYTES = 20;
export const TCP_MAX_HEADER_BYTES = 60;
/** Offset of the checksum in the header: csum_offset of virtio-net. */
export const TCP_CHECKSUM_OFFSET = 16;
/** RFC 7323 section 2.3: a larger shift is used as 14. */
export const MAX_WINDOW_SHIFT = 14;
/** RFC 2018 section 3: the most that fit into 40 bytes of options. */
export const MAX_SACK_BLOCKS = 4;

/**
 * RFC 7413 section 4.1.1: a Fast Open cookie has 4 to 16 bytes, an even number. An empty one is a
 * request for a cookie.
 */
export const MIN_COOKIE_BYTES = 4;
export const MAX_COOKIE_BYTES = 16;
/**
 * Marks the experimental option (RFC 6994) as Fast Open's; it was used before option 34 was
 * assigned.
 */
const FAST_OPEN_MAGIC = 0xf989;

export const TcpOption = {
  EOL: 0,
  NOP: 1,
  MSS: 2,
  WSCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  FAST_OPEN: 34,
  EXPERIMENT: 254,
} as const;

/** Value of `mss`, `wscale` and `cookieBytes` if the option is absent. */
export const ABSENT = -1;

/** Holds the payload of segments to be sent: a send buffer. */
export interface PayloadSource {
  /**
   * Passes the slab ranges of the `length` bytes from `offset` on, in order. They do not change
   * until the packet is written.
   */
  addPieces(to: PieceSink, offset: number, length: number): void;
  /** Copies the same range to `to[at, at + length)`. */
  copyTo(to: Uint8Array, at: number, offset: number, length: number): void;
}

export interface PieceSink {
  addPiece(slab: Slab, offset: number, length: number): void;
}

/**
 * One segment, received or to be sent, with the RFC's names. All fields are set in the constructor
 * and none is added later, so that all segments share one hidden class.
 */
export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  /** SEG.SEQ */
  seq: Seq = 0;
  /** SEG.ACK */
  ack: Seq = 0;
  /** A bit set of `TcpFlag`. */
  flags = 0;
  /** The window field on the wire, before scaling: 0..65,535. */
  wnd = 0;
  /** The urgent pointer field. */
  urgentPointer = 0;
  checksum = 0;
  /** Offset of the payload from the header's start, in bytes: 20..60. */
  headerBytes = 0;

  /** MSS option in bytes, or ABSENT. */
  mss = ABSENT;
  /** Shift of the Window Scale option as received (0..255), or ABSENT. */
  wscale = ABSENT;
  sackPermitted = false;
  hasTimestamps = false;
  /** TSval and TSecr; 0 without the option. */
  tsVal = 0;
  tsEcr = 0;
  /** SACK blocks, left and right edges alternating. The first `sackCount` blocks are valid. */
  readonly sackEdges = new Int32Array(2 * MAX_SACK_BLOCKS);
  sackCount = 0;

  /** Fast Open cookie length in bytes; 0 for a request, ABSENT without the option. SYNs only. */
  cookieBytes = ABSENT;
  cookieExperimental = false;
  readonly cookie = new Uint8Array(MAX_COOKIE_BYTES);

  /**
   * The payload is `payloadBytes` bytes from `payloadOffset` on: of `payload` in a received segment
   * (valid during the call only: see `keepPayload`), of `source` in a segment to be sent.
   */
  payload: Slab | null = null;
  source: PayloadSource | null = null;
  payloadOffset = 0;
  payloadBytes = 0;
  /**
   * Payload bytes of each wire segment in a super-segment that the kernel joined (virtio-net's
   * gso_size); 0 for an ordinary segment. Where an RFC counts segments, this one counts as
   * `wireSegments`.
   */
  gsoSize = 0;
  /** Received segments: the device vouched for the checksum, so it was not verified here. */
  checksumVouched = false;
  /** IP's ECN field of the packet, received or to be sent: a value of `Ecn`. */
  ecn = 0;
  /**
   * Set by a receiver that keeps `payload` after the call, so that the device does not reuse those
   * bytes.
   */
  keepPayload = false;

  /** SEG.LEN: payload plus one each for SYN and FIN (RFC 9293 section 3.3.1). */
  get len(): number {
    return this.payloadBytes + ((this.flags >> 1) & 1) + (this.flags & 1);
  }

  /** How many segments this is on the wire. */
  get wireSegments(): number {
    return this.gsoSize > 0 && this.payloadBytes > this.gsoSize
      ? Math.ceil(this.payloadBytes / this.gsoSize)
      : 1;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  putTimestamps(val: number, ecr: number): void {
    this.hasTimestamps = true;
    this.tsVal = val;
    this.tsEcr = ecr;
  }

  /** Resets the fields before the segment is filled again. */
  clear(): void {
    this.flags = 0;
    this.ack = 0;
    this.wnd = 0;
    this.urgentPointer = 0;
    this.payload = null;
    this.source = null;
    this.payloadOffset = 0;
    this.payloadBytes = 0;
    this.gsoSize = 0;
    this.checksumVouched = false;
    this.ecn = 0;
    this.keepPayload = false;
    this.clearOptions();
  }

  clearOptions(): void {
    this.mss = ABSENT;
    this.wscale = ABSENT;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.tsVal = 0;
    this.tsEcr = 0;
    this.sackCount = 0;
    this.cookieBytes = ABSENT;
    this.cookieExperimental = false;
  }
}

/**
 * Parses the segment at `slab[offset, offset + length)` into `out`; the payload is a reference. The
 * caller verifies the checksum, because it needs IP's pseudo-header, and an offload may have
 * vouched for it.
 */
export function parseTcp(slab: Slab, offset: number, length: number, out: Segment): DropReason {
  const b = slab.bytes;
  if (length < TCP_HEADER_BYTES) return Drop.tcpTruncated;
  const headerBytes = (b[offset + 12]! >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > length) return Drop.tcpBadDataOffset;
  out.sourcePort = get16(b, offset);
  out.destinationPort = get16(b, offset + 2);
  out.seq = get32(b, offset + 4);
  out.ack = get32(b, offset + 8);
  out.flags = ((b[offset + 12]! & 1) << 8) | b[offset + 13]!;
  out.wnd = get16(b, offset + 14);
  out.checksum = get16(b, offset + 16);
  out.urgentPointer = get16(b, offset + 18);
  out.headerBytes = headerBytes;
  out.payload = slab;
  out.payloadOffset = offset + headerBytes;
  out.payloadBytes = length - headerBytes;
  out.gsoSize = 0;
  out.checksumVouched = false;
  out.ecn = 0;
  out.keepPayload = false;
  out.clearOptions();
  return headerBytes === TCP_HEADER_BYTES
    ? Drop.none
    : parseOptions(b, offset + TCP_HEADER_BYTES, offset + headerBytes, out);
}

/**
 * MUST-4 to MUST-7, MUST-64, MUST-68: options may have any alignment, and unknown kinds are skipped
 * by their length. An invalid length (below 2, or past the header's end) returns
 * `Drop.tcpBadOptionLength`; the options before it are filled in, for a caller that accepts the
 * segment anyway. As in Linux, a known kind with a wrong length is skipped like an unknown one.
 */
function parseOptions(b: Uint8Array, start: number, end: number, out: Segment): DropReason {
  let o = start;
  while (o < end) {
    const kind = b[o]!;
    if (kind === TcpOption.EOL) return Drop.none;
    if (kind === TcpOption.NOP) {
      o++;
      continue;
    }
    if (o + 1 >= end) return Drop.tcpBadOptionLength;
    const length = b[o + 1]!;
    if (length < 2 || o + length > end) return Drop.tcpBadOptionLength;
    switch (kind) {
      case TcpOption.MSS:
        if (length === 4) out.mss = get16(b, o + 2);
        break;
      case TcpOption.WSCALE:
        if (length === 3) out.wscale = b[o + 2]!;
        break;
      case TcpOption.SACK_PERMITTED:
        if (length === 2) out.sackPermitted = true;
        break;
      case TcpOption.TIMESTAMPS:
        if (length === 10) {
          out.hasTimestamps = true;
          out.tsVal = get32(b, o + 2);
          out.tsEcr = get32(b, o + 6);
        }
        break;
      case TcpOption.SACK:
        if ((length - 2) % 8 === 0) {
          const count = Math.min((length - 2) / 8, MAX_SACK_BLOCKS);
          for (let i = 0; i < 2 * count; i++) out.sackEdges[i] = get32(b, o + 2 + 4 * i);
          out.sackCount = count;
        }
        break;
      case TcpOption.FAST_OPEN:
        readCookie(b, o + 2, length - 2, false, out);
        break;
      case TcpOption.EXPERIMENT:
        if (length >= 4 && get16(b, o + 2) === FAST_OPEN_MAGIC)
          readCookie(b, o + 4, length - 4, true, out);
        break;
      default: // MUST-6: unknown options are ignored
    }
    o += length;
  }
  return Drop.none;
}

/**
 * As in Linux: an option with an odd length is not taken as Fast Open's, and an even length out of
 * range counts as no option.
 */
function readCookie(
  b: Uint8Array,
  o: number,
  length: number,
  experimental: boolean,
  out: Segment,
): void {
  if (!out.has(TcpFlag.SYN) || (length & 1) !== 0) return;
  const fits = length >= MIN_COOKIE_BYTES && length <= MAX_COOKIE_BYTES;
  for (let i = 0; fits && i < length; i++) out.cookie[i] = b[o + i]!;
  out.cookieBytes = fits || length === 0 ? length : ABSENT;
  out.cookieExperimental = experimental;
}

/** Bytes of the options that `writeTcp` writes for this segment, padding included. */
export function tcpOptionBytes(s: Segment): number {
  let n = 0;
  if (s.mss !== ABSENT) n += 4;
  if (s.hasTimestamps) n += s.sackPermitted ? 10 : 12;
  if (s.sackPermitted) n += s.hasTimestamps ? 2 : 4;
  if (s.wscale !== ABSENT) n += 4;
  if (s.sackCount > 0) n += 4 + 8 * s.sackCount;
  if (s.cookieBytes !== ABSENT) n += (s.cookieBytes + (s.cookieExperimental ? 4 : 2) + 3) & ~3;
  return n;
}

/**
 * Writes the header and options of `s` at `b[o]`, with a checksum of zero and without the payload.
 * Returns the header's length in bytes.
 *
 * The options are in Linux's order, which public packet scripts expect. A SYN has
 * `mss, sackOK, TS, nop, wscale`, or `mss, nop, nop, sackOK, nop, wscale` without timestamps, then
 * the Fast Open cookie. Other segments have `nop, nop, TS, nop, nop, SACK`.
 */
export function writeTcp(b: Uint8Array, o: number, s: Segment): number {
  put16(b, o, s.sourcePort);
  put16(b, o + 2, s.destinationPort);
  put32(b, o + 4, s.seq);
  put32(b, o + 8, s.ack);
  b[o + 13] = s.flags;
  put16(b, o + 14, s.wnd);
  put16(b, o + 16, 0);
  put16(b, o + 18, s.urgentPointer);
  let p = o + TCP_HEADER_BYTES;
  if (s.mss !== ABSENT) {
    b[p] = TcpOption.MSS;
    b[p + 1] = 4;
    put16(b, p + 2, s.mss);
    p += 4;
  }
  if (s.sackPermitted) {
    if (!s.hasTimestamps) {
      b[p++] = TcpOption.NOP;
      b[p++] = TcpOption.NOP;
    }
    b[p++] = TcpOption.SACK_PERMITTED;
    b[p++] = 2;
  }
  if (s.hasTimestamps) {
    if (!s.sackPermitted) {
      b[p++] = TcpOption.NOP;
      b[p++] = TcpOption.NOP;
    }
    b[p] = TcpOption.TIMESTAMPS;
    b[p + 1] = 10;
    put32(b, p + 2, s.tsVal);
    put32(b, p + 6, s.tsEcr);
    p += 10;
  }
  if (s.wscale !== ABSENT) {
    b[p] = TcpOption.NOP;
    b[p + 1] = TcpOption.WSCALE;
    b[p + 2] = 3;
    b[p + 3] = s.wscale;
    p += 4;
  }
  if (s.sackCount > 0) {
    b[p] = TcpOption.NOP;
    b[p + 1] = TcpOption.NOP;
    b[p + 2] = TcpOption.SACK;
    b[p + 3] = 2 + 8 * s.sackCount;
    p += 4;
    for (let i = 0; i < 2 * s.sackCount; i++, p += 4) put32(b, p, s.sackEdges[i]!);
  }
  if (s.cookieBytes !== ABSENT) {
    b[p++] = s.cookieExperimental ? TcpOption.EXPERIMENT : TcpOption.FAST_OPEN;
    b[p++] = s.cookieBytes + (s.cookieExperimental ? 4 : 2);
    if (s.cookieExperimental) {
      put16(b, p, FAST_OPEN_MAGIC);
      p += 2;
    }
    for (let i = 0; i < s.cookieBytes; i++) b[p++] = s.cookie[i]!;
    while (((p - o) & 3) !== 0) b[p++] = TcpOption.NOP;
  }
  const headerBytes = p - o;
  b[o + 12] = ((headerBytes / 4) << 4) | ((s.flags >> 8) & 1);
  s.headerBytes = headerBytes;
  return headerBytes;
}
