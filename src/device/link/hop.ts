/**
 * A router with a packet that is too long for its next hop. It cuts an IPv4 packet without DF. It
 * drops any other packet and reports the MTU to the sender by ICMP (RFC 1191 section 4, RFC 8201
 * section 3). A router from before 1990 leaves the MTU out of the report; a black hole sends no
 * report (RFC 2923).
 */
import { copyBytes } from '../../base/copy.js';
import { IPDEFTTL } from '../../base/ip-default-ttl.js';
import { Slab } from '../../base/slab.js';
import type { Micros } from '../../base/time.js';
import { checksumAdd } from '../../wire/checksum.js';
import { Drop } from '../../wire/drop.js';
import { Icmp4, Icmp6, ICMP_HEADER_BYTES, Unreachable4, writeIcmp } from '../../wire/icmp.js';
import { get16, put16 } from '../../wire/bytes.js';
import {
  IpHeader,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
} from '../../wire/ip.js';
import { parseIpv4, writeIpv4 } from '../../wire/ipv4.js';
import { parseIpv6, writeIpv6 } from '../../wire/ipv6.js';
import type { EmitPacket } from '../segmentation.js';

export type HopAnswer = 'icmp' | 'no-mtu' | 'blackhole';

const DF = 0x4000;
const MORE = 0x2000;
const OFFSET = 0x1fff;
/** Bytes of the longest ICMP error (RFC 1812 section 4.3.2.3; RFC 4443 section 2.4 (c)). */
const MOST_4 = 576;
const MOST_6 = 1280;

/** True for an IPv4 packet that routers may cut. */
export const mayCut = (slab: Slab, offset: number): boolean =>
  slab.bytes[offset]! >> 4 === 4 && (get16(slab.bytes, offset + 6) & DF) === 0;

export class Hop {
  /** Buffer for ICMP errors and fragments. */
  readonly scratch = new Slab(65_536);
  private readonly ip = new IpHeader();
  private readonly back = new IpHeader();

  /**
   * Writes the ICMP error about a packet into `scratch` and returns its length, or 0 if none is
   * due. The source address of the error is the packet's destination.
   */
  answer(slab: Slab, offset: number, length: number, mtu: number, says: HopAnswer): number {
    const { ip, back, scratch } = this;
    if (says === 'blackhole') return 0;
    const v4 = slab.bytes[offset]! >> 4 === 4;
    const bad = v4 ? parseIpv4(slab, offset, length, ip) : parseIpv6(slab, offset, length, ip);
    if (bad !== Drop.none || ip.fragmentOffset > 0) return 0;
    back.answer(ip);
    back.ttl = IPDEFTTL;
    back.tos = 0;
    back.protocol = v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    const before = (v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + ICMP_HEADER_BYTES;
    const quoted = Math.min(length, (v4 ? Math.min(MOST_4, mtu) : MOST_6) - before);
    back.payloadLength = ICMP_HEADER_BYTES + quoted;
    copyBytes(slab, offset, scratch, before, quoted);
    const start = v4 ? writeIpv4(scratch, 0, back) : writeIpv6(scratch, 0, back);
    const said = says === 'icmp' || !v4 ? mtu : 0;
    if (v4)
      writeIcmp(
        scratch,
        start,
        back,
        Icmp4.destinationUnreachable,
        Unreachable4.fragmentationNeeded,
        said,
        quoted,
      );
    else writeIcmp(scratch, start, back, Icmp6.packetTooBig, 0, said, quoted);
    return before + quoted;
  }

  /**
   * Cuts the packet into fragments of at most `mtu` bytes (RFC 791 section 3.2). Each is valid
   * during the call.
   */
  cut(
    slab: Slab,
    offset: number,
    length: number,
    mtu: number,
    emit: EmitPacket,
    now: Micros,
  ): void {
    const { scratch } = this;
    const b = scratch.bytes;
    const header = (slab.bytes[offset]! & 15) * 4;
    const field = get16(slab.bytes, offset + 6);
    const most = Math.max(8, (mtu - header) & ~7);
    for (let at = header; at < length; at += most) {
      const bytes = Math.min(most, length - at);
      copyBytes(slab, offset, scratch, 0, header);
      copyBytes(slab, offset + at, scratch, header, bytes);
      const more = at + bytes < length ? MORE : field & MORE;
      put16(b, 2, header + bytes);
      put16(b, 6, more | ((field & OFFSET) + ((at - header) >> 3)));
      put16(b, 10, 0);
      put16(b, 10, ~checksumAdd(scratch.view, 0, header, 0));
      emit(scratch, 0, header + bytes, now);
    }
  }
}
