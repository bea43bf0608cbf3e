// @ts-check
/**
 * Connects two TUN devices by our simulated link, so that two kernels talk over the same link as
 * the kernel and our stack do:
 *
 *     tcplab0 ◀──▶ Link ◀──▶ far0          node lossy-relay.mjs --link 'loss 1% delay 10ms'
 *
 * Prints `ready` when both devices exist. The caller moves far0 into its namespace.
 */
import { parseArgs } from 'node:util';
import { parseLink } from '../dist/device/link/link-options.js';
import { Link, monotonicClock as clock, TunDevice } from '../dist/index.js';

/**
 * @typedef {import('../dist/device/device.js').Device} Device
 * @typedef {import('../dist/device/device.js').RxPacket} RxPacket
 */

const { values: options } = parseArgs({ options: { link: { type: 'string', default: '' } } });
// Without offloads, because the link works on packets of at most the MTU: it cuts super-segments
// anyway.
const open = (/** @type {string} */ name) =>
  TunDevice.open({ name, offload: false, mtu: 1500, clock });
const link = new Link(open('tcplab0'), parseLink(options.link));
const far = open('far0');

/** @type {NodeJS.Timeout | null} */
let timer = null;
let armedFor = Infinity;

/** Arms the timer as Host does, rounded up to milliseconds. */
function arm() {
  const next = link.nextTimeout();
  if (next >= armedFor) return;
  if (timer !== null) clearTimeout(timer);
  armedFor = next;
  timer = setTimeout(
    () => {
      timer = null;
      armedFor = Infinity;
      const now = clock();
      if (link.nextTimeout() <= now) link.onTimeout(now);
      arm();
    },
    Math.max(0, Math.ceil((next - clock()) / 1000)),
  );
}

/** @param {Device} to */
const into = (to) => ({
  packet: (/** @type {RxPacket} */ rx, /** @type {number} */ now) => {
    const tx = to.packet();
    tx.slab.bytes.set(rx.slab.bytes.subarray(rx.offset, rx.offset + rx.length), tx.start);
    tx.headBytes = rx.length;
    to.transmit(now);
  },
  batchEnd: (/** @type {number} */ now) => {
    to.flush(now);
    arm();
  },
  deviceError: (/** @type {Error} */ error, /** @type {boolean} */ fatal) => {
    if (fatal) throw error; // else the device is not up yet
  },
  deviceDrop: () => undefined,
});
link.attach(into(far));
far.attach(into(link));
console.log('ready');
// The bench holds standard input open; its end ends this process.
process.stdin.on('end', () => process.exit(0)).resume();
