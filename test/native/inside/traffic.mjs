/** Packets through a device: every size, batches, gathered pieces, retained bytes, memory. */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import {
  Seen,
  Slab,
  address,
  clock,
  descriptors,
  echoRequest,
  kernelSocket,
  native,
  open,
  pattern,
  put,
  scenarios,
  send,
  udpPacket,
  until,
} from './kit.mjs';

/** @param {object} options @param {number} [mtu] */
function ready(options, mtu) {
  const device = open(options);
  const seen = new Seen();
  device.attach(seen);
  address('test0', mtu);
  return { device, seen };
}

/** Counts the calls of a function of the driver. @param {string} name */
function counted(name) {
  const lib = native();
  const real = lib[name];
  const calls = { count: 0 };
  lib[name] = (/** @type {unknown[]} */ ...args) => {
    calls.count++;
    return real(...args);
  };
  return calls;
}

/**
 * A packet with headers in the device's slab, and payload in pieces of a ring that are not copied.
 * @param {any} device @param {Buffer} packet @param {[any, number, number][]} pieces
 */
function putPieces(device, packet, pieces) {
  const tx = device.packet();
  tx.slab.bytes.set(packet, tx.start);
  tx.headBytes = packet.length;
  for (const [slab, offset, length] of pieces) tx.addPiece(slab, offset, length);
  device.transmit(clock());
}

await scenarios({
  async sizes(offload, mtu, ...list) {
    const { device, seen } = ready({ offload: offload === 'offload' }, Number(mtu));
    const kernel = await kernelSocket();
    const lengths = list.flatMap((item) => {
      const [from, to = from] = item.split('-').map(Number);
      return Array.from(
        { length: /** @type {number} */ (to) - /** @type {number} */ (from) + 1 },
        (_, i) => /** @type {number} */ (from) + i,
      );
    });
    const wrong = { in: /** @type {number[]} */ ([]), out: /** @type {number[]} */ ([]) };
    for (const length of lengths) {
      const payload = pattern(length, length);
      await kernel.send(payload);
      send(device, udpPacket(payload));
      await until(() => seen.packets.length > 0 && kernel.received.length > 0, `${length} bytes`);
      const packet = /** @type {Buffer} */ (seen.packets.shift());
      if (packet.length !== length + 28 || !packet.subarray(28).equals(payload))
        wrong.in.push(length);
      if (!kernel.received.shift()?.equals(payload)) wrong.out.push(length);
    }
    kernel.close();
    device.close();
    return {
      lengths: lengths.length,
      wrong,
      errors: seen.errors,
      left: [seen.packets.length, kernel.received.length],
    };
  },

  /** Larger than the MTU: the kernel still accepts them, because it is the receiver. */
  async largerThanMtu(offload) {
    const { device } = ready({ offload: offload === 'offload' }, 576);
    const kernel = await kernelSocket();
    const lengths = [548, 549, 1472, 1473, 9000, 65_507];
    for (const length of lengths) put(device, udpPacket(pattern(length, length)));
    device.flush(clock());
    await until(() => kernel.received.length === lengths.length, 'all');
    kernel.close();
    device.close();
    return lengths.map((length, i) => kernel.received[i]?.equals(pattern(length, length)));
  },

  async batches() {
    const { device, seen } = ready({});
    const writes = counted('queueWrite');
    const reads = counted('queueRead');
    const request = echoRequest(84);
    for (let i = 0; i < 100; i++) put(device, request);
    const early = writes.count;
    device.flush(clock());
    device.flush(clock());
    const hundred = writes.count;
    await until(() => seen.packets.length === 100, 'the answers');
    const answers = { reads: reads.count, batches: seen.batches };
    for (let i = 0; i < 1000; i++) put(device, request);
    device.flush(clock());
    await until(() => seen.packets.length === 1100, 'the answers');
    device.close();
    return { early, hundred, thousand: writes.count - hundred, answers, counters: device.counters };
  },

  /** Packets one at a time, then a burst: how many each read asks for, and which arrive. */
  async alone() {
    const { device, seen } = ready({});
    const kernel = await kernelSocket();
    const lib = native();
    const { queueRead } = lib;
    /** @type {number[]} */
    const asked = [];
    lib.queueRead = (/** @type {any[]} */ ...args) => {
      asked.push(args[4]);
      return queueRead(...args);
    };
    for (let i = 1; i <= 20; i++) {
      await kernel.send(pattern(10, i));
      await until(() => seen.packets.length === i, `packet ${i}`);
    }
    const oneByOne = asked.splice(0);
    await Promise.all(Array.from({ length: 30 }, (_, i) => kernel.send(pattern(10, i))));
    await until(() => seen.packets.length === 50, 'all of thirty');
    kernel.close();
    device.close();
    return { oneByOne, burst: asked, arrived: seen.packets.length };
  },

  async pieces(offload) {
    const { device } = ready({ offload: offload === 'offload' });
    const kernel = await kernelSocket();
    const writes = counted('queueWrite');
    const ring = new Slab(pattern(16_384, 11));
    const other = new Slab(pattern(16_384, 200));
    /** @type {[any, number, number][][]} */
    const shapes = [
      [[ring, 0, 1]],
      [[ring, 5, 2047]],
      [[ring, 5, 2048]],
      [
        [ring, 16_000, 384],
        [ring, 0, 100],
      ], // across the end of the ring, both short: copied
      [
        [ring, 12_000, 4384],
        [ring, 0, 3000],
      ], // across the end of the ring, both long: gathered
      [
        [ring, 16_380, 4],
        [ring, 0, 5000],
      ],
      [
        [ring, 11_384, 5000],
        [ring, 0, 4],
      ], // a short piece after a long one stays in order
      [
        [ring, 1, 3000],
        [other, 2, 10],
        [ring, 3, 3000],
        [other, 4, 4000],
      ],
      [
        [other, 0, 65_507 - 28 - 49_152 + 28],
        [ring, 0, 16_384],
        [other, 0, 16_384],
        [ring, 0, 16_384],
      ],
    ];
    const payloads = shapes.map((shape) =>
      Buffer.concat(shape.map(([s, o, n]) => s.bytes.subarray(o, o + n))),
    );
    shapes.forEach((shape, i) =>
      putPieces(device, udpPacket(/** @type {Buffer} */ (payloads[i])).subarray(0, 28), shape),
    );
    device.flush(clock());
    const count = writes.count;
    await until(() => kernel.received.length === shapes.length, 'all');
    kernel.close();
    device.close();
    return {
      count,
      equal: payloads.map((p, i) => kernel.received[i]?.equals(p)),
      bytes: device.counters.txBytes - payloads.reduce((n, p) => n + p.length + 28, 0),
    };
  },

  /** More buffers than one write can take. */
  async manyBuffers() {
    const { device } = ready({});
    const kernel = await kernelSocket();
    const writes = counted('queueWrite');
    const payloads = Array.from({ length: 120 }, (_, i) => pattern(6600, i));
    for (const p of payloads) {
      const parts = [0, 1, 2].map((i) => new Slab(p.subarray(2200 * i, 2200 * i + 2200)));
      putPieces(
        device,
        udpPacket(p).subarray(0, 28),
        parts.map((slab) => [slab, 0, 2200]),
      );
    }
    device.flush(clock());
    const count = writes.count;
    await until(() => kernel.received.length === payloads.length, 'all');
    kernel.close();
    device.close();
    return { count, equal: payloads.every((p, i) => kernel.received[i]?.equals(p)) };
  },

  async keep() {
    const { device, seen } = ready({});
    const request = echoRequest(1400);
    /** @type {{ slab: any, offset: number, length: number, copy: Buffer }[]} */
    const kept = [];
    const slabs = new Set();
    let count = 0;
    seen.packet = (/** @type {any} */ rx) => {
      if (rx.slab.bytes[rx.offset] >> 4 !== 4) return;
      slabs.add(rx.slab);
      const { slab, offset, length } = rx;
      if (count++ % 50 !== 7) return;
      rx.keep = true;
      kept.push({
        slab,
        offset,
        length,
        copy: Buffer.from(slab.bytes.subarray(offset, offset + length)),
      });
    };
    for (let sent = 0; sent < 10_000;) {
      for (let i = 0; i < 100; i++, sent++) {
        request.writeUInt32BE(sent, 28); // each request differs, and the kernel checks the sum
        request.writeUInt16BE(0xffff & ~sent, 32);
        request.writeUInt16BE(0xffff & ~(sent >>> 16), 34);
        put(device, request);
      }
      device.flush(clock());
      await until(() => count === sent, 'the answers');
    }
    device.close();
    const changed = kept.filter(
      (k) => !k.copy.equals(k.slab.bytes.subarray(k.offset, k.offset + k.length)),
    ).length;
    return {
      kept: kept.length,
      slabs: slabs.size,
      changed,
      distinct: new Set(kept.map((k) => k.copy.toString('latin1'))).size,
    };
  },

  async reuse() {
    const { device, seen } = ready({});
    const slabs = new Set();
    let count = 0;
    seen.packet = (/** @type {any} */ rx) => {
      slabs.add(rx.slab);
      count++;
    };
    const request = echoRequest(1400);
    for (let sent = 0; sent < 5000;) {
      for (let i = 0; i < 100; i++, sent++) put(device, request);
      device.flush(clock());
      await until(() => count >= sent, 'the answers');
    }
    device.close();
    return slabs.size;
  },

  /** What 100,000 packets each way leak and what they allocate. */
  async memory() {
    const { device, seen } = ready({});
    let count = 0;
    seen.packet = () => {
      count++;
    };
    const request = echoRequest(84);
    const round = async (/** @type {number} */ packets) => {
      for (let sent = 0; sent < packets;) {
        const target = count + 100;
        for (let i = 0; i < 100; i++, sent++) put(device, request);
        device.flush(0);
        while (count < target) await turn();
      }
    };
    await round(20_000);
    let collections = 0;
    const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
    observer.observe({ entryTypes: ['gc'] });
    const gc = /** @type {() => void} */ (globalThis.gc);
    gc();
    gc();
    const before = process.memoryUsage();
    await round(100_000);
    const allocated = process.memoryUsage().heapUsed - before.heapUsed;
    gc();
    gc();
    const after = process.memoryUsage();
    await turn();
    observer.disconnect();
    device.close();
    return {
      collections,
      bytesAPacket: allocated / 100_000,
      heap: after.heapUsed - before.heapUsed,
      buffers: after.arrayBuffers - before.arrayBuffers,
      resident: after.rss - before.rss,
    };
  },

  async closeInside(where) {
    const before = descriptors();
    const { device, seen } = ready({});
    const after = { packets: 0, batches: 0 };
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      put(device, echoRequest(84));
      device.close();
      device.close();
      put(device, echoRequest(84));
      device.flush(0);
      if (where === 'reopen') {
        const again = open();
        again.attach(seen);
        again.close();
      }
    };
    seen.packet = () => {
      if (closed) after.packets++;
      if (where !== 'batchEnd') close();
    };
    seen.batchEnd = () => {
      if (closed) after.batches++;
      if (where === 'batchEnd') close();
    };
    for (let i = 0; i < 50; i++) put(device, echoRequest(84));
    device.flush(clock());
    await until(() => closed, 'a packet');
    await turn();
    return {
      after,
      errors: seen.errors,
      descriptors: descriptors() - before,
      resources: process.getActiveResourcesInfo(),
    };
  },

  /**
   * An error thrown by a listener is an uncaught exception, as always in Node, and the device stays
   * open.
   */
  async throwing() {
    const { device, seen } = ready({});
    /** @type {string[]} */
    const uncaught = [];
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    let count = 0;
    seen.packet = () => {
      if (count++ === 0) throw new Error('of the listener');
    };
    for (let i = 0; i < 3; i++) {
      send(device, echoRequest(84));
      await until(() => count > i, 'an answer');
    }
    device.close();
    return { uncaught, count };
  },

  /** The driver's own object, unreferenced while open. */
  async forgotten() {
    const before = descriptors();
    const lib = native();
    const forget = () => {
      for (let i = 0; i < 10; i++) lib.queueOpen(lib.openTun('', 0x1001).fd, 0, () => undefined);
    };
    forget();
    const open = descriptors() - before;
    for (let i = 0; i < 20 && descriptors() > before; i++) {
      /** @type {() => void} */ (globalThis.gc)();
      await turn();
    }
    return { open, left: descriptors() - before };
  },

  /** Ends although the device is open: nothing else keeps the process alive. */
  unref() {
    const device = open();
    device.attach(new Seen());
    device.unref();
    return 'ends';
  },
});
