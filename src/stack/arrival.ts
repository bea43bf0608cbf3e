/**
 * The received packet that the stack is working on, and what is checked and counted before TCP, UDP
 * or ICMP handle it.
 */
import { Slab } from '../base/slab.js';
import type { RxPacket } from '../device/device.js';
import { completeChecksum } from '../device/segmentation.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../wire/checksum.js';
import { IpHeader, PROTOCOL_TCP } from '../wire/ip.js';
import { Ecn } from '../wire/tcp.js';
import type { TcpCounters } from '../tcp/counters.js';

const NOTHING = new Slab(0);

/** One received IP packet. A stack has one such object and reuses it for each packet. */
export class Arrival {
  readonly ip = new IpHeader();
  /** The slab that the offsets in `ip` refer to. */
  slab = NOTHING;
  /** The packet from the device; null for a reassembled datagram. */
  rx: RxPacket | null = null;
  /** True if the packet came over loopback. */
  looped = false;
  /** True if the transport checksum need not be verified. */
  trusted = false;

  /** Payload bytes of each segment of a super-segment; 0 for an ordinary packet. */
  get gsoSize(): number {
    return this.rx === null ? 0 : this.rx.gsoSize;
  }

  /** A copy of the IP packet. */
  copy(): Uint8Array<ArrayBuffer> {
    const { slab, ip } = this;
    return Uint8Array.from(
      slab.bytes.subarray(ip.headerOffset, ip.payloadOffset + ip.payloadLength),
    );
  }
}

export function tcpChecksumHolds({ slab, ip }: Arrival): boolean {
  const sum = pseudoHeaderSum(ip.s0, ip.s1, ip.s2, ip.s3, ip.d0, ip.d1, ip.d2, ip.d3, PROTOCOL_TCP);
  return (
    checksumAdd(slab.view, ip.payloadOffset, ip.payloadLength, fold(sum + ip.payloadLength)) ===
    0xffff
  );
}

/**
 * Completes a partial checksum in place, because an ICMP error must quote the packet as it would be
 * on the wire.
 */
export function makeQuotable({ rx }: Arrival): void {
  if (rx === null || !rx.checksumPartial) return;
  completeChecksum(rx.slab, rx.offset, rx.length, rx.checksumStart, rx.checksumOffset);
  rx.checksumPartial = false;
}

/** Counts packets by `field`, IP's ECN field. `packets`: how many there were on the wire. */
export function countEcn(counters: TcpCounters, field: number, packets: number): void {
  switch (field) {
    case Ecn.notEct:
      counters.IpExtInNoECTPkts += packets;
      break;
    case Ecn.ect1:
      counters.IpExtInECT1Pkts += packets;
      break;
    case Ecn.ect0:
      counters.IpExtInECT0Pkts += packets;
      break;
    default:
      counters.IpExtInCEPkts += packets;
  }
}
