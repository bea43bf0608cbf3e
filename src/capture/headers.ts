/**
 * The headers of a captured packet: IPv4 (RFC 791) or IPv6 with its extension headers (RFC 8200),
 * then TCP, UDP or ICMP. One reused object.
 *
 * The stack's own parsers (wire/) drop a packet for its first fault. A capture has packets that its
 * snap length cut, headers that are wrong, and super-segments whose length field says 0, and all of
 * them are to be shown. So this reader takes what is there, and says what is not.
 */
import { get16, get32 } from '../wire/bytes.js';
import {
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  NO_NEXT_HEADER,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  V4_MAPPED_WORD,
} from '../wire/ip.js';
import { NextHeader } from '../wire/ipv6.js';
import { ABSENT, MAX_SACK_BLOCKS, TCP_HEADER_BYTES, TcpOption } from '../wire/tcp.js';
import type { CapturedPacket } from './packet.js';

const UDP_HEADER_BYTES = 8;
/** Type, code and checksum: what all ICMP messages have. */
const ICMP_START_BYTES = 4;
const ICMP_HEADER_BYTES = 8;
const FRAGMENT_BYTES = 8;
/** Extension headers beside those of wire/ipv6.ts (IANA's list). */
const AUTHENTICATION = 51;
const MOBILITY = 135;
const HIP = 139;
const SHIM6 = 140;

export class Headers {
  /** 0 if the packet is not IP, or cut within the IP header without its extension headers. */
  version: 0 | 4 | 6 = 0;
  /** Addresses as in wire/ip.ts: four words each, an IPv4 address in v4-mapped form. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  /**
   * The protocol after all extension headers, or the extension header at which the packet is cut.
   */
  protocol = 0;
  /** TTL, or hop limit. */
  ttl = 0;
  /** TOS or traffic class: DSCP, and ECN in the lower two bits. */
  tos = 0;
  /** IPv4: 16 bits. IPv6: 32 bits of the fragment header, 0 without one. */
  id = 0;
  dontFragment = false;
  moreFragments = false;
  /** In bytes. */
  fragmentOffset = 0;
  /** A header contradicts itself: its length is less than it needs, or more than there is. */
  malformed = false;

  /**
   * Where the transport header starts in the packet's `bytes`. -1 if it is not there: cut before
   * its fixed part ends, or the packet is a later fragment.
   */
  transportOffset = -1;
  /** Bytes of transport header and payload on the wire, by the IP header. */
  transportLength = 0;
  /** Bytes of the transport header: 8 for UDP and ICMP, 0 for other protocols. */
  headerBytes = 0;
  /** Bytes of payload on the wire. A packet that the snap length cut holds fewer of them. */
  payloadLength = 0;
  /** Bytes of payload in the capture, from `transportOffset + headerBytes` on. */
  capturedPayload = 0;

  /** TCP and UDP. */
  sourcePort = 0;
  destinationPort = 0;
  /** ICMP and ICMPv6. */
  icmpType = 0;
  icmpCode = 0;

  /** TCP. Sequence numbers are int32, as in the stack. */
  seq = 0;
  ack = 0;
  /** A bit set of wire/tcp.ts's `TcpFlag`, AE included. */
  flags = 0;
  /** The window field, not scaled. */
  window = 0;
  urgent = 0;
  /** TCP's options as in wire/tcp.ts: ABSENT (-1) for MSS and scale that are not there. */
  mss = ABSENT;
  wscale = ABSENT;
  sackPermitted = false;
  hasTimestamps = false;
  tsVal = 0;
  tsEcr = 0;
  /** Left and right edges alternating; the first `sackCount` blocks are valid. */
  readonly sackEdges = new Int32Array(2 * MAX_SACK_BLOCKS);
  sackCount = 0;
  /** The snap length cut the options, so an option that is absent here may have been sent. */
  optionsCut = false;

  get isTcp(): boolean {
    return this.protocol === PROTOCOL_TCP && this.transportOffset >= 0;
  }

  get isUdp(): boolean {
    return this.protocol === PROTOCOL_UDP && this.transportOffset >= 0;
  }

  /** Reads the headers of `packet`; all fields are set again. */
  read(packet: CapturedPacket): void {
    this.clear();
    const { ipOffset: at, bytes } = packet;
    if (at < 0) return;
    const end = packet.offset + packet.capturedLength;
    const wireLength = packet.originalLength - (at - packet.offset);
    const version = bytes[at]! >> 4;
    if (version === 4 && end - at >= IPV4_HEADER_BYTES) this.readIpv4(bytes, at, end, wireLength);
    else if (version === 6 && end - at >= IPV6_HEADER_BYTES)
      this.readIpv6(bytes, at, end, wireLength);
  }

  private clear(): void {
    this.version = 0;
    this.protocol = 0;
    this.moreFragments = false;
    this.fragmentOffset = 0;
    this.malformed = false;
    this.transportOffset = -1;
    this.transportLength = 0;
    this.headerBytes = 0;
    this.payloadLength = 0;
    this.capturedPayload = 0;
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.flags = 0;
    this.mss = ABSENT;
    this.wscale = ABSENT;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackCount = 0;
    this.optionsCut = false;
  }

  // ---- IP ---------------------------------------------------------------------------------------

  private readIpv4(b: Uint8Array, at: number, end: number, wireLength: number): void {
    this.version = 4;
    this.tos = b[at + 1]!;
    this.id = get16(b, at + 4);
    const fragment = get16(b, at + 6);
    this.dontFragment = (fragment & 0x4000) !== 0;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.fragmentOffset = (fragment & 0x1fff) << 3;
    this.ttl = b[at + 8]!;
    this.protocol = b[at + 9]!;
    this.s0 = this.s1 = this.d0 = this.d1 = 0;
    this.s2 = this.d2 = V4_MAPPED_WORD;
    this.s3 = get32(b, at + 12);
    this.d3 = get32(b, at + 16);
    const headerBytes = (b[at]! & 15) << 2;
    // A super-segment that is larger than the field can say, or that is captured before the device
    // has split it, has 0 there.
    const total = get16(b, at + 2) || wireLength;
    if (headerBytes > total || headerBytes < IPV4_HEADER_BYTES) this.malformed = true;
    else this.readTransport(b, at + headerBytes, end, total - headerBytes);
  }

  private readIpv6(b: Uint8Array, at: number, end: number, wireLength: number): void {
    this.version = 6;
    this.tos = (get16(b, at) >> 4) & 0xff;
    this.id = 0;
    this.dontFragment = true;
    this.ttl = b[at + 7]!;
    this.s0 = get32(b, at + 8);
    this.s1 = get32(b, at + 12);
    this.s2 = get32(b, at + 16);
    this.s3 = get32(b, at + 20);
    this.d0 = get32(b, at + 24);
    this.d1 = get32(b, at + 28);
    this.d2 = get32(b, at + 32);
    this.d3 = get32(b, at + 36);
    this.protocol = b[at + 6]!;
    let left = get16(b, at + 4);
    // A jumbogram (RFC 2675), or a super-segment as above.
    if (left === 0 && this.protocol !== NO_NEXT_HEADER)
      left = Math.max(wireLength - IPV6_HEADER_BYTES, 0);
    let next = at + IPV6_HEADER_BYTES;
    for (;;) {
      const bytes = this.extensionBytes(b, next, end);
      if (bytes === 0) break;
      if (bytes > left) {
        this.malformed = true;
        return;
      }
      if (bytes < 0 || next + bytes > end) return; // cut
      this.protocol = b[next]!;
      next += bytes;
      left -= bytes;
    }
    this.readTransport(b, next, end, left);
  }

  /**
   * The length of the extension header at `at`, and notes a fragment header. 0 if `protocol` is not
   * an extension header, or the header behind is not in this fragment; -1 if it is cut.
   */
  private extensionBytes(b: Uint8Array, at: number, end: number): number {
    switch (this.protocol) {
      case NextHeader.hopByHop:
      case NextHeader.routing:
      case NextHeader.destination:
      case MOBILITY:
      case HIP:
      case SHIM6:
        if (this.fragmentOffset > 0) return 0;
        return at + 2 > end ? -1 : (b[at + 1]! + 1) * 8;
      case AUTHENTICATION:
        if (this.fragmentOffset > 0) return 0;
        return at + 2 > end ? -1 : (b[at + 1]! + 2) * 4;
      case NextHeader.fragment: {
        if (this.fragmentOffset > 0) return 0;
        if (at + FRAGMENT_BYTES > end) return -1;
        const field = get16(b, at + 2);
        this.fragmentOffset = field & 0xfff8;
        this.moreFragments = (field & 1) !== 0;
        this.id = get32(b, at + 4);
        return FRAGMENT_BYTES;
      }
      default:
        return 0;
    }
  }

  // ---- TCP, UDP, ICMP ---------------------------------------------------------------------------

  private readTransport(b: Uint8Array, at: number, end: number, length: number): void {
    this.transportLength = length;
    if (this.fragmentOffset > 0) {
      this.payloadLength = length;
      return;
    }
    // An Ethernet frame may be padded behind the packet.
    const last = Math.min(end, at + length);
    switch (this.protocol) {
      case PROTOCOL_TCP:
        this.readTcp(b, at, last, end, length);
        break;
      case PROTOCOL_UDP:
        this.readUdp(b, at, last, length);
        break;
      case PROTOCOL_ICMP:
      case PROTOCOL_ICMPV6:
        if (last - at < ICMP_START_BYTES) {
          if (length < ICMP_START_BYTES) this.malformed = true;
          return;
        }
        this.transportOffset = at;
        this.icmpType = b[at]!;
        this.icmpCode = b[at + 1]!;
        this.setPayload(Math.min(ICMP_HEADER_BYTES, length), length, at, last);
        break;
      default:
        if (at > last) return;
        this.transportOffset = at;
        this.setPayload(0, length, at, last);
    }
  }

  private readTcp(b: Uint8Array, at: number, last: number, end: number, length: number): void {
    if (length < TCP_HEADER_BYTES) {
      this.malformed = true;
      return;
    }
    if (last - at < TCP_HEADER_BYTES) return; // cut
    this.transportOffset = at;
    this.sourcePort = get16(b, at);
    this.destinationPort = get16(b, at + 2);
    this.seq = get32(b, at + 4);
    this.ack = get32(b, at + 8);
    this.flags = get16(b, at + 12) & 0x1ff;
    this.window = get16(b, at + 14);
    this.urgent = get16(b, at + 18);
    const headerBytes = (b[at + 12]! >> 4) << 2;
    if (headerBytes < TCP_HEADER_BYTES || headerBytes > length) {
      this.malformed = true;
      this.headerBytes = Math.min(Math.max(headerBytes, TCP_HEADER_BYTES), length);
      return;
    }
    this.setPayload(headerBytes, length, at, last);
    if (headerBytes > TCP_HEADER_BYTES) {
      this.optionsCut = at + headerBytes > end;
      this.readOptions(b, at + TCP_HEADER_BYTES, Math.min(at + headerBytes, last));
    }
  }

  /** RFC 768; the length field of a super-datagram or a jumbogram says 0. */
  private readUdp(b: Uint8Array, at: number, last: number, length: number): void {
    if (length < UDP_HEADER_BYTES) {
      this.malformed = true;
      return;
    }
    if (last - at < UDP_HEADER_BYTES) return; // cut
    this.transportOffset = at;
    this.sourcePort = get16(b, at);
    this.destinationPort = get16(b, at + 2);
    const own = get16(b, at + 4) || length;
    // The first fragment of a datagram holds a part of what the length field counts.
    if (own < UDP_HEADER_BYTES || (own > length && !this.moreFragments)) this.malformed = true;
    const whole = Math.min(Math.max(own, UDP_HEADER_BYTES), length);
    this.setPayload(UDP_HEADER_BYTES, whole, at, Math.min(last, at + whole));
  }

  private setPayload(headerBytes: number, length: number, at: number, last: number): void {
    this.headerBytes = headerBytes;
    this.payloadLength = length - headerBytes;
    this.capturedPayload = Math.max(last - at - headerBytes, 0);
  }

  /**
   * As `parseTcp` in wire/tcp.ts, but up to where the header is captured. It is not shared, because
   * two kinds of objects in one parser would slow both down.
   */
  private readOptions(b: Uint8Array, start: number, end: number): void {
    for (let o = start; o < end;) {
      const kind = b[o]!;
      if (kind === TcpOption.EOL) return;
      const least = kind === TcpOption.NOP ? 1 : 2;
      const length = least === 1 ? 1 : o + 1 < end ? b[o + 1]! : 0;
      if (length < least || o + length > end) {
        if (!this.optionsCut) this.malformed = true;
        return;
      }
      if (kind === TcpOption.TIMESTAMPS && length === 10) {
        this.hasTimestamps = true;
        this.tsVal = get32(b, o + 2);
        this.tsEcr = get32(b, o + 6);
      } else if (kind === TcpOption.SACK && ((length - 2) & 7) === 0) {
        this.sackCount = Math.min((length - 2) >> 3, MAX_SACK_BLOCKS);
        for (let i = 0; i < 2 * this.sackCount; i++) this.sackEdges[i] = get32(b, o + 2 + 4 * i);
      } else if (kind === TcpOption.MSS && length === 4) this.mss = get16(b, o + 2);
      else if (kind === TcpOption.WSCALE && length === 3) this.wscale = b[o + 2]!;
      else if (kind === TcpOption.SACK_PERMITTED && length === 2) this.sackPermitted = true;
      o += length;
    }
  }
}
