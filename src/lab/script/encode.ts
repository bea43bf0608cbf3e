/**
 * Encodes inbound packets exactly as the script says: options in its order, a payload of zeros,
 * correct checksums.
 */
import { Slab } from '../../base/slab.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../../wire/checksum.js';
import { put16, put32 } from '../../wire/bytes.js';
import {
  IpHeader,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
} from '../../wire/ip.js';
import {
  Icmp4,
  Icmp6,
  ICMP_HEADER_BYTES,
  Unreachable4,
  Unreachable6,
  writeIcmp,
} from '../../wire/icmp.js';
import { writeIpv4 } from '../../wire/ipv4.js';
import { writeIpv6 } from '../../wire/ipv6.js';
import { TCP_HEADER_BYTES } from '../../wire/tcp.js';
import type { Address } from '../../ip/address.js';
import type { IpInfo, TcpOptionSpec } from './ast.js';
import { encodeOptions } from './option-codec.js';

export const FLAG_BITS: Readonly<Record<string, number>> = {
  F: 1,
  S: 2,
  R: 4,
  P: 8,
  '.': 16,
  U: 32,
  E: 64,
  W: 128,
  A: 256,
};
const AE_CWR_ECE = [256, 128, 64] as const;

export const flagBits = (letters: string): number =>
  [...letters].reduce(
    (bits, l) => bits | (/\d/.test(l) ? aceBits(Number(l)) : (FLAG_BITS[l] ?? 0)),
    0,
  );

const aceBits = (ace: number): number =>
  AE_CWR_ECE.reduce<number>((bits, flag, i) => bits | ((ace & (4 >> i)) === 0 ? 0 : flag), 0);

export interface Ends {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
}

export interface TcpFields {
  readonly flags: number;
  /** Uint32, absolute. */
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[];
  readonly payloadBytes: number;
}

const ECN_BITS = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 } as const;

export function encodeTcp(ends: Ends, ipInfo: IpInfo, t: TcpFields): Slab {
  const options = encodeOptions(t.options);
  const tcpBytes = TCP_HEADER_BYTES + options.length;
  const { slab, at, ip } = startPacket(ends, ipInfo, PROTOCOL_TCP, tcpBytes + t.payloadBytes);
  const b = slab.bytes;
  writeTcpHead(b, at, ends, t);
  put16(b, at + 12, ((tcpBytes / 4) << 12) | t.flags);
  b.set(options, at + TCP_HEADER_BYTES);
  const length = tcpBytes + t.payloadBytes;
  const pseudo = pseudoHeaderSum(
    ip.s0,
    ip.s1,
    ip.s2,
    ip.s3,
    ip.d0,
    ip.d1,
    ip.d2,
    ip.d3,
    PROTOCOL_TCP,
  );
  put16(b, at + 16, ~checksumAdd(slab.view, at, length, fold(pseudo + length)) & 0xffff);
  return slab;
}

function writeTcpHead(
  b: Uint8Array,
  at: number,
  ends: Ends,
  t: Pick<TcpFields, 'seq' | 'ack' | 'window' | 'urgent'>,
): void {
  put16(b, at, ends.sourcePort);
  put16(b, at + 2, ends.destinationPort);
  put32(b, at + 4, t.seq);
  put32(b, at + 8, t.ack);
  put16(b, at + 14, t.window);
  put16(b, at + 18, t.urgent);
}

function startPacket(
  ends: Ends,
  info: IpInfo,
  protocol: number,
  payloadLength: number,
): { slab: Slab; at: number; ip: IpHeader } {
  const { source: s, destination: d } = ends;
  const ip = new IpHeader();
  ip.version = d.version;
  [ip.s0, ip.s1, ip.s2, ip.s3] = [s.w0, s.w1, s.w2, s.w3];
  [ip.d0, ip.d1, ip.d2, ip.d3] = [d.w0, d.w1, d.w2, d.w3];
  ip.protocol = protocol;
  ip.ttl = info.ttl ?? 255;
  ip.tos = info.ecn === null ? (info.tos ?? 0) : ((info.tos ?? 0) & ~3) | ECN_BITS[info.ecn];
  ip.payloadLength = payloadLength;
  const ipBytes = ip.version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const slab = new Slab(ipBytes + payloadLength);
  if (ip.version === 4) writeIpv4(slab, 0, ip);
  else {
    writeIpv6(slab, 0, ip);
    if (info.flowLabel !== null) slab.view.setUint32(0, slab.view.getUint32(0) | info.flowLabel);
  }
  return { slab, at: ipBytes, ip };
}

// ---- ICMP ---------------------------------------------------------------------------------------

const CODES_4: Readonly<Record<string, number>> = {
  net_unreachable: Unreachable4.net,
  host_unreachable: Unreachable4.host,
  protocol_unreachable: Unreachable4.protocol,
  port_unreachable: Unreachable4.port,
  frag_needed: Unreachable4.fragmentationNeeded,
  source_route_failed: Unreachable4.sourceRouteFailed,
  net_unknown: Unreachable4.netUnknown,
  host_unknown: Unreachable4.hostUnknown,
  source_host_isolated: Unreachable4.sourceHostIsolated,
  net_prohibited: Unreachable4.netProhibited,
  host_prohibited: Unreachable4.hostProhibited,
  net_unreachable_for_tos: Unreachable4.netForTos,
  host_unreachable_for_tos: Unreachable4.hostForTos,
  packet_filtered: Unreachable4.communicationProhibited,
  precedence_violation: Unreachable4.hostPrecedenceViolation,
  precedence_cutoff: Unreachable4.precedenceCutoff,
  exceeded_ttl: 0,
  exceeded_reassembly: 1,
};
const CODES_6: Readonly<Record<string, number>> = {
  no_route: Unreachable6.noRoute,
  net_unreachable: Unreachable6.noRoute,
  admin_prohibited: Unreachable6.prohibited,
  not_neighbour: Unreachable6.beyondScope,
  address_unreachable: Unreachable6.address,
  host_unreachable: Unreachable6.address,
  port_unreachable: Unreachable6.port,
  exceeded_ttl: 0,
};
const TYPES_4: Readonly<Record<string, number>> = {
  unreachable: Icmp4.destinationUnreachable,
  source_quench: Icmp4.sourceQuench,
  redirect: Icmp4.redirect,
  time_exceeded: Icmp4.timeExceeded,
  parameter_problem: Icmp4.parameterProblem,
};
const TYPES_6: Readonly<Record<string, number>> = {
  unreachable: Icmp6.destinationUnreachable,
  packet_too_big: Icmp6.packetTooBig,
  time_exceeded: Icmp6.timeExceeded,
  parameter_problem: Icmp6.parameterProblem,
};

/**
 * Type and code by name; null for an unknown name. `frag_needed` over IPv6 is Packet Too Big.
 */
export function icmpNumbers(
  version: 4 | 6,
  type: string,
  code: string,
): { type: number; code: number } | null {
  if (version === 6 && code === 'frag_needed') return { type: Icmp6.packetTooBig, code: 0 };
  const t = (version === 4 ? TYPES_4 : TYPES_6)[type];
  const c =
    code === '' ? 0 : /^\d+$/.test(code) ? Number(code) : (version === 4 ? CODES_4 : CODES_6)[code];
  return t === undefined || c === undefined ? null : { type: t, code: c };
}

const NO_INFO: IpInfo = { ecn: null, tos: null, ttl: null, flowLabel: null };

/**
 * An ICMP error from a router about a segment of our stack. `quoted` is the header of that segment.
 */
export function encodeIcmp(
  ends: Ends,
  ipInfo: IpInfo,
  numbers: { type: number; code: number },
  mtu: number,
  quoted: { seq: number; bytes: number },
): Slab {
  const version = ends.destination.version;
  const ipBytes = version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const ours: Ends = {
    source: ends.destination,
    sourcePort: ends.destinationPort,
    destination: ends.source,
    destinationPort: ends.sourcePort,
  };
  // RFC 792 quotes the IP header and 8 bytes, but today's routers send a whole TCP header (RFC 1812
  // section 4.3.2.3).
  const inner = startPacket(ours, NO_INFO, PROTOCOL_TCP, TCP_HEADER_BYTES);
  writeTcpHead(inner.slab.bytes, inner.at, ours, { seq: quoted.seq, ack: 0, window: 0, urgent: 0 });
  put16(inner.slab.bytes, inner.at + 12, (TCP_HEADER_BYTES / 4) << 12);
  if (version === 4) put16(inner.slab.bytes, 2, ipBytes + TCP_HEADER_BYTES + quoted.bytes);
  const body = inner.slab.bytes;
  const protocol = version === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  const { slab, at, ip } = startPacket(ends, ipInfo, protocol, ICMP_HEADER_BYTES + body.length);
  slab.bytes.set(body, at + ICMP_HEADER_BYTES);
  writeIcmp(slab, at, ip, numbers.type, numbers.code, mtu, body.length);
  return slab;
}
