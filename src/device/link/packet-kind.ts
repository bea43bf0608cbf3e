/**
 * The kind of a packet, as the link's drop rules name it. It is read from a few bytes, which may be
 * invalid.
 */
import type { Slab } from '../../base/slab.js';
import { get16 } from '../../wire/bytes.js';
import { TcpFlag } from '../../wire/tcp.js';

/** Bits: a FIN that carries data is both `fin` and `data`. */
export const Kind = {
  any: 1,
  syn: 2,
  'syn-ack': 4,
  fin: 8,
  rst: 16,
  /** A bare acknowledgment: no SYN, FIN, RST, and no payload. */
  ack: 32,
  data: 64,
  udp: 128,
  icmp: 256,
} as const;

const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpV6: 58 } as const;

export function kindOf(slab: Slab, offset: number, length: number): number {
  const b = slab.bytes;
  if (length < 20) return Kind.any;
  const v4 = b[offset]! >> 4 === 4;
  if (!v4 && length < 40) return Kind.any;
  // A later fragment has no transport header. (In IPv6 `protocol` is then the fragment header's
  // number, which matches no kind.)
  if (v4 && (get16(b, offset + 6) & 0x1fff) !== 0) return Kind.any;
  const protocol = v4 ? b[offset + 9]! : b[offset + 6]!;
  if (protocol === PROTOCOL.udp) return Kind.any | Kind.udp;
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpV6) return Kind.any | Kind.icmp;
  if (protocol !== PROTOCOL.tcp) return Kind.any;
  const ipBytes = v4 ? (b[offset]! & 15) * 4 : 40;
  return length < ipBytes + 20
    ? Kind.any
    : Kind.any | tcpKind(b, offset + ipBytes, length - ipBytes);
}

function tcpKind(b: Uint8Array, at: number, length: number): number {
  const flags = b[at + 13]!;
  const payload = length - (b[at + 12]! >> 4) * 4;
  let kind = payload > 0 ? Kind.data : 0;
  if (flags & TcpFlag.SYN) kind |= flags & TcpFlag.ACK ? Kind['syn-ack'] : Kind.syn;
  if (flags & TcpFlag.FIN) kind |= Kind.fin;
  if (flags & TcpFlag.RST) kind |= Kind.rst;
  if (kind === 0 && flags & TcpFlag.ACK) kind = Kind.ack;
  return kind;
}
