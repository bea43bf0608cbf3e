/**
 * tcplab: a TCP/IP stack behind a TUN device, for programs that want one of their own.
 *
 *     const device = TunDevice.open({ name: 'tcplab0', clock: monotonicClock });
 *     const host = new Host({ device, addresses: ['198.18.0.2/24'] });
 *     netOf(host).createServer((socket) => socket.pipe(socket)).listen(7);
 */
// Sockets, servers and HTTP on a host in Node's event loop.
export { Host, type HostOptions } from './node/host.js';
export { netOf, type Connect, type Net, type NetConnectOptions } from './node/net.js';
export { Socket, type ConnectOptions } from './node/socket.js';
export type { SocketAddress, SocketOptions } from './node/socket-base.js';
export { Server, type ListenOptions, type ServerOptions } from './node/server.js';
export { HostAgent, serveHttp } from './node/http.js';
export type { NetError } from './node/errors.js';
export { monotonicClock } from './node/clock.js';
// What a host stands on, and what may stand between.
export { TunDevice, type TunOptions } from './device/tun/tun.js';
export { loopback, pair, type PairOptions } from './device/pair.js';
export { Link } from './device/link/link.js';
export { perfectLink, type LinkOptions, type Impairments } from './device/link/link-options.js';
export { Capture } from './device/capture.js';
export { Address, Prefix } from './ip/address.js';
// The stack itself, without I/O, clock or timers.
export { Stack, type StackOptions } from './stack/stack.js';
export type { StackObserver } from './stack/observer.js';
export { PROFILES, type TcpConfig } from './tcp/config.js';
export type { Connection } from './tcp/connection.js';
export type { TcpSnapshot } from './tcp/snapshot.js';
export type { TcpInfo } from './tcp/tcp-info.js';
