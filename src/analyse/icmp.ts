/**
 * ICMP errors (RFC 792, RFC 4443) quote the packet that they are about: its IP header and at least
 * its ports. So they belong to a conversation.
 */
import { get16, get32 } from '../wire/bytes.js';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, V4_MAPPED_WORD } from '../wire/ip.js';
import type { Headers } from '../capture/headers.js';
import type { CapturedPacket } from '../capture/packet.js';

const QUOTE_OFFSET = 8;
const V4_UNREACHABLE = 3;
const V4_FRAGMENTATION_NEEDED = 4;
const V4_TIME_EXCEEDED = 11;
const V6_PACKET_TOO_BIG = 2;
const V6_LAST_ERROR = 127;

/** Fills `quote` with addresses and ports of the quoted TCP segment. False if there is none. */
export function readQuote(packet: CapturedPacket, h: Headers, quote: Headers): boolean {
  const isV6 = h.protocol === PROTOCOL_ICMPV6;
  if ((!isV6 && h.protocol !== PROTOCOL_ICMP) || h.transportOffset < 0) return false;
  const isError = isV6
    ? h.icmpType <= V6_LAST_ERROR && h.icmpType > 0
    : h.icmpType === V4_UNREACHABLE || h.icmpType === V4_TIME_EXCEEDED;
  if (!isError) return false;
  const { bytes } = packet;
  const at = h.transportOffset + QUOTE_OFFSET;
  const end = packet.offset + packet.capturedLength;
  return isV6 ? quoteV6(bytes, at, end, quote) : quoteV4(bytes, at, end, quote);
}

/** The MTU that the router names, or 0. */
export function namedMtu(packet: CapturedPacket, h: Headers): number {
  const { bytes } = packet;
  const at = h.transportOffset;
  if (h.protocol === PROTOCOL_ICMPV6)
    return h.icmpType === V6_PACKET_TOO_BIG ? get32(bytes, at + 4) >>> 0 : 0;
  return h.icmpType === V4_UNREACHABLE && h.icmpCode === V4_FRAGMENTATION_NEEDED
    ? get16(bytes, at + 6)
    : 0;
}

function quoteV4(b: Uint8Array, at: number, end: number, quote: Headers): boolean {
  if (at + 20 > end || b[at]! >> 4 !== 4 || b[at + 9] !== PROTOCOL_TCP) return false;
  const ports = at + ((b[at]! & 15) << 2);
  if (ports + 4 > end) return false;
  quote.version = 4;
  quote.s0 = quote.s1 = quote.d0 = quote.d1 = 0;
  quote.s2 = quote.d2 = V4_MAPPED_WORD;
  quote.s3 = get32(b, at + 12);
  quote.d3 = get32(b, at + 16);
  return quotePorts(b, ports, quote);
}

/** Without extension headers, which TCP segments rarely have. */
function quoteV6(b: Uint8Array, at: number, end: number, quote: Headers): boolean {
  if (at + 44 > end || b[at]! >> 4 !== 6 || b[at + 6] !== PROTOCOL_TCP) return false;
  quote.version = 6;
  quote.s0 = get32(b, at + 8);
  quote.s1 = get32(b, at + 12);
  quote.s2 = get32(b, at + 16);
  quote.s3 = get32(b, at + 20);
  quote.d0 = get32(b, at + 24);
  quote.d1 = get32(b, at + 28);
  quote.d2 = get32(b, at + 32);
  quote.d3 = get32(b, at + 36);
  return quotePorts(b, at + 40, quote);
}

function quotePorts(b: Uint8Array, at: number, quote: Headers): boolean {
  quote.sourcePort = get16(b, at);
  quote.destinationPort = get16(b, at + 2);
  return true;
}
