/** tcplab: a TCP/IP stack behind a TUN device, for programs that want one of their own. */
export { Host, type HostOptions } from './node/host.js';
export { netOf, type Net, type ConnectOptions } from './node/net.js';
export { Socket, type SocketAddress, type SocketOptions } from './node/socket.js';
export { Server, type ListenOptions, type ServerOptions } from './node/server.js';
export { HostAgent, serveHttp } from './node/http.js';
export { monotonicClock } from './node/clock.js';
export { TunDevice, type TunOptions } from './device/tun.js';
export { loopback, pair, type PairOptions } from './device/pair.js';
export { Link } from './device/link.js';
export { perfectLink, type LinkOptions, type Impairments } from './device/link-options.js';
export { Capture } from './device/capture.js';
export { Address, Prefix } from './ip/address.js';
export { Stack, type StackOptions } from './stack/stack.js';
export type { StackObserver } from './stack/observer.js';
export { PROFILES, type TcpConfig } from './tcp/config.js';
export type { Connection } from './tcp/connection.js';
export type { TcpSnapshot } from './tcp/snapshot.js';
