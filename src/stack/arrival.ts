/**
 * The packet at hand on its way in, and what a stack asks and counts of it before TCP, UDP or ICMP
 * see it.
 */
import { Slab } from '../base/slab.js';
import type { RxPacket } from '../device/device.js';
import { completeChecksum } from '../device/segmentation.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../wire/checksum.js';
import { IpHeader, PROTOCOL_TCP } from '../wire/ip.js';
import { Ecn } from '../wire/tcp.js';
import type { TcpCounters } from '../tcp/counters.js';

const NOTHING = new Slab(0);

/** One IP packet that arrived. A stack has one of these, and fills it with each packet. */
export class Arrival {
  readonly ip = new IpHeader();
  /** What `ip`'s offsets are about. */
  slab = NOTHING;
  /** What the device handed over; null for a datagram that was put together here. */
  rx: RxPacket | null = null;
  /** The packet comes from this host itself, over loopback. */
  looped = false;
  /** The transport checksum needs no check. */
  trusted = false;

  /** Payload of each segment of a super-segment, else 0. */
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
 * An ICMP error quotes the packet as it would be on a wire: a checksum that a device left half done
 * is completed in place.
 */
export function makeQuotable({ rx }: Arrival): void {
  if (rx === null || !rx.checksumPartial) return;
  completeChecksum(rx.slab, rx.offset, rx.length, rx.checksumStart, rx.checksumOffset);
  rx.checksumPartial = false;
}

/** `field`: IP's ECN field; `packets`: how many there were on the wire. */
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
