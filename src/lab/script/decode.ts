/**
 * Decodes a packet of our stack into the fields that a script can name: options in their order,
 * header bits unchanged.
 */
import { checksumAdd, fold, pseudoHeaderSum } from '../../wire/checksum.js';
import { IpHeader, PROTOCOL_TCP } from '../../wire/ip.js';
import { parseIpv4 } from '../../wire/ipv4.js';
import { parseIpv6 } from '../../wire/ipv6.js';
import type { TcpOptionSpec } from './ast.js';
import { decodeOptions } from './option-codec.js';
import type { WirePacket } from './wire.js';

export interface Decoded {
  readonly at: number;
  readonly version: 4 | 6;
  readonly source: readonly [number, number, number, number];
  readonly destination: readonly [number, number, number, number];
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly flowLabel: number;
  readonly packetBytes: number;
  readonly tcp: DecodedTcp | null;
}

/** A packet with a complete TCP segment. */
export type Segment = Decoded & { readonly tcp: DecodedTcp };

export interface DecodedTcp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly headerBytes: number;
  /** Twelve bits: above CWR is AE, then three reserved bits. */
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[];
  readonly payloadBytes: number;
  readonly payloadIsZero: boolean;
  readonly checksumHolds: boolean;
}

const ip = new IpHeader();

export function decode(p: WirePacket): Decoded {
  const { bytes: b, view } = p.slab;
  const version = b[0]! >> 4 === 4 ? 4 : 6;
  const reason =
    version === 4 ? parseIpv4(p.slab, 0, p.length, ip) : parseIpv6(p.slab, 0, p.length, ip);
  const isTcp = reason === 0 && ip.protocol === PROTOCOL_TCP && !ip.isFragment;
  return {
    at: p.at,
    version,
    source: [ip.s0, ip.s1, ip.s2, ip.s3],
    destination: [ip.d0, ip.d1, ip.d2, ip.d3],
    protocol: ip.protocol,
    ttl: ip.ttl,
    tos: ip.tos,
    flowLabel: version === 6 ? view.getUint32(0) & 0xfffff : 0,
    packetBytes: p.length,
    tcp: isTcp ? decodeTcp(p, ip) : null,
  };
}

function decodeTcp(p: WirePacket, h: IpHeader): DecodedTcp {
  const { bytes: b, view } = p.slab;
  const o = h.payloadOffset;
  const headerBytes = (b[o + 12]! >> 4) * 4;
  const payload = b.subarray(o + headerBytes, o + h.payloadLength);
  const pseudo = pseudoHeaderSum(h.s0, h.s1, h.s2, h.s3, h.d0, h.d1, h.d2, h.d3, PROTOCOL_TCP);
  return {
    sourcePort: view.getUint16(o),
    destinationPort: view.getUint16(o + 2),
    seq: view.getUint32(o + 4),
    ack: view.getUint32(o + 8),
    headerBytes,
    flags: view.getUint16(o + 12) & 0xfff,
    window: view.getUint16(o + 14),
    urgent: view.getUint16(o + 18),
    options: decodeOptions(b.subarray(o + 20, o + headerBytes)),
    payloadBytes: payload.length,
    payloadIsZero: payload.every((x) => x === 0),
    checksumHolds: checksumAdd(view, o, h.payloadLength, fold(pseudo + h.payloadLength)) === 0xffff,
  };
}
