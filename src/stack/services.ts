/**
 * What the parts of a host (TCP, UDP, ICMP) need from their stack. The stack makes one such object
 * and passes it to each.
 */
import type { Random } from '../base/random.js';
import type { Micros } from '../base/time.js';
import type { Device } from '../device/device.js';
import type { Address } from '../ip/address.js';
import type { LocalAddresses } from '../ip/local-addresses.js';
import type { TcpConfig } from '../tcp/config.js';
import type { DropReason } from '../wire/drop.js';
import type { AddressWords } from '../wire/ip.js';
import type { Arrival } from './arrival.js';
import type { StackObserver } from './observer.js';
import type { PathMtus } from './path-mtus.js';

export interface StackServices {
  /** The stack's settings, including IP's. A listener or a connection may have its own. */
  readonly config: TcpConfig;
  readonly random: Random;
  /** Null without an observer. `Stack.observer` sets it. */
  observer: StackObserver | null;

  // ---- IP ---------------------------------------------------------------------------------------

  /** The addresses of this host. */
  readonly addresses: LocalAddresses;
  /** The known path MTUs. */
  readonly paths: PathMtus;
  /** The device for packets to `remote`; null if there is no route. */
  route(remote: Address): Device | null;
  /** The device for a reply to a packet from `remote`: the device that the packet came from. */
  routeBack(remote: AddressWords): Device;
  /**
   * Offers a packet without a matching connection to another stack with the same addresses
   * (neighbours.ts). Returns true if that stack takes it, so that this one does not reply.
   */
  passToNeighbour(packet: Arrival): boolean;

  // ---- Counters and turns -----------------------------------------------------------------------

  /** Counts a dropped packet and reports it to the observer. `detail`: more about it, or ''. */
  packetDropped(reason: DropReason, detail: string, now: Micros): void;
  /**
   * Only counts a dropped packet: for segments, which the observer gets themselves, with what was
   * done with them (`segmentDropped`, `strayArrived`).
   */
  countDrop(this: void, reason: DropReason): void;
  /** Requests a call of `Stack.run`, because there is something to send or to report. */
  wake(): void;
  /** Reports something that the user should know, in a sentence. */
  warn(text: string): void;
}
