/** Each errno that a device can give, provoked. */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  Drop,
  Seen,
  address,
  clock,
  descriptors,
  ip,
  kernelSocket,
  native,
  open,
  put,
  scenarios,
  send,
  thrown,
  udpPacket,
  until,
} from './kit.mjs';

const packet = (text = 'hello') => udpPacket(Buffer.from(text));
/** @param {Seen} seen */
const toldTo = (seen) => ({
  errors: seen.errors,
  drops: seen.drops.map(({ reason, count }) => [
    Object.keys(Drop).find((k) => Drop[k] === reason),
    count,
  ]),
});
const errno = { EINTR: 4, EIO: 5, EAGAIN: 11, EINVAL: 22, EBADFD: 77, ENOBUFS: 105 };

/** A device that is up, and a receiver. @param {object} [options] */
function ready(options) {
  const device = open(options);
  const seen = new Seen();
  device.attach(seen);
  address('test0');
  return { device, seen };
}

await scenarios({
  async down() {
    const { device, seen } = ready();
    const kernel = await kernelSocket();
    ip('link', 'set', 'test0', 'down');
    put(device, packet());
    put(device, packet());
    device.flush(clock());
    const whileDown = toldTo(seen);
    address('test0');
    send(device, packet('again'));
    await until(() => kernel.received.length === 1, 'the packet after the device came up');
    kernel.close();
    device.close();
    return { whileDown, counters: device.counters, received: String(kernel.received[0]) };
  },
  async deleted() {
    const before = descriptors();
    const { device, seen } = ready();
    ip('link', 'delete', 'test0');
    await until(() => seen.errors.length > 0, 'the error');
    const open = descriptors() - before;
    for (let i = 0; i < 1000; i++) put(device, packet());
    device.flush(clock());
    device.close();
    await sleep(20);
    return { ...toldTo(seen), open, dropped: device.counters.txDropped };
  },
  /** The write detects it before the event loop does. */
  async deletedThenWritten() {
    const { device, seen } = ready();
    ip('link', 'delete', 'test0');
    for (let i = 0; i < 3; i++) put(device, packet());
    device.flush(clock());
    const atOnce = toldTo(seen);
    await sleep(20);
    return { atOnce, later: seen.errors.length };
  },
  async deletedBeforeAttach() {
    const device = open();
    ip('link', 'delete', 'test0');
    await sleep(20);
    const seen = new Seen();
    device.attach(seen);
    await until(() => seen.errors.length > 0, 'the error');
    return toldTo(seen);
  },
  async refused(what) {
    const { device, seen } = ready();
    const kernel = await kernelSocket();
    put(device, packet('one'));
    if (what === 'version') put(device, Buffer.from([0xf5, ...packet().subarray(1)]));
    if (what === 'gso')
      put(device, packet(), (tx) => Object.assign(tx, { gsoType: 7, gsoSize: 1, headerBytes: 28 }));
    if (what === 'checksum')
      put(device, packet(), (tx) =>
        Object.assign(tx, { checksumPartial: true, checksumStart: 9000, checksumOffset: 6 }),
      );
    put(device, packet('two'));
    device.flush(clock());
    send(device, packet('three'));
    await until(() => kernel.received.length === 3, 'the packets around');
    kernel.close();
    device.close();
    const { txPackets, txBytes, txDropped } = device.counters;
    return {
      ...toldTo(seen),
      counters: { txPackets, txBytes, txDropped },
      received: kernel.received.map(String),
    };
  },
  busy() {
    const device = open();
    const error = thrown(() => open().close());
    device.close();
    return error;
  },
  /** The kernel's errors for wrong flags, and how the driver reports them. */
  queueFlags() {
    ip('tuntap', 'add', 'test0', 'mode', 'tun', 'multi_queue');
    ip('tuntap', 'add', 'test1', 'mode', 'tap');
    return {
      single: thrown(() => native().openTun('test0', 0x1001)),
      followed: thrown(() => open().close()),
      tap: thrown(() => open({ name: 'test1' }).close()),
      loopback: thrown(() => open({ name: 'lo' }).close()),
    };
  },
  opening: () => thrown(() => open().close()),
  noSuchDevice() {
    const lib = native();
    return [
      thrown(() => lib.linkSet('nobody', 1500, -1, 1)),
      thrown(() => lib.linkMtu('nobody')),
      thrown(() => lib.linkDelete('nobody')),
      thrown(() => lib.addressAdd('nobody', new Uint8Array(4), 24)),
      thrown(() => lib.addressAdd('lo', new Uint8Array(5), 24)),
      thrown(() => lib.addressAdd('lo', new Uint8Array(4), 33)),
      thrown(() => lib.addressAdd('lo', new Uint8Array(4), 256 + 24)),
      thrown(() => lib.routeCongestion('lo', new Uint8Array(16), -1, 'cubic')),
    ];
  },
  async readFault(code, times) {
    const { device, seen } = ready();
    const kernel = await kernelSocket();
    native().injectFault('read', errno[code], Number(times), 0);
    await kernel.send(Buffer.from('hello'));
    await until(() => seen.packets.length > 0 || seen.errors.some((e) => e.fatal), 'packet or end');
    kernel.close();
    device.close();
    return { ...toldTo(seen), packets: seen.packets.length };
  },
  async writeFault(code, times, short) {
    const { device, seen } = ready();
    const kernel = await kernelSocket();
    native().injectFault('write', errno[code] ?? 0, Number(times), Number(short));
    for (const text of ['one', 'two', 'three', 'four']) put(device, packet(text));
    device.flush(clock());
    if (seen.errors.some((e) => e.fatal)) {
      kernel.close();
      return { ...toldTo(seen), counters: device.counters };
    }
    send(device, packet('last'));
    await until(() => kernel.received.some((m) => String(m) === 'last'), 'the last packet');
    kernel.close();
    device.close();
    return { ...toldTo(seen), counters: device.counters, received: kernel.received.map(String) };
  },
  /** One batch with two kinds of errors. */
  async mixed() {
    const { device, seen } = ready();
    native().injectFault('write', errno.ENOBUFS, 2, 0);
    put(device, packet());
    put(device, packet());
    put(device, Buffer.from([0, 1, 2, 3]));
    put(device, packet());
    device.flush(clock());
    device.close();
    return { ...toldTo(seen), counters: device.counters };
  },
  /** The driver itself rejects invalid arguments: no crash, no write outside of a buffer. */
  badArguments() {
    const lib = native();
    const { fd } = lib.openTun('test0', 0x1001);
    const queue = lib.queueOpen(fd, 0, () => undefined);
    const slab = new Uint8Array(70_000);
    const rx = new Int32Array(8 * 8);
    const tx = new Int32Array(15);
    const result = new Int32Array(5);
    /** @param {[number, number][]} words */
    const written = (...words) => {
      tx.fill(0);
      tx[1] = 20;
      for (const [at, value] of words) tx[at] = value;
      lib.queueWrite(queue, slab, tx, 1, [new Uint8Array(100)], result);
      return [...result];
    };
    const found = {
      // Each points outside of its buffer: EFAULT, and nothing is written.
      writes: [
        written([0, -1]),
        written([0, 70_000]),
        written([1, -1]),
        written([1, 70_001]),
        written([1, 0]),
        written([2, 5]),
        written([2, -1]),
        written([2, 1], [3, 1]),
        written([2, 1], [3, -1]),
        written([2, 1], [4, -1]),
        written([2, 1], [4, 90], [5, 11]),
        written([2, 1], [5, -5]),
      ],
      calls: [
        () => lib.queueRead(queue, slab, -1, rx, 8),
        () => lib.queueRead(queue, slab, 0, rx, 9),
        () => lib.queueRead(queue, slab, 0, rx, -1),
        () => lib.queueRead(queue, /** @type {any} */ ({}), 0, rx, 1),
        () => lib.queueRead(queue, slab, 0, /** @type {any} */ (new Float64Array(64)), 1),
        () => lib.queueRead(/** @type {any} */ ({}), slab, 0, rx, 1),
        () => lib.queueWrite(queue, slab, tx, 2, [], result),
        () => lib.queueWrite(queue, slab, tx, 1, new Array(257).fill(slab), result),
        () => lib.queueWrite(queue, slab, tx, 1, [], new Int32Array(4)),
        () => lib.queueWrite(queue, slab, tx, 1, /** @type {any} */ (7), result),
        () => lib.queueOpen(99, 0, /** @type {any} */ (7)),
        () => lib.queueOpen(/** @type {any} */ ('x'), 0, () => undefined),
        () => lib.closeFd(/** @type {any} */ ('x')),
        () => /** @type {any} */ (lib).openTun('a'),
      ].map((call) => thrown(call)?.code ?? null),
      noRoom: lib.queueRead(queue, slab, 69_999, rx, 8),
      beyond: lib.queueRead(queue, slab, 2 ** 31 - 1, rx, 8),
      other: lib.queueWrite(queue, slab, tx, 1, [/** @type {any} */ ('no bytes')], result),
    };
    lib.queueClose(queue);
    lib.queueClose(queue);
    return { ...found, after: thrown(() => lib.queueRead(queue, slab, 0, rx, 8)) };
  },
  /**
   * In a mount namespace: replaces the machine's device node by another one, or by none. @param
   * {string} [mode] @param {string} [minor]
   */
  node(mode, minor = '200') {
    execFileSync('mount', ['-t', 'tmpfs', 'none', '/dev/net']);
    if (mode !== undefined) execFileSync('mknod', ['-m', mode, '/dev/net/tun', 'c', '10', minor]);
    if (mode !== '0600') return thrown(() => open().close());
    // Without CAP_DAC_OVERRIDE root has no more rights to another user's node than other users.
    execFileSync('chown', ['12345:12345', '/dev/net/tun']);
    const drop = [
      '--bounding-set',
      '-dac_override,-dac_read_search',
      '--inh-caps',
      '-dac_override,-dac_read_search',
    ];
    const args = [...drop, process.execPath, fileURLToPath(import.meta.url), 'opening'];
    return JSON.parse(execFileSync('setpriv', args, { encoding: 'utf8' }));
  },
});
