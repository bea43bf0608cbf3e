/**
 * Two hosts in one process, with a cable in memory between them and Node's own event loop: sockets
 * as programs use them.
 */
import { once } from 'node:events';
import { afterEach } from 'vitest';
import { pair } from '../../src/device/pair.js';
import { monotonicClock } from '../../src/node/clock.js';
import { Host } from '../../src/node/host.js';
import { netOf, type Net } from '../../src/node/net.js';
import type { Server } from '../../src/node/server.js';
import type { Socket } from '../../src/node/socket.js';
import type { TcpConfig } from '../../src/tcp/config.js';

export const CLIENT = '198.18.0.1';
export const SERVER = '198.18.0.2';

const open: Host[] = [];
afterEach(() => {
  for (const host of open.splice(0)) host.close();
});

export interface TwoHosts {
  readonly a: Host;
  readonly b: Host;
  /** The client's side, and the server's. */
  readonly client: Net;
  readonly server: Net;
}

/** A `clock` that stands still prevents timers. */
export function twoHosts(
  config: Partial<TcpConfig> = {},
  offload = true,
  clock = monotonicClock,
): TwoHosts {
  const [endA, endB] = pair({ offload });
  const a = new Host({ device: endA, addresses: [`${CLIENT}/24`], config, clock });
  const b = new Host({ device: endB, addresses: [`${SERVER}/24`], config, clock });
  open.push(a, b);
  return { a, b, client: netOf(a), server: netOf(b) };
}

/** A server that listens, and a client connected to it. */
export async function connected(
  h: TwoHosts,
  options: { allowHalfOpen?: boolean; highWaterMark?: number } = {},
): Promise<{ server: Server; ours: Socket; theirs: Socket }> {
  const server = h.server.createServer(options);
  server.listen(0);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const ours = h.client.connect({ host: SERVER, port: server.address()!.port, ...options });
  await once(ours, 'connect');
  const [theirs] = await accepted;
  return { server, ours, theirs };
}

/** All events of a socket, in order. */
export function eventsOf(socket: Socket): string[] {
  const seen: string[] = [];
  for (const name of ['connect', 'ready', 'end', 'finish', 'close', 'timeout'] as const)
    socket.on(name, () => seen.push(name));
  socket.on('error', (error: NodeJS.ErrnoException) => seen.push(`error ${error.code!}`));
  return seen;
}
