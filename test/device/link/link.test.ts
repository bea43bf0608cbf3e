import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { Gso } from '../../../src/device/device.js';
import { Link } from '../../../src/device/link/link.js';
import { parseLink, perfectLink } from '../../../src/device/link/link-options.js';
import { pair } from '../../../src/device/pair.js';
import { Drop, DROP_NAMES } from '../../../src/wire/drop.js';
import { TcpFlag } from '../../../src/wire/tcp.js';
import { VirtualTime } from '../../sim/virtual.js';
import { buildPacket, faultOf, Notebook, pattern, send, withPartialChecksum } from '../packets.js';

const packet = (n: number, size = 100): Uint8Array =>
  buildPacket({ version: 4, seq: n, payload: pattern(size, n) });
const numberOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getInt32(24);

/** `near` and `far` exchange packets through the link, which wraps `near`. */
function wired(description: string, options = {}) {
  const [a, b] = pair(options);
  const log: string[] = [];
  const link = new Link(a, parseLink(description), {
    linkDropped: (direction, reason, detail, slab, offset, length, now) =>
      log.push(
        `${direction} ${DROP_NAMES[reason]!} ${detail} ` +
          `${numberOf(slab.bytes.slice(offset, offset + length))} @${now}`,
      ),
    linkAltered: (direction, what, slab, offset, length, now) =>
      log.push(
        `${direction} ${what} ${numberOf(slab.bytes.slice(offset, offset + length))} @${now}`,
      ),
  });
  const near = new Notebook();
  const far = new Notebook();
  link.attach(near);
  b.attach(far);
  return {
    link,
    far: b,
    atNear: near,
    atFar: far,
    log,
    time: new VirtualTime(SECOND).add(link, b),
  };
}

describe('Link', () => {
  it('without faults passes all packets at once, in both directions', () => {
    const { link, far, atNear, atFar, time } = wired('');
    send(link, packet(1), time.now);
    send(far, packet(2), time.now);
    time.runToQuiescence();
    expect(atFar.arrivals.map((p) => p.bytes)).toEqual([packet(1)]);
    expect(atNear.arrivals.map((p) => p.bytes)).toEqual([packet(2)]);
    expect(atNear.batches).toBe(1);
    expect(time.now).toBe(SECOND);
  });

  it('splits super-segments and completes checksums, both ways, independent of the device below', () => {
    const payload = pattern(5000);
    const whole = withPartialChecksum(
      buildPacket({ version: 6, payload, flags: TcpFlag.ACK | TcpFlag.PSH }),
    );
    const asOffload = (tx: Parameters<NonNullable<Parameters<typeof send>[3]>>[0]): void => {
      tx.checksumPartial = true;
      tx.checksumStart = 40;
      tx.checksumOffset = 16;
      tx.gsoType = Gso.tcp6;
      tx.gsoSize = 1400;
      tx.headerBytes = 60;
    };
    for (const offload of [false, true]) {
      const { link, far, atNear, atFar, time } = wired('', { offload });
      send(link, whole, 0, asOffload, 60);
      if (offload) send(far, whole, 0, asOffload, 60);
      time.runToQuiescence();
      const wanted = [1460, 1460, 1460, 860].map((n) => [n, '', 0, false]);
      const seen = (book: Notebook): unknown =>
        book.arrivals.map((p) => [p.bytes.length, faultOf(p.bytes), p.gsoType, p.checksumPartial]);
      expect(seen(atFar)).toEqual(wanted);
      expect(seen(atNear)).toEqual(offload ? wanted : []);
    }
  });

  it('has the same effect on the same packets with the same seed, and another with another seed', () => {
    const run = (seed: number): string => {
      const all = wired(
        `loss 10% duplicate 10% corrupt 10% reorder 10% delay 20ms 5ms rate 50mbit seed ${seed}`,
      );
      for (let n = 0; n < 300; n++) {
        send(all.link, packet(n), all.time.now);
        send(all.far, packet(n), all.time.now);
        all.time.pass(100);
      }
      all.time.runToQuiescence();
      const arrivals = (book: Notebook): string[] =>
        book.arrivals.map((p) => `${p.at} ${Buffer.from(p.bytes).toString('hex')}`);
      return JSON.stringify([all.log, arrivals(all.atNear), arrivals(all.atFar)]);
    };
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });

  it('loses, duplicates, reorders and corrupts the configured share', () => {
    const { link, atFar, time, log } = wired('loss 20% duplicate 10% corrupt 5% reorder 15%');
    const sent = 20_000;
    for (let n = 0; n < sent; n++) {
      send(link, packet(n, 20), time.now);
      time.pass(50);
    }
    time.runToQuiescence();
    const { out } = link;
    // Four standard deviations of a binomial distribution of this size.
    const near = (count: number, of: number, share: number): void =>
      expect(Math.abs(count - of * share)).toBeLessThan(4 * Math.sqrt(of * share * (1 - share)));
    near(out.counters.lost, sent, 0.2);
    near(out.counters.duplicated, sent - out.counters.lost, 0.1);
    near(out.counters.corrupted, out.counters.delivered, 0.05);
    near(out.counters.reordered, out.counters.delivered, 0.15);
    expect(atFar.arrivals.length).toBe(sent - out.counters.lost + out.counters.duplicated);
    const broken = atFar.arrivals.filter(
      (p) => faultOf(p.bytes) !== '' || p.bytes[0] !== 0x45,
    ).length;
    // One flipped bit is always detected, because the checksums cover these packets except for the
    // version.
    expect(broken).toBe(out.counters.corrupted);
    const late = atFar.arrivals.filter(
      (p, i, all) => i > 0 && numberOf(p.bytes) < numberOf(all[i - 1]!.bytes),
    ).length;
    expect(late).toBeGreaterThan(sent / 20);
    expect(log.length).toBe(
      out.counters.lost + out.counters.duplicated + out.counters.corrupted + out.counters.reordered,
    );
  });

  it('corrupts exactly one bit', () => {
    const { link, atFar, time } = wired('corrupt 100%');
    for (let n = 0; n < 50; n++) send(link, packet(n, 1), time.now);
    time.runToQuiescence();
    atFar.arrivals.forEach(({ bytes }, n) => {
      const before = packet(n, 1);
      const bits = bytes.reduce(
        (sum, byte, i) => sum + (byte ^ before[i]!).toString(2).replaceAll('0', '').length,
        0,
      );
      expect(bits).toBe(1);
    });
  });

  it('delays by exactly the delay, in order', () => {
    const { link, atFar, time } = wired('out delay 50ms');
    for (let n = 0; n < 10; n++) {
      send(link, packet(n), time.now);
      time.pass(3 * MILLISECOND);
    }
    time.runToQuiescence();
    expect(atFar.arrivals.map((p) => [p.at, numberOf(p.bytes)])).toEqual(
      Array.from({ length: 10 }, (_, n) => [SECOND + (50 + 3 * n) * MILLISECOND, n]),
    );
  });

  it('delivers packets that are due at the same time in order and as one batch', () => {
    const { far, atNear, time } = wired('in delay 50ms');
    for (let n = 0; n < 40; n++) send(far, packet(n), time.now);
    time.runToQuiescence();
    expect(atNear.arrivals.map((p) => numberOf(p.bytes))).toEqual(
      Array.from({ length: 40 }, (_, n) => n),
    );
    // One empty batch when they entered the link, and one when they left it.
    expect(atNear.batches).toBe(2);
  });

  it('uses independent random numbers for each direction', () => {
    const { link, far, atNear, atFar, time } = wired('loss 50%');
    for (let n = 0; n < 64; n++) {
      send(link, packet(n), time.now);
      send(far, packet(n), time.now);
    }
    time.runToQuiescence();
    const survivors = (book: Notebook): number[] => book.arrivals.map((p) => numberOf(p.bytes));
    expect(survivors(atNear)).not.toEqual(survivors(atFar));
  });

  it('spreads jitter evenly around the delay', () => {
    const { link, atFar, time } = wired('out delay 50ms 10ms');
    const sentAt: number[] = [];
    for (let n = 0; n < 2000; n++) {
      sentAt.push(time.now);
      send(link, packet(n, 4), time.now);
      time.pass(MILLISECOND);
    }
    time.runToQuiescence();
    const waits = atFar.arrivals
      .map((p) => p.at - sentAt[numberOf(p.bytes)]!)
      .sort((x, y) => x - y);
    expect(waits[0]).toBeGreaterThanOrEqual(40 * MILLISECOND);
    expect(waits[0]).toBeLessThan(41 * MILLISECOND);
    expect(waits.at(-1)).toBeLessThanOrEqual(60 * MILLISECOND);
    expect(waits.at(-1)).toBeGreaterThan(59 * MILLISECOND);
    expect(Math.abs(waits[1000]! - 50 * MILLISECOND)).toBeLessThan(MILLISECOND);
  });

  it('reorders a packet by skipping its delay, or without a delay by holding it back', () => {
    const skipping = wired('delay 50ms');
    send(skipping.link, packet(1), skipping.time.now);
    skipping.link.out.impairments.reorder = 1;
    send(skipping.link, packet(2), skipping.time.now);
    skipping.time.runToQuiescence();
    expect(skipping.atFar.arrivals.map((p) => numberOf(p.bytes))).toEqual([2, 1]);
    const holding = wired('reorder 100%');
    send(holding.link, packet(1), holding.time.now);
    holding.link.out.impairments.reorder = 0;
    send(holding.link, packet(2), holding.time.now);
    holding.time.runToQuiescence();
    const arrived = holding.atFar.arrivals.map((p) => [numberOf(p.bytes), p.at - SECOND]);
    expect(arrived).toEqual([
      [2, 0],
      [1, MILLISECOND],
    ]);
  });

  it('serializes packets at the rate, then delays them', () => {
    const { link, atFar, time } = wired('out rate 8mbit delay 10ms');
    // 1000-byte packets take 1 ms each.
    for (let n = 0; n < 5; n++) send(link, packet(n, 960), time.now);
    time.pass(100 * MILLISECOND);
    send(link, packet(5, 960), time.now);
    time.runToQuiescence();
    expect(atFar.arrivals.map((p) => (p.at - SECOND) / MILLISECOND)).toEqual([
      11, 12, 13, 14, 15, 111,
    ]);
  });

  it("drops packets that exceed the queue's limit in packets or bytes", () => {
    const byPackets = wired('out rate 8mbit limit 3');
    for (let n = 0; n < 5; n++) send(byPackets.link, packet(n, 960), byPackets.time.now);
    byPackets.time.pass(1500);
    send(byPackets.link, packet(5, 960), byPackets.time.now);
    byPackets.time.runToQuiescence();
    expect(byPackets.atFar.arrivals.map((p) => numberOf(p.bytes))).toEqual([0, 1, 2, 5]);
    expect(byPackets.atNear.drops).toEqual([Drop.linkQueueFull, Drop.linkQueueFull]);
    const byBytes = wired('out rate 8mbit limit 2kb');
    for (const size of [960, 960, 960, 8]) send(byBytes.link, packet(size, size), byBytes.time.now);
    byBytes.time.pass(10 * MILLISECOND); // the queue is empty again
    for (const size of [960, 960, 960]) send(byBytes.link, packet(size, size), byBytes.time.now);
    byBytes.time.runToQuiescence();
    expect(byBytes.atFar.arrivals.map((p) => p.bytes.length)).toEqual([1000, 1000, 48, 1000, 1000]);
  });

  it('drops by rule, and names the rule', () => {
    const { link, far, atFar, atNear, log, time } = wired('drop syn-ack:2 drop in:data:2-3');
    const synAck = (n: number): Uint8Array =>
      buildPacket({ version: 6, seq: n, flags: TcpFlag.SYN | TcpFlag.ACK });
    for (let n = 0; n < 4; n++) {
      send(link, synAck(n), time.now);
      send(link, packet(n), time.now);
      send(far, packet(n), time.now);
    }
    time.runToQuiescence();
    expect(atFar.arrivals.map((p) => p.bytes.length)).toEqual([140, 140, 60, 140, 60, 140]);
    expect(atNear.arrivals.map((p) => numberOf(p.bytes))).toEqual([0, 3]);
    expect(log.filter((line) => line.includes('in linkRule'))).toEqual([
      `in linkRule in:data:2-3 1 @${SECOND}`,
      `in linkRule in:data:2-3 2 @${SECOND}`,
    ]);
    expect(atNear.drops.filter((reason) => reason === Drop.linkRule).length).toBe(4);
    expect(link.rules.map((rule) => rule.dropped)).toEqual([2, 2]);
  });

  it('gives arrived packets memory of their own, so kept bytes stay unchanged', () => {
    const { far, atNear, time } = wired('in delay 1ms');
    const kept: Uint8Array[] = [];
    atNear.onPacket = (rx) => {
      rx.keep = true;
      kept.push(rx.slab.bytes.subarray(rx.offset, rx.offset + rx.length));
    };
    for (let n = 0; n < 500; n++) {
      send(far, packet(n, 1400), time.now);
      time.pass(100);
    }
    time.runToQuiescence();
    expect(kept.length).toBe(500);
    expect(kept.findIndex((bytes, n) => Buffer.compare(bytes, packet(n, 1400)) !== 0)).toBe(-1);
  });

  it('drops packets in flight when it is closed', () => {
    const { link, atFar, time } = wired('delay 1s');
    send(link, packet(1), time.now);
    expect(link.out.held).toBe(1);
    link.close();
    expect(link.out.held).toBe(0);
    time.runToQuiescence();
    expect(atFar.arrivals).toEqual([]);
  });
});

describe('an idle link', () => {
  const idle = () => {
    const [a, b] = pair();
    const link = Link.idle(a);
    const near = new Notebook();
    const far = new Notebook();
    link.attach(near);
    b.attach(far);
    const time = new VirtualTime(SECOND).add(link, b);
    const change = (words: string): void =>
      link.change(parseLink(words, link.options), time.now, true);
    return { link, inner: a, far: b, atNear: near, atFar: far, time, change };
  };

  it("lends the device's own packets, and offers what the device offers", () => {
    const { link, inner, change } = idle();
    expect(link.packet()).toBe(inner.packet());
    expect(link.offload).toBe(inner.offload);
    change('loss 1%');
    expect(link.packet()).not.toBe(inner.packet());
    expect(link.offload).toBe(inner.offload);
    link.change(perfectLink(), 0, true);
    expect(link.packet()).toBe(inner.packet());
  });

  it('applies new faults at once, in both directions', () => {
    const { link, far, atNear, atFar, time, change } = idle();
    change('in drop any:1');
    send(link, packet(1), time.now);
    send(far, packet(2), time.now);
    send(far, packet(3), time.now);
    time.runToQuiescence();
    expect(atFar.arrivals.map((p) => p.bytes)).toEqual([packet(1)]);
    expect(atNear.arrivals.map((p) => p.bytes)).toEqual([packet(3)]);
    expect(link.in.counters).toMatchObject({ packets: 2, ruled: 1, delivered: 1 });
  });

  it('delivers packets in flight when the faults are cleared, in their order', () => {
    const { link, atFar, time, change } = idle();
    change('out delay 10s');
    send(link, packet(1), time.now);
    change('out delay 5s');
    send(link, packet(2), time.now);
    link.change(perfectLink(), time.now, true);
    time.runToQuiescence();
    expect(time.now).toBeLessThan(2 * SECOND);
    expect(atFar.arrivals.map((p) => p.bytes)).toEqual([packet(2), packet(1)]);
  });

  it('forgets the old rate', () => {
    const { link, atFar, time, change } = idle();
    change('out rate 1kbit');
    for (let i = 1; i <= 3; i++) send(link, packet(i), time.now);
    change('out rate 1gbit');
    send(link, packet(4), time.now);
    time.pass(SECOND / 100);
    expect(atFar.arrivals.map((p) => p.bytes)).toEqual([packet(4)]);
  });

  it('repeats the random numbers of a seed', () => {
    const { link, far, atNear, time, change } = idle();
    const round = (): number[] => {
      change('in loss 50% seed 7');
      const before = atNear.arrivals.length;
      for (let i = 0; i < 20; i++) send(far, packet(i), time.now);
      time.runToQuiescence();
      return atNear.arrivals.slice(before).map((p) => numberOf(p.bytes));
    };
    const first = round();
    expect(round()).toEqual(first);
    expect(link.options.seed).toBe(7);
  });
});
