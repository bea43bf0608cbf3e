/**
 * tcplab: a TCP/IP stack behind a TUN device, for Node programs.
 *
 *     const device = TunDevice.open({ name: 'tcplab0', clock: monotonicClock });
 *     const host = new Host({ device, addresses: ['198.18.0.2/24'] });
 *     netOf(host).createServer((socket) => socket.pipe(socket)).listen(7);
 *
 * These exports follow Node's conventions: times of sockets and servers are milliseconds, later
 * failures are `error` events, and invalid arguments throw at once with Node's codes (ERR_...). All
 * of `tcplab/core` is exported too, in its own units.
 */
export * from './core.js';
/**
 * `new Host(o)` starts at once, and its sockets may be used in the same turn. Throws AddressError
 * for an invalid address, and what `new Stack` throws. Call `close()` last; `await idle()` before
 * it, so that the peers receive what was written.
 */
export { Host, type HostOptions } from './node/host.js';
/** Events of all stacks of the process, on node:diagnostics_channel. */
export { CHANNEL as EVENT_CHANNEL, type EventMessage } from './node/diagnostics.js';
/** node:net's functions. They throw for invalid arguments; all other errors are events. */
export { netOf, type Connect, type Net, type NetConnectOptions } from './node/net.js';
export { Socket, type ConnectOptions } from './node/socket.js';
export type { SocketAddress, SocketOptions } from './node/socket-base.js';
export { Server, type ListenOptions, type ServerOptions } from './node/server.js';
/** Both throw what `listen` and `connect` throw: for invalid arguments only. */
export { HostAgent, serveHttp } from './node/http.js';
export type { NetError } from './node/errors.js';
/** Microseconds, monotonic. A host and its device must be given the same clock. */
export { monotonicClock } from './node/clock.js';
/**
 * `TunDevice.open` throws TunError, whose message says what to do. The host closes the device that
 * it is given.
 */
export { TunDevice, TunError, type TunOptions } from './device/tun/tun.js';
