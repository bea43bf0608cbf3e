/**
 * The driver under stress: devices opened and closed, deleted and set down in the middle of a batch, closed inside their own callback, in worker threads too. Afterwards there are as many descriptors
 * and live handles as before. `node stress.mjs run ROUNDS`.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread } from 'node:worker_threads';
import { Seen, address, clock, descriptors, native, open, put, scenarios, udpPacket, until } from './kit.mjs';

/** Enough to fill more than one batch. */
const PACKETS = 150;

/** What happens to an open device with traffic, by turns. */
const FATES = ['close', 'closeInCallback', 'deleteInCallback', 'downInCallback', 'full', 'closeUnflushed'];

/** @param {any} device */
function write(device, count = PACKETS) {
  // To a port where nobody listens: the kernel answers each with an ICMP error, which is traffic towards us.
  for (let i = 0; i < count; i++) put(device, udpPacket(Buffer.alloc(i * 7, i)));
}

/** @param {string} fate @param {number} round */
async function live(fate, round) {
  const device = open({ offload: round % 2 === 0, name: `s${process.pid}` });
  const seen = new Seen();
  let acted = false;
  const inCallback = () => {
    if (acted) return;
    acted = true;
    if (fate === 'closeInCallback') device.close();
    if (fate === 'deleteInCallback') native().linkDelete(device.name);
    if (fate === 'downInCallback') {
      native().linkSet(device.name, -1, -1, 0);
      write(device, 3);
      device.flush(clock()); // EIO
    }
  };
  device.attach({
    packet: (/** @type {any} */ rx) => {
      rx.keep = round % 3 === 0;
      inCallback();
    },
    batchEnd: () => seen.batchEnd(),
    deviceError: (/** @type {any} */ error, /** @type {boolean} */ fatal) => seen.deviceError(error, fatal),
    deviceDrop: (/** @type {number} */ reason, /** @type {number} */ count) => seen.deviceDrop(reason, count),
  });
  address(device.name);
  if (fate === 'full') native().injectFault('write', 105, 5, 0);
  write(device);
  if (fate !== 'closeUnflushed') device.flush(clock());
  if (fate.endsWith('InCallback')) await until(() => acted, fate);
  if (fate === 'deleteInCallback') await until(() => seen.errors.some((e) => e.fatal), 'the end of a deleted device');
  device.close();
  device.close();
}

async function workerRound() {
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: ['worker'] });
  await once(worker, 'exit');
}

if (!isMainThread) {
  // Ends with the device open: the environment closes it.
  const device = open({ name: `w${process.pid}` });
  device.attach(new Seen());
  address(device.name);
  write(device);
  device.flush(clock());
  process.exit(0);
}

await scenarios({
  async run(count) {
    await live('close', 0); // what is loaded once is loaded now
    await workerRound();
    await sleep(50);
    const before = { descriptors: descriptors(), handles: process.getActiveResourcesInfo().length };
    const rounds = Number(count);
    for (let round = 0; round < rounds; round++) {
      const fate = /** @type {string} */ (FATES[round % FATES.length]);
      await live(fate, round);
      if (round % 25 === 24) await workerRound();
    }
    for (let i = 0; i < 200 && descriptors() > before.descriptors; i++) await sleep(10);
    return { rounds, before, after: { descriptors: descriptors(), handles: process.getActiveResourcesInfo().length } };
  },
});
