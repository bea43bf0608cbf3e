/**
 * tcplab/core: the stack without Node, for programs that embed it: a browser, a simulator, a
 * fuzzer, an event loop of their own. It does no I/O, reads no clock and no random source, and
 * starts no timer. Its owner does all of that:
 *
 *     packets come in     device.attach's receiver: packet(rx, now) ... batchEnd(now)
 *     time has passed     if (stack.nextTimeout() <= now) stack.onTimeout(now)
 *     a user has called   stack.wake(conn), then stack.run(now) at the end of the turn
 *
 * docs/embedding.md shows whole programs.
 *
 * Units. Times and durations are whole microseconds (`Micros`). The owner's clock may start at any
 * time that is not negative, and `now` never goes back. No object of the core keeps the time: each
 * call that needs it takes it as `now`. Sizes are bytes; cwnd and ssthresh are segments. Sequence numbers are int32 and wrap: print
 * them with `>>> 0`. Ports and addresses are in host order.
 *
 * Errors. A call either takes effect or throws before it has changed anything. `StackError.code` is
 * the errno name that Linux would give. RangeError and plain Errors are mistakes of the program.
 * What goes wrong later, such as a reset or a timeout, is never thrown: it is `TcpEvent.error` with
 * `Connection.error`, or an entry of `Stack.drops`. What a user's callback throws leaves the `run`
 * or `onTimeout` that called it, and the stack goes on with its next turn.
 */

// ---- The stack ----------------------------------------------------------------------------------

/**
 * `new Stack(options)` attaches itself to the device. Throws RangeError if the secret has other
 * than 16 bytes, and Error if the device has a receiver already. Then, by when
 * each call is due (one without "Throws" throws nothing):
 *
 * - `nextTimeout()`: after each of the calls below; when `onTimeout` is due, NEVER for not at all,
 *   in the past for at once.
 * - `onTimeout(now)`: once `nextTimeout()` has passed; late is allowed, and only delays what is
 *   due; it runs the stack, too. Throws what a callback throws.
 * - `run(now)`: at the end of each turn in which a user called something, or when `onWake` asks;
 *   harmless at any time. Throws what a callback throws.
 * - `packet`, `batchEnd`, `turnBegins`, `deviceError`, `deviceDrop`, `packetsWait`: the device
 *   calls them, never its owner. Throws what a callback throws.
 * - `listen(o)`: at any time. Throws StackError EADDRINUSE, EADDRNOTAVAIL, EINVAL.
 * - `connect(o, now)`: at any time; the SYN goes out with the next `run`. Throws StackError
 *   ENETUNREACH, EADDRNOTAVAIL, EADDRINUSE, EINVAL.
 * - `checkBind(address, family, port)`: before a `connect` with `local` and `localPort`. Throws
 *   StackError EINVAL, EADDRNOTAVAIL, EADDRINUSE.
 * - `wake(conn)`: after each call on `conn` from outside its callbacks, also after `receive`, which
 *   may open the window.
 * - `setTypeOfService(conn, tos)`: at any time. Throws StackError EINVAL.
 * - `bindUdp(o)`: at any time. Throws StackError EADDRINUSE, EADDRNOTAVAIL.
 * - `ping(to, id, seq, data, now, ttl)`: at any time; false without a route; set `pingUser` before.
 *   Throws StackError EMSGSIZE.
 * - `connections()`, `counters`, `drops`, `dropsByName()`: at any time: views.
 * - `checkInvariants()`: in tests, after a turn: null, or what does not hold.
 * - `close(now)`: last; every peer gets a RST; the device stays open. Throws what a callback
 *   throws.
 *
 * `onWake`, `onTurnBegin`, `onTurnEnd` and `onPacketsWait` are the owner's to set; without an event
 * loop none is needed.
 */
export { Stack, type StackOptions } from './stack/stack.js';
export type { TcpConnectOptions, TcpListenOptions } from './stack/tcp/host.js';
/**
 * `ListenUser.tcpAccept(conn)` is called once a handshake is over, or earlier for a Fast Open SYN
 * with data. Set `conn.user` there and return true, or return false and take the connection later
 * with `Listener.accept()`. `Listener.close(now)` resets what was not taken; it throws nothing.
 */
export type { Listener, ListenUser } from './stack/tcp/listener.js';
/** `flowOf(conn)`: the addresses and ports of a connection of a stack. */
export { endpointText, Flow } from './stack/flow.js';
export { flowOf } from './stack/tcp/entry.js';
/**
 * `UdpUser.udpDatagram` is called as the datagram comes, before the batch ends, with bytes that are
 * the user's. What `UdpSocket.send` sends goes out with the next `run`. It throws StackError
 * EMSGSIZE, ENETUNREACH, EADDRNOTAVAIL, EINVAL. `close` throws nothing.
 */
export type { UdpBindOptions, UdpSocket, UdpUser } from './stack/udp/host.js';
export type { PingUser } from './stack/icmp/host.js';
export type { Neighbours } from './stack/neighbours.js';
export type { ReassemblyLimits } from './ip/reassembly.js';

// ---- A connection -------------------------------------------------------------------------------

/**
 * `Stack.connect` and `ListenUser.tcpAccept` give connections. Their user may call at any time:
 *
 * - `send(data, more?, endOfRecord?)`: copies what fits and returns how many bytes that was; after
 *   fewer, `TcpEvent.writable` tells when to go on.
 * - `sendZeroCopy(data)`: lends all of `data` or nothing; it must not change until
 *   `TcpEvent.zeroCopyDone` and `lentToSend` release it.
 * - `sendRoom`: bytes that `send` would take; 0 in a state that cannot send.
 * - `receive()`: the next bytes, the caller's for good; null when nothing waits. Due on
 *   `TcpEvent.readable`, until null.
 * - `shutdown(now)`: CLOSE: FIN after what was sent; receiving goes on.
 * - `release(now)`: close(2): as `shutdown`, and RST if data is unread or comes later.
 * - `abort(now)`: ABORT: RST, and all that waits is lost.
 * - `snapshot(now)`, `tcpInfo(now)`: the control block as data, by the RFC's and by Linux's names.
 * - `setNoDelay`, `setCork`, `setKeepAlive`, ...: setsockopt; see socket-options.ts. Throws
 *   RangeError where Linux says EINVAL.
 *
 * Outside of `TcpUser.tcpEvents` and `tcpAccept` each is followed by `stack.wake(conn)` and, at the
 * end of the turn, `stack.run(now)`. What else a Connection has is the stack's own: `onSegment`,
 * `onTimeout`, `pollTransmit`, `takeEvents`.
 *
 * `TcpUser.tcpEvents(conn, events)` is called from `run` with bits of `TcpEvent`; `closed` is the
 * last.
 */
export type { Connection, TcpUser } from './tcp/connection.js';
export { TcpEvent } from './tcp/events.js';
/** The control block, which an observer is shown: a Connection is one. */
export type { FlowId, Tcb } from './tcp/tcb.js';
export { State, STATE_NAMES, TRANSITIONS, type Transition } from './tcp/state.js';
export { PROFILES, type BufferLimits, type ProfileName, type TcpConfig } from './tcp/config.js';
export type { CongestionName, HystartName } from './tcp/congestion/index.js';
export { MtuDiscover } from './base/mtu-discover.js';
export type { TcpSnapshot } from './tcp/snapshot.js';
export type { TcpInfo } from './tcp/tcp-info.js';
export type { TcpCounters } from './tcp/counters.js';

// ---- Looking on ---------------------------------------------------------------------------------

/**
 * An observer is called at the moment of what it is told. It may read everything, must change
 * nothing and must call nothing of the stack; a segment and its payload are valid during the call.
 * What it throws breaks the turn, so it had better not.
 */
export type { StackObserver } from './stack/observer.js';
export type { Note } from './tcp/notes.js';
export type { TcpObserver } from './tcp/observer.js';
export { Timer, TIMER_NAMES } from './tcp/timers.js';
export { Segment, TcpFlag } from './wire/tcp.js';
export { Drop, DROP_NAMES, type DropReason } from './wire/drop.js';

// ---- Devices ------------------------------------------------------------------------------------

/** What `Device` and `Receiver` ask of a device of one's own stands at each of their methods. */
export {
  FULL_OFFLOAD,
  Gso,
  MAX_PIECES,
  NO_OFFLOAD,
  RxPacket,
  TX_ROOM,
  TxPacket,
  type Device,
  type DeviceCounters,
  type DeviceError,
  type Offload,
  type Receiver,
} from './device/device.js';
/**
 * `pair` and `loopback` throw nothing; a PairEnd's `transmit` throws Error for a packet that the
 * device could not send.
 */
export { loopback, pair, PairEnd, type PairOptions } from './device/pair.js';
export { Link } from './device/link/link.js';
export type { Lane, LinkListener } from './device/link/lane.js';
/**
 * `parseLink` and `DropRule.parse` throw LinkOptionError, whose message says what may stand there.
 */
export {
  parseLink,
  perfectLink,
  type Impairments,
  type LinkOptions,
} from './device/link/link-options.js';
export { DropRule, LinkOptionError, type Direction } from './device/link/drop-rules.js';
export { Capture, type PacketTap } from './device/capture.js';
/** The base of wrappers of one's own. What they throw breaks the turn in which they are called. */
export { DeviceWrapper, ReceiverWrapper } from './device/wrapper.js';

// ---- Addresses, time, random numbers, bytes -----------------------------------------------------

export { StackError } from './base/errors.js';
/** `Address.parse` and `Prefix.parse` throw AddressError, whose message says what is wrong. */
export { Address, AddressError, Prefix } from './ip/address.js';
export { MICROSECOND, MILLISECOND, MINUTE, NEVER, SECOND, type Micros } from './base/time.js';
export type { Seq } from './base/seq.js';
export type { Bytes, Segments } from './base/units.js';
export { SeededRandom, type Random } from './base/random.js';
export { Slab } from './base/slab.js';
