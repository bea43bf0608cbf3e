/**
 * Sends all packets other than TCP's. A datagram is written into a scratch slab, checksum included.
 * It is sent as one packet, or as fragments if it is larger than the path MTU (RFC 791, RFC 8200
 * section 4.5).
 */
import { MtuDiscover } from '../base/mtu-discover.js';
import { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import type { Device } from '../device/device.js';
import type { Address } from '../ip/address.js';
import { fragmentPayload } from '../ip/fragment.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, type IpHeader } from '../wire/ip.js';
import { writeIpv4 } from '../wire/ipv4.js';
import { FRAGMENT_HEADER_BYTES, NextHeader, writeFragmentHeader, writeIpv6 } from '../wire/ipv6.js';
import type { StackServices } from './services.js';

const MAX_DATAGRAM = 65_535;

export class IpOutput {
  /**
   * The payload for the next `send` (header and data of ICMP or UDP), written by the caller at
   * offset 0.
   */
  readonly scratch = new Slab(MAX_DATAGRAM + 1);
  private nextId: number;
  private readonly services: StackServices;

  constructor(services: StackServices) {
    this.services = services;
    this.nextId = services.random.int32() & 0xffff;
  }

  /** The largest packet for `to` in bytes; 0 without a route. */
  mtuTo(to: Address, discover: MtuDiscover, now: Micros): number {
    const device = this.services.route(to);
    if (device === null) return 0;
    return discover === MtuDiscover.probe
      ? device.mtu
      : this.services.paths.to(to, device.mtu, now);
  }

  /**
   * Sends `ip.payloadLength` bytes of `scratch`, in fragments if `discover` allows it. Returns
   * false and counts a drop if that is impossible. As in Linux, ICMP messages may be fragmented.
   */
  send(ip: IpHeader, to: Address, discover: MtuDiscover, now: Micros): boolean {
    const { services } = this;
    const device = services.route(to);
    const reason = device === null ? Drop.noRoute : this.sendBy(device, ip, to, discover, now);
    if (reason !== Drop.none) services.packetDropped(reason, to.toString(), now);
    else services.wake();
    return reason === Drop.none;
  }

  /** RFC 6864: a packet that may be fragmented needs an ID that is not reused soon. */
  private sendBy(
    device: Device,
    ip: IpHeader,
    to: Address,
    discover: MtuDiscover,
    now: Micros,
  ): DropReason {
    const mtu = this.mtuTo(to, discover, now);
    const v4 = ip.version === 4;
    const headerBytes = v4 ? IPV4_HEADER_BYTES + ip.optionBytes : IPV6_HEADER_BYTES;
    if (headerBytes + ip.payloadLength > MAX_DATAGRAM + (v4 ? 0 : IPV6_HEADER_BYTES))
      return Drop.ipTooBig;
    this.nextId = (this.nextId + 1) & 0xffff;
    ip.id = this.nextId;
    ip.fragmentOffset = 0;
    ip.moreFragments = false;
    const fits = headerBytes + ip.payloadLength <= mtu;
    if (!fits && discover >= MtuDiscover.do) return Drop.ipTooBig;
    ip.dontFragment = fits && this.services.paths.dontFragment(to, discover, now);
    if (fits) this.sendPiece(device, ip, 0, ip.payloadLength, now);
    else this.sendFragments(device, ip, mtu, headerBytes + (v4 ? 0 : FRAGMENT_HEADER_BYTES), now);
    return Drop.none;
  }

  private sendFragments(
    device: Device,
    ip: IpHeader,
    mtu: number,
    headerBytes: number,
    now: Micros,
  ): void {
    const total = ip.payloadLength;
    const most = fragmentPayload(mtu, headerBytes);
    for (let offset = 0; offset < total; offset += most) {
      const length = Math.min(most, total - offset);
      ip.fragmentOffset = offset;
      ip.moreFragments = offset + length < total;
      this.sendPiece(device, ip, offset, length, now);
      // Record Route and Internet Timestamp are in the first fragment only (RFC 791 section 3.1)
      ip.optionBytes = 0;
    }
  }

  private sendPiece(
    device: Device,
    ip: IpHeader,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    const p = device.packet();
    const { slab, start } = p;
    const { protocol, payloadLength } = ip;
    const cut = offset > 0 || ip.moreFragments;
    let at = start;
    if (ip.version === 4) {
      ip.payloadLength = length;
      at += writeIpv4(slab, at, ip);
    } else {
      ip.payloadLength = length + (cut ? FRAGMENT_HEADER_BYTES : 0);
      if (cut) ip.protocol = NextHeader.fragment;
      at += writeIpv6(slab, at, ip);
      ip.protocol = protocol;
      if (cut) at += writeFragmentHeader(slab, at, ip);
    }
    ip.payloadLength = payloadLength;
    slab.bytes.set(this.scratch.bytes.subarray(offset, offset + length), at);
    p.headBytes = at - start + length;
    device.transmit(now);
  }
}
