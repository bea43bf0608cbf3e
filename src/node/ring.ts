/**
 * The stacks of several worker threads, each a neighbour of the next. A stack without a matching
 * connection passes a packet on to the next one; the last one replies.
 *
 *     stack 0 ──▶ stack 1 ──▶ stack 2 ──▶ stack 0
 *
 * A flood of packets without a connection must not fill the memory with messages. Therefore the
 * number of packets that wait for a stack is limited; further packets are dropped and counted.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Slab } from '../base/slab.js';
import { RxPacket } from '../device/device.js';
import type { Neighbours } from '../stack/neighbours.js';
import { Drop } from '../wire/drop.js';
import type { Host } from './host.js';

/** One stack's place in the ring; can be sent to its thread, with `ports` in the transfer list. */
export interface RingPlace {
  readonly index: number;
  readonly count: number;
  readonly ports: { readonly previous: MessagePort; readonly next: MessagePort };
  /** The number of packets that wait for each stack; shared by all threads. */
  readonly waiting: Int32Array;
}

interface Passed {
  readonly bytes: Uint8Array;
  readonly trusted: boolean;
  readonly gsoSize: number;
  /** The number of stacks that the packet can still visit. */
  readonly left: number;
}

const MOST_WAITING = 256;

/** Places for `count` stacks, at least 2. */
export function makeRing(count: number): RingPlace[] {
  const channels = Array.from({ length: count }, () => new MessageChannel());
  const waiting = new Int32Array(new SharedArrayBuffer(4 * count));
  return channels.map(({ port1 }, index) => ({
    index,
    count,
    waiting,
    ports: { next: port1, previous: channels[(index + count - 1) % count]!.port2 },
  }));
}

export class RingNeighbours implements Neighbours {
  /** Packets passed on so far. */
  passed = 0;
  private readonly host: Host;
  private readonly place: RingPlace;
  private readonly rx = new RxPacket();
  /** The stacks that the current packet can still visit: at first every other one. */
  private left: number;

  /** Gives `host` its neighbours. They do not keep the process alive. */
  constructor(host: Host, place: RingPlace) {
    this.host = host;
    this.place = place;
    this.left = place.count - 1;
    host.stack.neighbours = this;
    place.ports.previous.on('message', (packet: Passed) => {
      this.arrives(packet);
    });
    place.ports.previous.unref();
  }

  offer(bytes: Uint8Array<ArrayBuffer>, trusted: boolean, gsoSize: number): boolean {
    const { index, count, waiting, ports } = this.place;
    if (this.left === 0) return false;
    const next = (index + 1) % count;
    if (Atomics.add(waiting, next, 1) >= MOST_WAITING) {
      Atomics.sub(waiting, next, 1);
      this.host.stack.deviceDrop(Drop.neighbourQueueFull, 1, this.host.clock());
      return true;
    }
    this.passed++;
    ports.next.postMessage({ bytes, trusted, gsoSize, left: this.left - 1 } satisfies Passed, [
      bytes.buffer,
    ]);
    return true;
  }

  private arrives(packet: Passed): void {
    const { rx, host } = this;
    Atomics.sub(this.place.waiting, this.place.index, 1);
    if (!host.isOpen) return;
    rx.slab = new Slab(packet.bytes);
    rx.offset = 0;
    rx.length = packet.bytes.length;
    rx.checksumValid = packet.trusted;
    rx.gsoSize = packet.gsoSize;
    rx.keep = false;
    this.left = packet.left;
    const now = host.clock();
    host.stack.packet(rx, now);
    this.left = this.place.count - 1;
    host.stack.batchEnd(now);
  }

  close(): void {
    this.place.ports.previous.close();
    this.place.ports.next.close();
  }
}
