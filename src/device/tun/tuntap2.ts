/**
 * The `tuntap2` package as a device (`--driver tuntap2`): an optional peer dependency, version 0.9.
 * Each `data` event and each `write` carries one packet, and there are no offloads. It is therefore
 * slow; it serves machines that have this package's addon installed and not ours.
 *
 * Its interface, as its documentation gives it: `new Tun()`; `name` (read only); `mtu`, `ipv4`,
 * `ipv6` (`address/prefix`) and `isUp`, get and set; a Duplex of packets; `release()`, then
 * `close`. The adapter is tested only against a stand-in with this interface, not against the
 * package itself.
 */
import type { EventEmitter } from 'node:events';
import { Slab } from '../../base/slab.js';
import { NEVER, type Micros } from '../../base/time.js';
import { Drop } from '../../wire/drop.js';
import {
  NO_OFFLOAD,
  RxPacket,
  TX_ROOM,
  TxPacket,
  type Device,
  type DeviceCounters,
  type Offload,
  type Receiver,
} from '../device.js';

/** The members of the package's `Tun` that the adapter uses. */
export interface Tuntap2Tun extends EventEmitter {
  readonly name: string;
  mtu: number;
  ipv4: string;
  ipv6: string;
  isUp: boolean;
  /** Written bytes that wait in the stream. */
  readonly writableLength: number;
  write(packet: Uint8Array): boolean;
  release(): void;
}

export interface Tuntap2Options {
  readonly clock: () => Micros;
  readonly mtu?: number;
  /** The kernel's addresses, IPv4 and IPv6: `198.18.0.1/24`. */
  readonly addresses: readonly string[];
  /** For tests: makes the object that replaces the package's. */
  readonly create?: () => Tuntap2Tun;
}

/** Loads the package and opens a device. Throws an Error that says how to install it. */
export async function openTuntap2(o: Tuntap2Options): Promise<Tuntap2Device> {
  const tun = o.create === undefined ? await load() : o.create();
  if (o.mtu !== undefined) tun.mtu = o.mtu;
  for (const address of o.addresses) {
    if (address.includes(':')) tun.ipv6 = address;
    else tun.ipv4 = address;
  }
  tun.isUp = true;
  return new Tuntap2Device(tun, o.clock);
}

async function load(): Promise<Tuntap2Tun> {
  // The name is in a variable so that this compiles without the package.
  const name = 'tuntap2';
  try {
    const module = (await import(name)) as {
      Tun?: new () => Tuntap2Tun;
      default?: { Tun?: new () => Tuntap2Tun };
    };
    const Tun = module.Tun ?? module.default?.Tun;
    if (Tun === undefined) throw new Error('it exports no Tun');
    return new Tun();
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Error(
      `the driver tuntap2 cannot be used (${why}): install the package with \`npm install ` +
        `tuntap2@0.9\`, or leave --driver out`,
      { cause: error },
    );
  }
}

/**
 * Most bytes that may wait in the stream, as in a full transmit queue of the native driver. Further
 * packets are dropped.
 */
const QUEUE_BYTES = 1 << 20;

export class Tuntap2Device implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload = NO_OFFLOAD;
  readonly counters: DeviceCounters = {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
  };
  private receiver: Receiver | null = null;
  private closed = false;
  private readonly tun: Tuntap2Tun;
  private readonly clock: () => Micros;
  private readonly rx = new RxPacket();
  private readonly tx = new TxPacket();

  constructor(tun: Tuntap2Tun, clock: () => Micros) {
    this.tun = tun;
    this.clock = clock;
    this.name = tun.name;
    this.mtu = tun.mtu;
    this.tx.slab = new Slab(TX_ROOM);
    tun.on('data', (packet: Uint8Array) => {
      this.received(packet);
    });
    tun.on('error', (error: NodeJS.ErrnoException) => {
      // A closed stream may still report writes that came too late.
      if (this.closed) return;
      this.close();
      this.receiver?.deviceError(error, true, this.clock());
    });
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver;
  }

  private received(packet: Uint8Array): void {
    const { receiver, rx } = this;
    if (receiver === null || this.closed) return;
    const now = this.clock();
    rx.slab = new Slab(packet);
    rx.offset = 0;
    rx.length = packet.length;
    this.counters.rxPackets++;
    this.counters.rxBytes += packet.length;
    receiver.packet(rx, now);
    receiver.batchEnd(now);
  }

  packet(): TxPacket {
    this.tx.clear();
    return this.tx;
  }

  /** Copies the packet, because the stream keeps it until it is written. */
  transmit(now: Micros): void {
    const { tx, counters } = this;
    if (this.closed || this.tun.writableLength + tx.length > QUEUE_BYTES) {
      counters.txDropped++;
      if (!this.closed) this.receiver?.deviceDrop(Drop.deviceQueueFull, 1, now);
      return;
    }
    const packet = new Uint8Array(tx.length);
    packet.set(tx.slab.bytes.subarray(tx.start, tx.start + tx.headBytes));
    let at = tx.headBytes;
    for (let i = 0; i < tx.pieceCount; i++) {
      const from = tx.pieceOffset[i]!;
      packet.set(tx.pieceSlab[i]!.bytes.subarray(from, from + tx.pieceBytes[i]!), at);
      at += tx.pieceBytes[i]!;
    }
    try {
      this.tun.write(packet);
      counters.txPackets++;
      counters.txBytes += packet.length;
    } catch {
      counters.txDropped++;
      this.receiver?.deviceDrop(Drop.deviceError, 1, now);
    }
  }

  flush(): void {
    // transmit writes each packet at once
  }

  nextTimeout(): Micros {
    return NEVER;
  }

  onTimeout(): void {
    // no deadlines
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.tun.release();
  }
}
