/**
 * A wrapper around a device forwards everything that it does not change, both ways, including
 * members that `Device` may get later.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Capture } from '../../src/device/capture.js';
import {
  type Device,
  NO_OFFLOAD,
  type Receiver,
  RxPacket,
  TX_ROOM,
  TxPacket,
} from '../../src/device/device.js';
import { Link } from '../../src/device/link/link.js';
import { DeviceWrapper, ReceiverWrapper } from '../../src/device/wrapper.js';
import { Slab } from '../../src/base/slab.js';

/** Records the calls. */
class Innermost implements Required<Device> {
  readonly name = 'inner';
  readonly mtu = 1234;
  readonly offload = NO_OFFLOAD;
  readonly counters = { rxPackets: 1, rxBytes: 2, txPackets: 3, txBytes: 4, txDropped: 5 };
  readonly calls: string[] = [];
  receiver: Receiver | null = null;
  private readonly tx = new TxPacket();

  constructor() {
    this.tx.slab = new Slab(TX_ROOM);
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver;
  }
  packet(): TxPacket {
    this.calls.push('packet');
    return this.tx;
  }
  transmit(now: number): void {
    this.calls.push(`transmit ${now}`);
  }
  flush(now: number): void {
    this.calls.push(`flush ${now}`);
  }
  nextTimeout(): number {
    return 77;
  }
  onTimeout(now: number): void {
    this.calls.push(`onTimeout ${now}`);
  }
  poll(): void {
    this.calls.push('poll');
  }
  unref(): void {
    this.calls.push('unref');
  }
  close(): void {
    this.calls.push('close');
  }
}

/** The effect on each member. A new member of `Device` does not compile until it is listed here. */
const EACH: Record<keyof Device, (device: Required<Device>, inner: Innermost) => void> = {
  name: (device) => expect(device.name).toBe('inner'),
  mtu: (device) => expect(device.mtu).toBe(1234),
  offload: (device) => expect(device.offload).toBe(NO_OFFLOAD),
  counters: (device, inner) => expect(device.counters).toBe(inner.counters),
  attach: (device, inner) => {
    device.attach(receiver([]));
    expect(inner.receiver).not.toBeNull();
  },
  packet: (device, inner) =>
    expect([device.packet(), inner.calls]).toEqual([inner.packet(), ['packet', 'packet']]),
  transmit: (device, inner) => {
    device.packet();
    device.transmit(5);
    expect(inner.calls).toEqual(['packet', 'transmit 5']);
  },
  flush: (device, inner) => called(inner, 'flush 6', () => device.flush(6)),
  nextTimeout: (device) => expect(device.nextTimeout()).toBe(77),
  onTimeout: (device, inner) => called(inner, 'onTimeout 99', () => device.onTimeout(99)),
  poll: (device, inner) => called(inner, 'poll', () => device.poll()),
  unref: (device, inner) => called(inner, 'unref', () => device.unref()),
  close: (device, inner) => called(inner, 'close', () => device.close()),
};

const ARRIVES: Record<keyof Receiver, (receiver: Required<Receiver>) => void> = {
  packet: (receiver) => receiver.packet(packetIn(), 1),
  turnBegins: (receiver) => receiver.turnBegins(),
  batchEnd: (receiver) => receiver.batchEnd(2),
  deviceError: (receiver) => receiver.deviceError(new Error('gone'), true, 5),
  deviceDrop: (receiver) => receiver.deviceDrop(3, 4, 6),
  packetsWait: (receiver) => receiver.packetsWait(),
};

function called(inner: Innermost, call: string, doIt: () => void): void {
  doIt();
  expect(inner.calls).toEqual([call]);
}

function packetIn(): RxPacket {
  const rx = new RxPacket();
  rx.slab = new Slab(20);
  rx.length = 20;
  return rx;
}

/** Records each call and its arguments in `heard`; packets by their length. */
function receiver(heard: unknown[][]): Required<Receiver> {
  return {
    packet: (rx, now) => void heard.push(['packet', rx.length, now]),
    turnBegins: () => void heard.push(['turnBegins']),
    batchEnd: (now) => void heard.push(['batchEnd', now]),
    deviceError: (error, fatal, now) => void heard.push(['deviceError', error.message, fatal, now]),
    deviceDrop: (reason, count, now) => void heard.push(['deviceDrop', reason, count, now]),
    packetsWait: () => void heard.push(['packetsWait']),
  };
}

const tap = { packet: () => undefined, batchEnd: () => undefined };
const WRAPPERS: readonly (readonly [string, (inner: Device) => DeviceWrapper])[] = [
  ['DeviceWrapper', (inner) => new DeviceWrapper(inner)],
  ['Capture', (inner) => new Capture(inner, tap)],
  ['an idle wrapper', (inner) => Link.idle(inner)],
  ['Link', (inner) => new Link(inner)],
  ['Link around Capture', (inner) => new Link(new Capture(inner, tap))],
];
/** A link lends its own packet, and does all offloads itself. */
const CHANGED_BY_LINK = ['packet', 'transmit', 'offload'];

describe.each(WRAPPERS)('%s', (name, wrap) => {
  const members = Object.entries(EACH).filter(
    ([member]) => !name.includes('Link') || !CHANGED_BY_LINK.includes(member),
  );

  it.each(members)('forwards %s', (_member, check) => {
    const inner = new Innermost();
    check(wrap(inner), inner);
  });

  it.each(Object.entries(ARRIVES))('forwards %s to its receiver', (_call, arrives) => {
    const direct: unknown[][] = [];
    const wrapped: unknown[][] = [];
    arrives(receiver(direct));
    const inner = new Innermost();
    wrap(inner).attach(receiver(wrapped));
    arrives(inner.receiver as Required<Receiver>);
    expect(direct.length).toBe(1);
    expect(wrapped).toEqual(direct);
  });

  it('accepts a device and a receiver without the optional methods', () => {
    const inner: Device = Object.assign(new Innermost(), { poll: undefined, unref: undefined });
    const device = wrap(inner);
    const { turnBegins: _1, packetsWait: _2, ...bare } = receiver([]);
    device.attach(bare);
    device.poll();
    device.unref();
    const arrives = (inner as Innermost).receiver!;
    expect(() => {
      arrives.turnBegins?.();
      arrives.packetsWait?.();
    }).not.toThrow();
  });
});

describe('a new method of Device', () => {
  interface NewerDevice extends Device {
    pause?(reason: string): void;
  }
  interface NewerReceiver extends Receiver {
    paused?(): void;
  }
  class Newer extends Innermost implements NewerDevice {
    pause(reason: string): void {
      this.calls.push(`pause ${reason}`);
    }
  }
  const base = DeviceWrapper.prototype as unknown as {
    pause?: (this: { inner: NewerDevice }, reason: string) => void;
  };
  afterEach(() => delete base.pause);

  it('does not compile until the base class forwards it', () => {
    // @ts-expect-error: `pause` is missing in DeviceWrapper, although it is optional in the
    // interface
    const device: Required<NewerDevice> = new DeviceWrapper(new Newer());
    // @ts-expect-error: `paused` is missing in ReceiverWrapper, for the same reason
    const other: Required<NewerReceiver> = new ReceiverWrapper(receiver([]));
    expect([device, other]).toHaveLength(2);
  });

  it.each(WRAPPERS)('is forwarded by %s once the base class does', (_name, wrap) => {
    base.pause = function (reason) {
      this.inner.pause?.(reason);
    };
    const inner = new Newer();
    (wrap(inner) as NewerDevice).pause?.('now');
    expect(inner.calls).toEqual(['pause now']);
  });
});
