/**
 * tcplab: a TCP/IP stack behind a TUN device, for Node programs that want one of their own.
 *
 *     const device = TunDevice.open({ name: 'tcplab0', clock: monotonicClock });
 *     const host = new Host({ device, addresses: ['198.18.0.2/24'] });
 *     netOf(host).createServer((socket) => socket.pipe(socket)).listen(7);
 *
 * What is here follows Node's conventions: times of sockets and servers are milliseconds, errors
 * that come later are `error` events, and wrong arguments throw at once with Node's codes
 * (ERR_...). All of `tcplab/core` is here, too, in its own units.
 */
export * from './core.js';
/**
 * `new Host(o)` starts at once, and its sockets may be used in the same turn. Throws AddressError
 * for what is no address, and what `new Stack` throws. `close()` is due once, last; `await idle()`
 * before it lets peers have what was written.
 */
export { Host, type HostOptions } from './node/host.js';
/** node:net's functions. They throw for wrong arguments; all other errors are events. */
export { netOf, type Connect, type Net, type NetConnectOptions } from './node/net.js';
export { Socket, type ConnectOptions } from './node/socket.js';
export type { SocketAddress, SocketOptions } from './node/socket-base.js';
export { Server, type ListenOptions, type ServerOptions } from './node/server.js';
/** Both throw what `listen` and `connect` throw: for wrong arguments only. */
export { HostAgent, serveHttp } from './node/http.js';
export type { NetError } from './node/errors.js';
/** Microseconds, monotone. A host and its device must be given the same clock. */
export { monotonicClock } from './node/clock.js';
/**
 * `TunDevice.open` throws TunError, whose message says what to do. The host that gets the device
 * closes it.
 */
export { TunDevice, TunError, type TunOptions } from './device/tun/tun.js';
