// @ts-check
/**
 * Opens and closes devices in every way, many times: without and with traffic, deleted or set down
 * in mid-batch, closed inside a callback, unreferenced, in workers. At the end it prints how many
 * more descriptors, live handles and links there are than at the start.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import {
  Seen,
  Slab,
  address,
  descriptors,
  echoRequest,
  ip,
  native,
  open,
  pattern,
  put,
  scenarios,
  until,
} from './kit.mjs';

const lib = native();
const request = echoRequest(84);
const counts = { rounds: 0, packets: 0, errors: /** @type {Record<string, number>} */ ({}) };

/** A device that is up and gets answers, and a receiver. @param {string} name */
function ready(name) {
  const device = open({ name });
  const seen = new Seen();
  device.attach(seen);
  address(name);
  return { device, seen };
}
/** @param {any} device @param {number} count */
const puts = (device, count) => {
  for (let i = 0; i < count; i++) put(device, request);
};

/** @type {((name: string, i: number) => Promise<void> | void)[]} */
const WAYS = [
  (name) => open({ name }).close(),
  function openedAndUsed(name) {
    const { device, seen } = ready(name);
    puts(device, 300);
    device.flush(0);
    note(device, seen);
  },
  async function answered(name, i) {
    const { device, seen } = ready(name);
    const slab = new Slab(pattern(9000, i));
    for (const length of [1, 2047, 2048, 4000]) {
      const tx = device.packet();
      tx.slab.bytes.set(request, tx.start);
      tx.headBytes = request.length;
      tx.addPiece(slab, (i * 13) % 5000, length);
      tx.addPiece(slab, 0, length);
      device.transmit(0);
    }
    puts(device, 20);
    device.flush(0);
    await until(() => seen.packets.length >= 20, 'answers');
    note(device, seen);
  },
  function deletedInMidBatch(name) {
    const { device, seen } = ready(name);
    puts(device, 64);
    lib.linkDelete(name);
    puts(device, 128);
    device.flush(0);
    note(device, seen);
  },
  async function deletedWhileItWaits(name) {
    const { device, seen } = ready(name);
    lib.linkDelete(name);
    await until(() => seen.errors.length > 0, 'the error');
    note(device, seen);
  },
  async function deletedInsideItsCallback(name) {
    const { device, seen } = ready(name);
    let done = false;
    seen.packet = () => {
      if (!done) lib.linkDelete(name);
      done = true;
      puts(device, 10);
    };
    puts(device, 50);
    device.flush(0);
    await until(() => seen.errors.length > 0 || (device.flush(0), false), 'the error');
    note(device, seen);
  },
  function downInMidBatch(name) {
    const { device, seen } = ready(name);
    puts(device, 64);
    lib.linkSet(name, -1, -1, 0);
    puts(device, 10);
    device.flush(0);
    note(device, seen);
  },
  async function closedInsideItsCallback(name) {
    const { device, seen } = ready(name);
    let closed = false;
    seen.packet = () => {
      device.close();
      closed = true;
    };
    puts(device, 50);
    device.flush(0);
    await until(() => closed, 'a packet');
    note(device, seen);
  },
  function refused(name) {
    const { device, seen } = ready(name);
    for (const set of [
      { gsoType: 7, gsoSize: 1 },
      { checksumPartial: true, checksumStart: 60_000, checksumOffset: 9 },
    ])
      put(device, request, (tx) => Object.assign(tx, set));
    put(device, Uint8Array.of(0));
    device.flush(0);
    note(device, seen);
  },
  function wrongArguments(name) {
    const queue = lib.queueOpen(lib.openTun(name, 0x5001).fd, 1, () => undefined);
    const result = new Int32Array(5);
    for (const word of [-1, 70_000, 2 ** 31 - 1, -(2 ** 31)]) {
      for (let at = 0; at < 15; at++) {
        const tx = new Int32Array(15);
        tx.set([0, 20, 1, 0, 0, 20]);
        tx[at] = word;
        lib.queueWrite(queue, new Uint8Array(100), tx, 1, [new Uint8Array(50)], result);
      }
      lib.queueRead(queue, new Uint8Array(70_000), Math.max(0, word), new Int32Array(64), 8);
    }
    lib.queueClose(queue);
    lib.queueClose(queue);
  },
  /**
   * TCP headers with random bytes and correct checksums, close to the end of the slab.
   */
  function joined(_name, seed) {
    let state = seed + 1;
    const below = (/** @type {number} */ n) =>
      (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    for (let run = 0; run < 200; run++) {
      /** @type {Buffer[]} */
      const packets = [];
      for (let left = 1 + below(6); left > 0; left--)
        packets.push(tcpOfChance(below, packets.at(-1)));
      const slab = Buffer.concat(packets);
      const words = new Int32Array(packets.length * 8);
      packets.reduce((at, { length }, i) => {
        words.set([at, length], i * 8);
        return at + length;
      }, 0);
      lib.joinPackets(slab, words, packets.length);
    }
  },
  function forgotten(name) {
    lib.queueOpen(lib.openTun('', 0x1001).fd, 0, () => undefined);
    try {
      open({ name: 'lo' });
    } catch {
      // EINVAL, and the descriptor is closed
    }
    open({ name }).close();
  },
];

/**
 * A random segment, or one that continues `before` except for a byte or two. @param {(n: number)
 * => number} below @param {Buffer | undefined} before
 */
function tcpOfChance(below, before) {
  const length = before !== undefined && below(4) ? before.length : 1 + below(119);
  const packet = Buffer.alloc(length);
  for (let i = 0; i < length; i++) packet[i] = below(256);
  const ip = (before === undefined ? below(2) : before[0] === 0x45) ? 20 : 40;
  if (length < ip + 20) return packet;
  packet.set(
    ip === 20
      ? [0x45, 0, 0, length, 0, 0, 0x40, 0, 64, 6, 0, 0]
      : [0x60, 0, 0, 0, 0, length - 40, 6, 64],
  );
  packet[ip + 13] = 0x10 | (below(8) ? 0 : below(256));
  if (before !== undefined && before.length >= ip + 20) {
    before.copy(packet, ip - 12, ip - 12);
    const payload = before.length - ip - 4 * (before.readUInt8(ip + 12) >> 4);
    packet.writeInt32BE((before.readInt32BE(ip + 4) + payload) | 0, ip + 4);
    if (below(4) === 0) packet[ip - 12 + below(32)] = below(256);
  }
  packet.writeUInt16BE(0, 10);
  if (ip === 20) packet.writeUInt16BE(~sumOf(packet, 0, 20) & 0xffff, 10);
  packet.writeUInt16BE(0, ip + 16);
  packet.writeUInt16BE(
    ~sumOf(packet, ip === 20 ? 12 : 8, length, 6 + length - ip) & 0xffff,
    ip + 16,
  );
  return packet;
}

/** @param {Buffer} packet @param {number} from @param {number} to */
function sumOf(packet, from, to, total = 0) {
  for (let at = from; at < to; at++)
    total += /** @type {number} */ (packet[at]) << ((at - from) & 1 ? 0 : 8);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** @param {any} device @param {Seen} seen */
function note(device, seen) {
  device.close();
  counts.packets += device.counters.txPackets + device.counters.rxPackets;
  for (const { code } of seen.errors) counts.errors[code] = (counts.errors[code] ?? 0) + 1;
}

/** @param {number} rounds @param {string} name */
async function rounds(rounds, name, ways = WAYS) {
  for (let i = 0; i < rounds; i++, counts.rounds++) await ways[i % ways.length]?.(name, i);
}

/**
 * Workers do not wait for answers, because several devices share one subnet and the kernel answers
 * through any of them.
 */
const UNANSWERED = WAYS.filter(
  (way) => !['answered', 'closedInsideItsCallback', 'deletedInsideItsCallback'].includes(way.name),
);

/**
 * A worker that sends packets, and ends by itself, by process.exit or by terminate() with a device
 * open. @param {number} i
 */
async function worker(i) {
  const how = ['self', 'exit', 'terminate'][i % 3];
  const thread = new Worker(fileURLToPath(import.meta.url), {
    workerData: { how, name: `w${i}` },
    argv: [],
  });
  const exit = new Promise((resolve) => thread.once('exit', resolve));
  await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  if (how === 'terminate') await thread.terminate();
  await exit;
}

/** An unreferenced queue keeps a thread alive until it is garbage collected. */
async function collected() {
  for (let i = 0; i < 10; i++, await sleep(2)) /** @type {() => void} */ (globalThis.gc)();
}

const census = () => ({
  descriptors: descriptors(),
  resources: process.getActiveResourcesInfo().filter((r) => r !== 'Immediate' && r !== 'Timeout')
    .length,
  links: ip('-br', 'link').trim().split('\n').length,
});

if (isMainThread)
  await scenarios({
    async run(many = '50') {
      // One round first, because files that are loaded on first use stay open.
      await rounds(WAYS.length, 's');
      await worker(0);
      await collected();
      const before = census();
      for (let left = Number(many); left > 0; left -= 50) {
        await rounds(Math.min(50, left), 's');
        await Promise.all([0, 1, 2].map(worker));
      }
      await collected();
      const after = census();
      const maps = readFileSync('/proc/self/maps', 'latin1');
      return {
        ...counts,
        more: Object.fromEntries(
          Object.entries(after).map(([what, n]) => [
            what,
            n - before[/** @type {'links'} */ (what)],
          ]),
        ),
        sanitized: maps.includes('libasan') && maps.includes('tun-asan.node'),
      };
    },
  });
else {
  await rounds(UNANSWERED.length, workerData.name, UNANSWERED);
  const { parentPort } = await import('node:worker_threads');
  await collected();
  if (workerData.how !== 'self') ready(workerData.name);
  parentPort?.postMessage('done');
  if (workerData.how === 'exit') process.exit(0);
}
