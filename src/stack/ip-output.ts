/** What ICMP and UDP need to send: the route, the scratch, the drops. One for each stack. */
import { MtuDiscover } from '../base/mtu-discover.js';
import type { Random } from '../base/random.js';
import type { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import type { Device } from '../device/device.js';
import type { Address } from '../ip/address.js';
import type { LocalAddresses } from '../ip/local-addresses.js';
import { Drop, type DropReason } from '../wire/drop.js';
import type { IpHeader } from '../wire/ip.js';
import { DatagramEgress } from './datagram-egress.js';
import type { StackObserver } from './observer.js';
import type { PathMtus } from './path-mtus.js';

export interface IpOutputOptions {
  readonly addresses: LocalAddresses;
  readonly random: Random;
  readonly observer: StackObserver | null;
  readonly paths: PathMtus;
  route(remote: Address): Device | null;
  countDrop(reason: DropReason, detail: string): void;
  wake(): void;
}

export class IpOutput {
  readonly addresses: LocalAddresses;
  readonly random: Random;
  readonly observer: StackObserver | null;
  readonly paths: PathMtus;
  /** The time of the last packet, call or timer. */
  now: Micros = 0;
  private readonly egress: DatagramEgress;
  private readonly o: IpOutputOptions;

  constructor(o: IpOutputOptions) {
    this.o = o;
    this.addresses = o.addresses;
    this.random = o.random;
    this.observer = o.observer;
    this.paths = o.paths;
    this.egress = new DatagramEgress(o.random.int32());
  }

  /** Where the payload of the next `send` is written, from 0 on. */
  get scratch(): Slab {
    return this.egress.scratch;
  }

  countDrop(reason: DropReason, detail: string): void {
    this.o.countDrop(reason, detail);
  }

  /** The largest packet for `to`. */
  mtuTo(to: Address, discover: MtuDiscover): number {
    const device = this.o.route(to);
    if (device === null) return 0;
    return discover === MtuDiscover.probe ? device.mtu : this.paths.to(to, device.mtu, this.now);
  }

  /** Sends the scratch's payload, in fragments where `discover` lets it; false, and counted, when it cannot be. ICMP's own messages may be cut (as in Linux). */
  send(ip: IpHeader, to: Address, discover: MtuDiscover = MtuDiscover.dont): boolean {
    const device = this.o.route(to);
    const df = this.paths.dontFragment(to, discover, this.now);
    const reason =
      device === null ? Drop.noRoute : this.egress.send(device, ip, this.mtuTo(to, discover), df, discover, this.now);
    if (reason !== Drop.none) this.o.countDrop(reason, to.toString());
    else this.o.wake();
    return reason === Drop.none;
  }
}
