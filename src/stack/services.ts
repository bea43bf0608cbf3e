/**
 * What the parts of a host (TCP, UDP, ICMP) need of the stack that they are parts of. The stack
 * makes it once and hands the same object to each.
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
  /** The stack's settings, among them those of IP. A listener or a connection may have its own. */
  readonly config: TcpConfig;
  readonly random: Random;
  /** Null when nobody watches. */
  readonly observer: StackObserver | null;

  // ---- IP ---------------------------------------------------------------------------------------

  /** The addresses of this host. */
  readonly addresses: LocalAddresses;
  /** What is known of the MTUs of paths. */
  readonly paths: PathMtus;
  /** The device by which packets to `remote` leave; null when there is no route. */
  route(remote: Address): Device | null;
  /** The device for an answer to a packet from `remote`: the one that the packet came from. */
  routeBack(remote: AddressWords): Device;
  /**
   * Offers a packet for which this stack has no connection to another stack with the same addresses
   * (neighbours.ts). True when that one takes it, and there is nothing to answer here.
   */
  passToNeighbour(packet: Arrival): boolean;

  // ---- The stack's books and turns --------------------------------------------------------------

  /** A packet is dropped. `detail` is for observers, or ''. */
  countDrop(reason: DropReason, detail: string, now: Micros): void;
  /** The same for a segment that reached its connection, which tells observers itself. */
  countSegmentDrop(this: void, reason: DropReason): void;
  /** Something waits to be sent or told: `Stack.run` is due. */
  wake(): void;
  /** Something that the user ought to know, in a sentence. */
  warn(text: string): void;
}
