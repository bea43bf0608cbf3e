/** Reads the addresses, ports and TCP segment of a captured packet. Never throws. */
import type { Slab } from '../base/slab.js';
import { Address } from '../ip/address.js';
import { Drop } from '../wire/drop.js';
import { parseTcp, type Segment } from '../wire/tcp.js';

const PROTOCOL_TCP = 6;
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  17: 'UDP',
  44: 'fragment',
  58: 'ICMPv6',
};

export interface PacketEnds {
  source: string;
  destination: string;
  /** `TCP`, `UDP`, `ICMP`, ..., or the protocol's number. */
  protocol: string;
  /** The segment passed to `readPacket`; null if the packet is not TCP or is malformed. */
  segment: Segment | null;
}

const UNREADABLE: PacketEnds = { source: '?', destination: '?', protocol: '?', segment: null };

/** Parses a packet; a TCP segment is parsed into `segment`. */
export function readPacket(
  slab: Slab,
  offset: number,
  length: number,
  segment: Segment,
): PacketEnds {
  const { bytes: b, view } = slab;
  if (length < 20) return UNREADABLE;
  const version = b[offset]! >> 4;
  if (version !== 4 && (version !== 6 || length < 40)) return UNREADABLE;
  const ipBytes = version === 4 ? (b[offset]! & 15) * 4 : 40;
  const protocol = version === 4 ? b[offset + 9]! : b[offset + 6]!;
  const laterFragment = version === 4 && (view.getUint16(offset + 6) & 0x1fff) !== 0;
  const address = (at: number): string => {
    if (version === 4) return Address.v4(view.getInt32(at)).toString();
    const word = (i: number): number => view.getInt32(at + 4 * i);
    return Address.fromWords(word(0), word(1), word(2), word(3)).toString();
  };
  const source = address(offset + (version === 4 ? 12 : 8));
  const destination = address(offset + (version === 4 ? 16 : 24));
  const tcp =
    protocol === PROTOCOL_TCP &&
    !laterFragment &&
    length >= ipBytes &&
    parseTcp(slab, offset + ipBytes, length - ipBytes, segment) === Drop.none;
  if (!tcp) {
    const name = protocol === PROTOCOL_TCP ? 'TCP' : (PROTOCOL_NAMES[protocol] ?? String(protocol));
    return { source, destination, protocol: name, segment: null };
  }
  const end = (text: string, port: number): string =>
    version === 6 ? `[${text}]:${port}` : `${text}:${port}`;
  return {
    source: end(source, segment.sourcePort),
    destination: end(destination, segment.destinationPort),
    protocol: 'TCP',
    segment,
  };
}
