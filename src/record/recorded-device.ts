/**
 * The device of a recorded stack. It writes the headers of each packet that goes out. What the
 * device calls meanwhile, such as a dropped packet, is a nested input.
 */
import type { Micros } from '../base/time.js';
import type { Device, TxPacket } from '../device/device.js';
import { DeviceWrapper } from '../device/wrapper.js';
import type { Log } from './log.js';
import { writeHeaders } from './packets.js';
import { Op } from './records.js';

export class RecordedDevice extends DeviceWrapper {
  private readonly log: Log;
  private lent: TxPacket | null = null;
  private lastMtu: number;

  constructor(inner: Device, log: Log) {
    super(inner);
    this.log = log;
    this.lastMtu = inner.mtu;
  }

  /** Recorded where it has changed. */
  override get mtu(): number {
    const { mtu } = this.inner;
    if (mtu !== this.lastMtu && !this.log.isOutside) {
      this.lastMtu = mtu;
      this.log.op(Op.mtu);
      this.log.number(mtu);
    }
    return mtu;
  }

  override packet(): TxPacket {
    const { log } = this;
    log.leave();
    try {
      this.lent = this.inner.packet();
    } finally {
      log.enter();
    }
    return this.lent;
  }

  override transmit(now: Micros): void {
    const { log } = this;
    log.op(Op.sent);
    writeHeaders(log, this.lent!);
    log.leave();
    try {
      this.inner.transmit(now);
    } finally {
      log.enter();
    }
  }

  override flush(now: Micros): void {
    const { log } = this;
    log.leave();
    try {
      this.inner.flush(now);
    } finally {
      log.enter();
    }
  }

  override onTimeout(now: Micros): void {
    const { log } = this;
    log.op(Op.deviceTimeout);
    log.leave();
    try {
      this.inner.onTimeout(now);
    } finally {
      log.enter();
    }
  }
}
