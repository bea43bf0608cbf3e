/**
 * The base class of devices around a device: it forwards everything in both directions. A wrapper
 * overrides what it changes.
 *
 *     stack ──▶ DeviceWrapper ──▶ inner device        inner device ──▶ ReceiverWrapper ──▶ stack
 *
 * `Required` makes the compiler ask for each method of `Device` and `Receiver` here, the optional
 * ones included. So a new one is forwarded by every wrapper as soon as this file compiles.
 */
import type { Micros } from '../base/time.js';
import type {
  Device,
  DeviceCounters,
  DeviceError,
  Offload,
  Receiver,
  RxPacket,
  TxPacket,
} from './device.js';

export class DeviceWrapper implements Required<Device> {
  protected readonly inner: Device;

  constructor(inner: Device) {
    this.inner = inner;
  }

  get name(): string {
    return this.inner.name;
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get offload(): Offload {
    return this.inner.offload;
  }

  get counters(): DeviceCounters {
    return this.inner.counters;
  }

  attach(receiver: Receiver): void {
    this.inner.attach(this.receiverFor(receiver));
  }

  /**
   * The receiver for the inner device, which passes packets on to `receiver`. A wrapper that
   * changes incoming packets returns a ReceiverWrapper.
   */
  protected receiverFor(receiver: Receiver): Receiver {
    return receiver;
  }

  packet(): TxPacket {
    return this.inner.packet();
  }

  transmit(now: Micros): void {
    this.inner.transmit(now);
  }

  flush(now: Micros): void {
    this.inner.flush(now);
  }

  nextTimeout(): Micros {
    return this.inner.nextTimeout();
  }

  onTimeout(now: Micros): void {
    this.inner.onTimeout(now);
  }

  poll(): void {
    this.inner.poll?.();
  }

  unref(): void {
    this.inner.unref?.();
  }

  close(): void {
    this.inner.close();
  }
}

/** The base class for the other direction: forwards a device's calls to its receiver. */
export class ReceiverWrapper implements Required<Receiver> {
  protected readonly outer: Receiver;

  constructor(outer: Receiver) {
    this.outer = outer;
  }

  packet(rx: RxPacket, now: Micros): void {
    this.outer.packet(rx, now);
  }

  turnBegins(): void {
    this.outer.turnBegins?.();
  }

  batchEnd(now: Micros): void {
    this.outer.batchEnd(now);
  }

  deviceError(error: DeviceError, fatal: boolean, now: Micros): void {
    this.outer.deviceError(error, fatal, now);
  }

  deviceDrop(reason: number, count: number, now: Micros): void {
    this.outer.deviceDrop(reason, count, now);
  }

  packetsWait(): void {
    this.outer.packetsWait?.();
  }
}
