// @ts-check
/**
 * The bench's services on our stack behind a TUN device. `--link 'loss 1% delay 10ms'` puts a
 * simulated link in front of the stack; `--record` records the stack; `--dist DIR` uses another
 * build of tcplab. Prints `ready DEVICE` when they listen. The caller sets the device's addresses.
 */
import { openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PORTS, serveTheBench, SERVICES } from './services.mjs';

const { values: options } = parseArgs({
  options: {
    offload: { type: 'string', default: 'device' },
    congestion: { type: 'string', default: 'cubic' },
    link: { type: 'string' },
    record: { type: 'boolean', default: false },
    name: { type: 'string', default: 'tcplab0' },
    address: { type: 'string', default: '198.18.0.2/16' },
    dist: { type: 'string', default: new URL('../dist', import.meta.url).pathname },
  },
});
const dist = resolve(options.dist);
/** @type {typeof import('../dist/index.js')} */
const { Host, Link, monotonicClock, netOf, TunDevice } = await import(`${dist}/index.js`);

const clock = monotonicClock;
const tun = TunDevice.open({
  name: options.name,
  offload: options.offload === 'software' ? 'software' : options.offload !== 'none',
  mtu: 1500,
  clock,
});
const device = options.link === undefined ? tun : new Link(tun, await faults(options.link));
const congestionControl = /** @type {import('../dist/tcp/congestion/index.js').CongestionName} */ (
  options.congestion
);
const host = new Host({
  device,
  addresses: [options.address],
  clock,
  config: { congestionControl },
  ...(options.record ? { record: recording() } : {}),
});
const net = netOf(host);

const servers = Object.entries(PORTS).map(async ([name, port]) => {
  const server = net.createServer(
    { allowHalfOpen: true },
    SERVICES[/** @type {keyof typeof PORTS} */ (name)],
  );
  await new Promise((done) => server.listen({ port, backlog: 1024 }, () => done(undefined)));
});
await Promise.all(servers);
console.log(`ready ${device.name}`);
serveTheBench();

/**
 * Writes the recording to a file that begins again every 256 MB, so that a run does not fill the
 * disk.
 */
function recording() {
  const path = join(tmpdir(), `tcplab-bench-${process.pid}.tcplab`);
  const fd = openSync(path, 'w', 0o600);
  unlinkSync(path);
  let at = 0;
  return (/** @type {Uint8Array} */ chunk) => {
    if (at > 1 << 28) at = 0;
    at += writeSync(fd, chunk, 0, chunk.length, at);
  };
}

/**
 * Parses with this build, because the command line belongs to it.
 *
 * @param {string} words
 */
async function faults(words) {
  const { parseLink } = await import('../dist/device/link/link-options.js');
  return parseLink(words);
}
