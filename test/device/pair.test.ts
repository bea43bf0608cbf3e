import { describe, expect, it } from 'vitest';
import { NEVER } from '../../src/base/time.js';
import { Gso, type RxPacket } from '../../src/device/device.js';
import { loopback, pair } from '../../src/device/pair.js';
import { Drop } from '../../src/wire/drop.js';
import { buildPacket, Notebook, pattern, send, withPartialChecksum } from './packets.js';

const packet = (n: number, size = 100): Uint8Array =>
  buildPacket({ version: 4, seq: n, payload: pattern(size, n) });

function wired(options = {}): {
  a: ReturnType<typeof pair>[0];
  b: ReturnType<typeof pair>[1];
  atA: Notebook;
  atB: Notebook;
} {
  const [a, b] = pair(options);
  const atA = new Notebook();
  const atB = new Notebook();
  a.attach(atA);
  b.attach(atB);
  return { a, b, atA, atB };
}

describe('pair', () => {
  it('delivers packets of the other end in order and as one batch, when deliver() is called', () => {
    const { a, b, atB } = wired();
    for (let n = 0; n < 5; n++) send(a, packet(n), 10, undefined, 40);
    a.flush(10);
    expect(atB.arrivals).toEqual([]);
    expect(b.nextTimeout()).toBe(0);
    expect(a.nextTimeout()).toBe(NEVER);
    b.onTimeout(20);
    expect(atB.arrivals.map((p) => p.bytes)).toEqual([0, 1, 2, 3, 4].map((n) => packet(n)));
    expect(atB.arrivals.every((p) => p.at === 20 && !p.checksumValid)).toBe(true);
    expect(atB.batches).toBe(1);
    expect(b.nextTimeout()).toBe(NEVER);
    expect(a.counters.txPackets).toBe(5);
    expect(b.counters.rxBytes).toBe(5 * 140);
  });

  it('delivers packets that are sent during a delivery with the next one', () => {
    const lo = loopback();
    const book = new Notebook();
    lo.attach(book);
    book.onPacket = () => send(lo, packet(book.arrivals.length));
    send(lo, packet(0));
    lo.deliver(1);
    expect(book.arrivals.length).toBe(1);
    lo.deliver(2);
    expect(book.arrivals.length).toBe(2);
    expect(lo.waiting).toBe(1);
  });

  it('with offload passes super-segments and partial checksums with their metadata', () => {
    const { a, b, atB } = wired({ offload: true });
    const whole = withPartialChecksum(buildPacket({ version: 6, payload: pattern(60_000) }));
    send(a, whole, 0, (tx) => {
      tx.checksumPartial = true;
      tx.checksumStart = 40;
      tx.checksumOffset = 16;
      tx.gsoType = Gso.tcp6;
      tx.gsoSize = 1440;
      tx.headerBytes = 60;
    });
    b.deliver(0);
    expect(atB.arrivals).toEqual([
      {
        at: 0,
        bytes: whole,
        checksumValid: true,
        checksumPartial: true,
        gsoType: Gso.tcp6,
        gsoSize: 1440,
      },
    ]);
  });

  it('throws for a packet that a real link would not carry', () => {
    const { a } = wired({ mtu: 576 });
    expect(() => send(a, packet(1, 537))).toThrow('a packet of 577 bytes, but the MTU is 576');
    expect(() => send(a, packet(1), 0, (tx) => (tx.checksumPartial = true))).toThrow(
      'does not complete it',
    );
    expect(() => send(a, packet(1), 0, (tx) => (tx.gsoType = Gso.tcp4))).toThrow(
      'does not cut this type',
    );
    const { a: c } = wired({ offload: true });
    const gso = (gsoSize: number): void =>
      send(c, packet(1, 3000), 0, (tx) => {
        tx.gsoType = Gso.tcp4;
        tx.gsoSize = gsoSize;
        tx.headerBytes = 40;
        tx.checksumPartial = true;
      });
    expect(() => gso(1461)).toThrow('segments of 40 + 1461 bytes, but the MTU is 1500');
    expect(() => gso(1460)).not.toThrow();
  });

  it('does not overwrite bytes that a receiver kept', () => {
    const { a, b, atB } = wired();
    const kept: { rx: RxPacket; bytes: Uint8Array }[] = [];
    atB.onPacket = (rx) => {
      if (kept.length < 3) {
        rx.keep = true;
        kept.push({ rx, bytes: rx.slab.bytes.subarray(rx.offset, rx.offset + rx.length) });
      }
    };
    for (let n = 0; n < 2000; n++) {
      send(a, packet(n, 1400));
      b.deliver(n);
    }
    expect(kept.map((k) => Uint8Array.from(k.bytes))).toEqual(
      [0, 1, 2].map((n) => packet(n, 1400)),
    );
  });

  it('reuses its memory when no receiver keeps it', () => {
    const { a, b, atB } = wired();
    const slabs = new Set<unknown>();
    atB.onPacket = (rx) => void slabs.add(rx.slab);
    for (let n = 0; n < 2000; n++) {
      send(a, packet(n, 1400));
      if (n % 50 === 0) b.deliver(n);
    }
    expect(slabs.size).toBeLessThanOrEqual(2);
  });

  it('drops packets that do not fit into the queue, and tells the sender', () => {
    const { a, b, atA, atB } = wired({ queueLimit: 3 });
    for (let n = 0; n < 5; n++) send(a, packet(n));
    b.deliver(0);
    expect(atB.arrivals.length).toBe(3);
    expect(atA.drops).toEqual([Drop.deviceQueueFull, Drop.deviceQueueFull]);
    expect(a.counters.txDropped).toBe(2);
  });

  it('a closed end receives nothing more', () => {
    const { a, b, atB } = wired();
    send(a, packet(0));
    b.close();
    b.close();
    send(a, packet(1));
    b.deliver(0);
    expect(atB.arrivals).toEqual([]);
    expect(a.counters.txDropped).toBe(1);
  });

  it('accepts one receiver only', () => {
    const { a } = wired();
    expect(() => a.attach(new Notebook())).toThrow('has a receiver already');
  });
});
