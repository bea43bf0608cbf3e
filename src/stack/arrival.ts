/** What a stack asks of a packet that came, and counts of it, before TCP, UDP or ICMP see it. */
import type { Slab } from '../base/slab.js';
import type { RxPacket } from '../device/device.js';
import { completeChecksum } from '../device/segmentation.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../wire/checksum.js';
import { PROTOCOL_TCP, type IpHeader } from '../wire/ip.js';
import { Ecn } from '../wire/tcp.js';
import type { TcpCounters } from '../tcp/counters.js';

export function tcpChecksumHolds(slab: Slab, ip: IpHeader): boolean {
  const sum = pseudoHeaderSum(ip.s0, ip.s1, ip.s2, ip.s3, ip.d0, ip.d1, ip.d2, ip.d3, PROTOCOL_TCP);
  return checksumAdd(slab.view, ip.payloadOffset, ip.payloadLength, fold(sum + ip.payloadLength)) === 0xffff;
}

/** An ICMP error quotes the packet as it would be on a wire: a checksum that a device left half done is completed in place. */
export function makeQuotable(rx: RxPacket | null): void {
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
