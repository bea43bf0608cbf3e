// @ts-check
/** The bench's services on our stack behind a TUN device. Prints `ready DEVICE` when they listen; whoever started it gives the device its addresses. */
import { Host, monotonicClock, netOf, TunDevice } from '../dist/index.js';
import { PORTS, SERVICES } from './services.mjs';

const clock = monotonicClock;
const device = TunDevice.open({ name: 'tcplab0', offload: !process.argv.includes('--no-offload'), mtu: 1500, clock });
const host = new Host({ device, addresses: ['198.18.0.2/16'], clock });
const net = netOf(host);

const servers = Object.entries(PORTS).map(async ([name, port]) => {
  const server = net.createServer({ allowHalfOpen: true }, SERVICES[/** @type {keyof typeof PORTS} */ (name)]);
  await new Promise((done) => server.listen({ port, backlog: 1024 }, () => done(undefined)));
});
await Promise.all(servers);
console.log(`ready ${device.name}`);
// The bench holds our standard input: when it ends, we end.
process.stdin.on('end', () => process.exit(0)).resume();
