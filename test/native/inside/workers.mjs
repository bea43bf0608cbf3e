/**
 * The addon in worker threads: each has its own instance, and none leaks a descriptor, however it
 * ends.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import {
  Seen,
  address,
  clock,
  descriptors,
  native,
  open,
  put,
  scenarios,
  udpPacket,
} from './kit.mjs';

/** @param {string} how @param {string} name */
const start = (how, name) =>
  new Worker(fileURLToPath(import.meta.url), { workerData: { how, name } });

/** Waits until a worker's threads and handles have ended. @param {number} wanted */
async function settled(wanted) {
  for (let i = 0; i < 200 && descriptors() > wanted; i++) await sleep(10);
  return descriptors() - wanted;
}

/** In a worker: opens a device and ends in the requested way. */
async function work() {
  const { how, name } = workerData;
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  const device = open({ name });
  const seen = new Seen();
  device.attach(seen);
  if (how === 'fault') native().injectFault('write', 105, 1000, 0); // of this thread only
  // With the address the kernel answers each packet to a closed port. The scenarios that end inside
  // a callback wait for such an answer.
  address(name, 1500, how === 'spin' || how.endsWith('Inside') ? undefined : []);
  for (let i = 0; i < 10; i++) put(device, udpPacket(Buffer.from('x')));
  device.flush(clock());
  port.postMessage({ dropped: device.counters.txDropped, sent: device.counters.txPackets });
  switch (how) {
    case 'exit':
      process.exit(3);
      break;
    case 'throw':
      throw new Error('on purpose');
    case 'closed':
      device.close();
      break;
    case 'unref':
      device.unref();
      break;
    case 'closedAndExit':
      // The handle is still closing when the environment ends.
      device.close();
      process.exit(3);
      break;
    case 'spin':
      seen.packet = () => {
        for (;;);
      };
      break;
    case 'exitInside':
      seen.packet = () => process.exit(3);
      break;
    case 'throwInside':
      seen.packet = () => {
        throw new Error('on purpose');
      };
      break;
    default: // stays until it is terminated
  }
}

if (isMainThread)
  await scenarios({
    async together() {
      const before = descriptors();
      const names = ['w0', 'w1', 'w2', 'w3'];
      const workers = names.map((name, i) => start(i === 1 ? 'fault' : 'stay', name));
      const said = await Promise.all(workers.map(async (w) => (await once(w, 'message'))[0]));
      await Promise.all(workers.map((w) => w.terminate()));
      return { said, left: await settled(before), device: open({ name: 'w0' }).close() };
    },
    async ends(how, rounds = '5') {
      // The first worker of a process opens descriptors that stay.
      const first = start('closed', 'w0');
      await once(first, 'exit');
      const before = descriptors();
      const resources = process.getActiveResourcesInfo().length;
      const codes = [];
      for (let i = 0; i < Number(rounds); i++) {
        const worker = start(how, 'w0');
        /** @type {string[]} */
        const errors = [];
        worker.on('error', (error) => errors.push(error.message));
        const exit = new Promise((resolve) => worker.once('exit', resolve));
        await new Promise((resolve) => worker.once('message', resolve));
        if (how === 'spin') await sleep(50);
        if (how === 'stay' || how === 'spin' || how === 'fault') await worker.terminate();
        codes.push([await exit, ...errors]);
      }
      return {
        codes: [...new Set(codes.map((c) => JSON.stringify(c)))],
        left: await settled(before),
        resources: process.getActiveResourcesInfo().length - resources,
      };
    },
    /** The process ends with a device open in the main thread and in two workers. */
    async processEnds() {
      open({ name: 'm0' }).attach(new Seen());
      const workers = [start('stay', 'w0'), start('stay', 'w1')];
      await Promise.all(workers.map((w) => once(w, 'message')));
      process.stdout.write('null', () => process.exit(0));
      await sleep(5000);
    },
  });
else await work();
