// @ts-check
/**
 * Two stacks exchange `--packets` small messages over a cable in memory, in virtual time. Prints
 * the number of V8's garbage collections. The messages are small because a larger copy needs a
 * view, which is unavoidable garbage in JavaScript (bulk data is not copied). The reader reuses one
 * buffer, so that all garbage is the stacks'. `--garbage` adds one small object per packet.
 *
 *     node --max-semi-space-size=1 --min-semi-space-size=1 test/cost/packets.mjs \
 *       [--packets 100000] [--garbage]
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../dist/base/random.js';
import { pair } from '../../dist/device/pair.js';
import { Address, Prefix } from '../../dist/ip/address.js';
import { Stack } from '../../dist/stack/stack.js';

/** @typedef {import('../../dist/tcp/connection.js').Connection} Connection */

const { values: options } = parseArgs({
  options: {
    packets: { type: 'string', default: '100000' },
    garbage: { type: 'boolean', default: false },
  },
});
const WARM_UP_PACKETS = 50_000;
const MOST_WARM_UPS = 8;
const MESSAGE = new Uint8Array(64);
const PORT = 7;
const ADDRESSES = [Address.parse('198.18.0.1'), Address.parse('198.18.0.2')];

/** @type {Record<number, Uint8Array>} one of each length */
const buffers = {};
const ends = pair();
const stacks = ends.map(
  (device, i) =>
    new Stack({
      device,
      addresses: [new Prefix(/** @type {Address} */ (ADDRESSES[i]), 24)],
      random: new SeededRandom(i + 1),
      secret: new Uint8Array(16),
      allocate: (bytes) => (buffers[bytes] ??= new Uint8Array(bytes)),
    }),
);
const [a, b] = /** @type {[Stack, Stack]} */ (stacks);

/** Reads the received data. */
class Reader {
  /** @param {Stack} stack */
  constructor(stack) {
    this.stack = stack;
  }

  /** @param {Connection} conn */
  tcpEvents(conn) {
    while (conn.receiveQueued > 0) conn.receive();
    this.stack.wake(conn);
  }
}

/** @type {{ stack: Stack, conn: Connection }[]} */
const writers = [];

b.listen({
  port: PORT,
  backlog: 1,
  user: {
    tcpAccept: (conn) => {
      conn.user = new Reader(b);
      conn.setNoDelay(true);
      writers.push({ stack: b, conn });
      return true;
    },
  },
});
const opened = a.connect(
  { remote: /** @type {Address} */ (ADDRESSES[1]), remotePort: PORT, user: new Reader(a) },
  0,
);
opened.setNoDelay(true);
writers.push({ stack: a, conn: opened });
a.wake(opened);

const counters = ends[0].counters;
/** @type {unknown[]} */
const made = [null];
let now = 0;

/** @param {number} packets */
function exchange(packets) {
  const end = counters.rxPackets + counters.txPackets + packets;
  for (let before = counters.rxPackets + counters.txPackets; before < end;) {
    now += 50;
    a.onTimeout(now);
    b.onTimeout(now);
    for (let i = 0; i < writers.length; i++) {
      const w = writers[i];
      if (w === undefined || w.conn.sendRoom < MESSAGE.length) continue;
      w.conn.send(MESSAGE);
      w.stack.wake(w.conn);
    }
    const after = counters.rxPackets + counters.txPackets;
    if (options.garbage) for (let n = before; n < after; n++) made[0] = { n };
    before = after;
    if (now > 1e9) throw new Error(`only ${after} packets in ${now / 1e6} s of virtual time`);
  }
}

let collections = 0;
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().length;
});
observer.observe({ entryTypes: ['gc'] });

/**
 * The number of garbage collections while that many packets crossed the cable. @param {number}
 * packets
 */
async function collectionsDuring(packets) {
  collections = 0;
  exchange(packets);
  await sleep(50); // the observer is notified in a later turn
  return collections;
}

// Warm-up, because code that V8 has not optimized yet creates garbage. On a busy machine V8's
// compiler thread is late.
for (
  let round = 0;
  round < MOST_WARM_UPS && (await collectionsDuring(WARM_UP_PACKETS)) > 0;
  round++
);
const packets = Number(options.packets);
const found = await collectionsDuring(packets);
observer.disconnect();
console.log(
  JSON.stringify({
    packets,
    collections: found,
    sent: opened.stats.bytesOut,
    received: opened.stats.bytesIn,
  }),
);
