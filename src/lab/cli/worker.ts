/**
 * A thread of `tcplab serve --workers N`: it runs the same services on one queue of the device and
 * a stack of its own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { RingNeighbours } from '../../node/ring.js';
import { startServices } from '../services/start.js';
import { countersData } from '../../observe/counters.js';
import { CommandError } from './errors.js';
import { openLabHost } from './lab-host.js';
import { Notices } from './notices.js';
import { rootOf } from './serve.js';
import { answer, WorkerStreams } from './worker-answers.js';
import { connectionsOf, type FromWorker, type ToWorker, type WorkerData } from './workers.js';

const port = parentPort!;
const { place, services, options } = workerData as WorkerData;
const say = (said: FromWorker): void => {
  port.postMessage(said);
};

try {
  const lab = await openLabHost(options, { multiQueue: true, isWorker: true });
  const notices = new Notices();
  const neighbours = new RingNeighbours(lab.host, place);
  const running = await startServices(lab.host, services, { ...rootOf(options), say: notices.say });
  const streams = new WorkerStreams(lab.streams, say);
  port.on('message', (message: ToWorker) => {
    if (message !== 'end') {
      if ('ask' in message) answer(lab.answers, message, say);
      else streams.take(message);
      return;
    }
    running.close();
    lab.close();
    notices.close();
    neighbours.close();
    const { counters, drops } = lab.host.stack;
    say({
      ended: {
        counters: countersData(counters),
        drops,
        passed: neighbours.passed,
        connections: connectionsOf(counters),
      },
    });
    port.close();
  });
  say({ ready: true });
} catch (error) {
  const { message } = error as Error;
  const busy = /\(EBUSY\)|\(EINVAL\)/.test(message);
  say({
    failed: busy ? `${options.tun!} has one queue, and each worker needs one: ${message}` : message,
    fix: busy
      ? `create it with several queues: \`sudo tcplab down --tun ${options.tun!}; sudo tcplab up ` +
        `--multi-queue --user $USER --tun ${options.tun!}\``
      : error instanceof CommandError
        ? error.fix
        : 'tcplab doctor   shows what this machine allows',
  });
}
