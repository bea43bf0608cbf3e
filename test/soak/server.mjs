// @ts-check
/**
 * The server of soak.mjs: a stack behind a TUN device and a lossy link, in its own process. It
 * reports its resources on request. Arguments: seed.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Host, Link, monotonicClock, TunDevice } from '../../dist/index.js';
import { parseLink } from '../../dist/device/link/link-options.js';
import { startServices } from '../../dist/lab/services/start.js';
import { ADDRESS, DEVICE } from './names.mjs';

const SECOND = 1e6;
/** Short timeouts to detect vanished peers, because the end would take hours otherwise. */
const CONFIG = {
  keepAlive: true,
  keepAliveIdle: 2 * SECOND,
  keepAliveInterval: SECOND,
  keepAliveProbes: 3,
  userTimeout: 10 * SECOND,
  timeWait: 2 * SECOND,
  finTimeout: 5 * SECOND,
};

const tun = TunDevice.open({ name: DEVICE, mtu: 1500, clock: monotonicClock });
const device = new Link(tun, parseLink(`loss 2% seed ${process.argv[2]}`));
const host = new Host({ device, addresses: [`${ADDRESS}/16`], config: CONFIG });
const services = await startServices(host, ['http', 'echo']);

async function state() {
  // Finalizers run in turns of their own.
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await sleep(20);
  }
  const { stack } = host;
  const { heapUsed, rss } = process.memoryUsage();
  return {
    left: {
      connections: stack.tcp.connectionCount,
      timeWait: stack.tcp.timeWait.size,
      slabs: stack.tcp.env.pool.lent,
      bytes: stack.tcp.env.memory.allocated,
      timers: stack.nextTimeout() < Number.MAX_SAFE_INTEGER ? 1 : 0,
    },
    heapUsed,
    rss,
    descriptors: readdirSync('/proc/self/fd').length,
    retransmitted: stack.counters.TcpRetransSegs,
    timedOut: stack.counters.TcpExtTCPAbortOnTimeout,
    broken: stack.checkInvariants(),
  };
}
/** @typedef {Awaited<ReturnType<typeof state>>} State */

process.on('message', async (what) => {
  if (what === 'state') process.send?.(await state());
  else {
    services.close();
    host.close();
    process.disconnect();
  }
});
process.send?.('ready');
