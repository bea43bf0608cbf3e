/**
 * tcplab/core: the stack without Node, for programs that embed it in a browser, a simulator, a
 * fuzzer or an event loop of their own. It does no I/O, reads no clock and no random source, and
 * starts no timer. Its owner does all of that:
 *
 *     packets come in     device.attach's receiver: packet(rx, now) ... batchEnd(now)
 *     time has passed     if (stack.nextTimeout() <= now) stack.onTimeout(now)
 *     a user has called   stack.wake(conn), then stack.run(now) at the end of the turn
 *
 * docs/embedding.md shows whole programs.
 *
 * Units: times and durations are whole microseconds (`Micros`). The owner's clock may start at any
 * time that is not negative, and `now` must never decrease. No object of the core keeps the time:
 * each call that needs it takes it as `now`. Sizes are bytes (`Bytes`); cwnd and ssthresh are
 * segments (`Segments`). Sequence numbers (`Seq`) are int32 and wrap: print them with `>>> 0`.
 * Ports and addresses are in host order.
 *
 * Errors: a call either takes effect or throws before it has changed anything. `StackError.code` is
 * the errno name that Linux would give. RangeError and plain Errors are mistakes of the program.
 * Later failures, such as a reset or a timeout, are not thrown: they are reported as
 * `TcpEvent.error` with `Connection.error`, or counted in `Stack.drops`. An exception from a user's
 * callback propagates through the `run` or `onTimeout` that called it, and the stack continues in
 * its next turn.
 */

// ---- The stack ----------------------------------------------------------------------------------

/**
 * `new Stack(options)` attaches itself to the device. Throws RangeError if the secret is not 16
 * bytes long, and Error if the device has a receiver already. The calls, and when each is due (a
 * call without "Throws" throws nothing):
 *
 * - `nextTimeout()`: after each of the calls below. It returns when `onTimeout` is due: NEVER for
 *   not at all, a time in the past for at once.
 * - `onTimeout(now)`: once `nextTimeout()` has passed. A late call is allowed and only delays what
 *   is due. It also runs the stack. Throws what a callback throws.
 * - `run(now)`: at the end of each turn in which a user made a call, or after `onWake`; harmless at
 *   any time. Throws what a callback throws.
 * - `packet`, `batchEnd`, `turnBegins`, `deviceError`, `deviceDrop`, `packetsWait`: called by the
 *   device, never by the owner. Throws what a callback throws.
 * - `listen(o)`: at any time. Throws StackError EADDRINUSE, EADDRNOTAVAIL, EINVAL.
 * - `connect(o, now)`: at any time; the SYN is sent by the next `run`. Throws StackError
 *   ENETUNREACH, EADDRNOTAVAIL, EADDRINUSE, EINVAL, EOPNOTSUPP.
 * - `checkBind(address, family, port)`: before a `connect` with `local` and `localPort`. Throws
 *   StackError EINVAL, EADDRNOTAVAIL, EADDRINUSE.
 * - `wake(conn)`: after each call on `conn` from outside its callbacks, including `receive`, which
 *   may open the window.
 * - `setTypeOfService(conn, tos)`: at any time. Throws StackError EINVAL.
 * - `bindUdp(o)`: at any time. Throws StackError EADDRINUSE, EADDRNOTAVAIL.
 * - `ping(to, id, seq, data, now, ttl)`: at any time; set `pingUser` before. Returns false without
 *   a route. Throws StackError EMSGSIZE.
 * - `connections()`, `counters`, `drops`, `dropsByName()`: at any time; they are views.
 * - `checkInvariants()`: in tests, after a turn. Returns null, or which invariant is broken.
 * - `close(now)`: last. Every peer gets a RST; the device stays open. Throws what a callback
 *   throws.
 *
 * The owner may set `onWake`, `onTurnBegin`, `onTurnEnd` and `onPacketsWait`; without an event loop
 * none is needed.
 */
export { Stack, type StackOptions } from './stack/stack.js';
export type { TcpConnectOptions, TcpListenOptions } from './stack/tcp/host.js';
/**
 * `ListenUser.tcpAccept(conn)` is called when a handshake is complete, or earlier for a Fast Open
 * SYN with data. Set `conn.user` there and return true, or return false and take the connection
 * later with `Listener.accept()`. `Listener.close(now)` resets the connections that were not taken;
 * it throws nothing.
 */
export type { Listener, ListenUser } from './stack/tcp/listener.js';
/** `flowOf(conn)`: the addresses and ports of a stack's connection. */
export { endpointText, Flow } from './stack/flow.js';
export { flowOf } from './stack/tcp/entry.js';
/**
 * `UdpUser.udpDatagram` is called when the datagram arrives, before the batch ends. Its bytes
 * belong to the user. `UdpSocket.send` sends with the next `run`. It throws StackError EMSGSIZE,
 * ENETUNREACH, EADDRNOTAVAIL, EINVAL. `close` throws nothing.
 */
export type { UdpBindOptions, UdpSocket, UdpUser } from './stack/udp/host.js';
export type { PingUser } from './stack/icmp/host.js';
export type { Neighbours } from './stack/neighbours.js';
export type { ReassemblyLimits } from './ip/reassembly.js';

// ---- A connection -------------------------------------------------------------------------------

/**
 * `Stack.connect` and `ListenUser.tcpAccept` give connections. Their user may call at any time:
 *
 * - `send(data, more?, endOfRecord?)`: copies what fits and returns the number of bytes. If that is
 *   less than all, continue on `TcpEvent.writable`.
 * - `sendZeroCopy(data)`: lends all of `data` or nothing. It must not change until
 *   `TcpEvent.zeroCopyDone` and `lentToSend` release it.
 * - `sendRoom`: bytes that `send` would take; 0 in a state that cannot send.
 * - `receive()`: the next bytes, which belong to the caller; null when there are none. Due on
 *   `TcpEvent.readable`, until it returns null.
 * - `shutdown(now)`: CLOSE: sends a FIN after the data; receiving is still possible.
 * - `release(now)`: close(2): as `shutdown`, and sends a RST if data is unread or arrives later.
 * - `abort(now)`: ABORT: sends a RST and discards all queued data.
 * - `snapshot(now)`, `tcpInfo(now)`: the control block as data, by the RFC's and by Linux's names.
 * - `setNoDelay`, `setCork`, `setKeepAlive`, ...: setsockopt; see socket-options.ts. Throws
 *   RangeError where Linux returns EINVAL.
 *
 * Outside of `TcpUser.tcpEvents` and `tcpAccept` each call must be followed by `stack.wake(conn)`
 * and, at the end of the turn, by `stack.run(now)`. The other members of a Connection are for the
 * stack only: `onSegment`, `onTimeout`, `pollTransmit`, `takeEvents`.
 *
 * `TcpUser.tcpEvents(conn, events)` is called from `run` with bits of `TcpEvent`; `closed` is the
 * last.
 */
export type { Connection, TcpUser } from './tcp/connection.js';
export { TcpEvent } from './tcp/events.js';
/** The control block as an observer sees it. A Connection is one. */
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
 * An observer is called at the moment of each event. It may read everything, but must not change
 * anything or call the stack. A segment and its payload are valid during the call only. An observer
 * must not throw, because an exception breaks the turn.
 */
export type { Datagram, StackObserver, StrayAnswer, StrayFate } from './stack/observer.js';
export type { UserCall } from './tcp/user-call.js';
export type { Note } from './tcp/notes.js';
/**
 * Everything that happens on a stack, as plain data with a versioned schema (docs/events.md). Times
 * are in microseconds since `start`. The stack does no work for it while nobody is subscribed.
 *
 *     const hub = new EventHub(stack, { start: now, startedAt: Date.now() * 1000, version: '1' });
 *     const stop = hub.subscribe((event) => console.log(event.name));
 */
export { EventHub, type EventHubOptions } from './observe/event-hub.js';
export { EVENT_SCHEMA, type EventSink, type TraceEvent } from './observe/events.js';
export { qlogSink, type QlogOptions } from './observe/qlog.js';
export type { TcpObserver } from './tcp/observer.js';
export { Timer, TIMER_NAMES } from './tcp/timers.js';
export { Segment, TcpFlag } from './wire/tcp.js';
export { Drop, DROP_NAMES, type DropReason } from './wire/drop.js';

// ---- Recording and replay -----------------------------------------------------------------------

/**
 * `new RecordedStack(options, sink, record)` is a Stack whose inputs go to `sink`, in large pieces,
 * each valid during the call. `flushRecording()` hands on what is complete; call it when the stack
 * is idle and at the end. What `sink` throws passes through the call that filled the buffer. The
 * recording has all payloads and the stack's secret (docs/recording.md).
 */
export { RecordedStack, type RecordOptions } from './record/recorded-stack.js';
export type { RecordSink } from './record/log.js';
/**
 * `new Replay(source, { observer })` builds the recorded stack again, and `next()` replays a step:
 * an input from outside. It returns null at the end, at a `divergence`, and at a step that was cut
 * (`isCut`). Both throw RecordingError for a file that is no recording, or a damaged one.
 */
export { Replay, type ReplayOptions } from './record/replay.js';
export { bytesSource, type ByteSource } from './record/reader.js';
export type { Step } from './record/step.js';
export { divergenceText, type Divergence } from './record/transcript.js';
export { RecordingError } from './record/errors.js';

// ---- Devices ------------------------------------------------------------------------------------

/** To implement a device, see the methods of `Device` and `Receiver`. */
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
 * `pair` and `loopback` throw nothing. `PairEnd.transmit` throws Error for a packet that a real
 * device could not send.
 */
export { loopback, pair, PairEnd, type PairOptions } from './device/pair.js';
export { Link } from './device/link/link.js';
export type { Lane, LinkListener } from './device/link/lane.js';
/** `parseLink` and `DropRule.parse` throw LinkOptionError, whose message says what is allowed. */
export {
  parseLink,
  perfectLink,
  type Impairments,
  type LinkOptions,
} from './device/link/link-options.js';
export { DropRule, LinkOptionError, type Direction } from './device/link/drop-rules.js';
export { Capture, type PacketTap } from './device/capture.js';
/** Base classes for wrappers. An exception from a wrapper breaks the turn in which it is called. */
export { DeviceWrapper, ReceiverWrapper } from './device/wrapper.js';

// ---- Captures -----------------------------------------------------------------------------------

/**
 * `new CaptureReader(onPacket)` reads pcap and pcapng. `push(chunk)` takes the file in pieces of
 * any size and calls `onPacket` for each packet, with the same object each time. It throws
 * CaptureError, whose message says what is wrong and at which byte, and whose `fix` says what to
 * do. `end()` throws CaptureError if nothing was a capture; for a file that was cut it throws
 * nothing, and `cutBytes` is more than 0.
 */
export { CaptureReader } from './capture/reader.js';
export type { ReaderLimits } from './capture/record-format.js';
export { CaptureError } from './capture/error.js';
export {
  CapturedPacket,
  type CaptureDirection,
  type CaptureInterface,
  type CaptureSecrets,
  type CaptureSection,
  type CaptureStatistics,
  type PacketRecord,
} from './capture/packet.js';
export { LinkType, linkTypeName } from './capture/link-type.js';
/** `headers.read(packet)` sets all fields; it throws nothing, whatever the bytes are. */
export { Headers } from './capture/headers.js';
/**
 * `compileFilter(text)` gives a predicate for packets: pcap-filter's language, and the packets that
 * tcpdump would print. It throws FilterError, whose message shows the place in the text.
 */
export { compileFilter, type CaptureFilter } from './capture/filter/compile.js';
export { FilterError } from './capture/filter/error.js';
/** The writers return the bytes of one record each. They throw nothing. */
export { pcapFileHeader, pcapPacket, type PcapOptions } from './capture/pcap-writer.js';
export {
  decryptionSecrets,
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
  type InterfaceInfo,
} from './capture/pcapng-writer.js';
/** Microseconds since 1970 as a packet's `seconds` and `nanos`. */
export { captureTime } from './capture/time.js';

// ---- Addresses, time, random numbers, bytes -----------------------------------------------------

export { StackError } from './base/errors.js';
/** `Address.parse` and `Prefix.parse` throw AddressError, whose message says what is wrong. */
export { Address, AddressError, Prefix } from './ip/address.js';
export { MICROSECOND, MILLISECOND, MINUTE, NEVER, SECOND, type Micros } from './base/time.js';
export type { Seq } from './base/seq.js';
export type { Bytes, Segments } from './base/units.js';
export { SeededRandom, type Random } from './base/random.js';
export { Slab } from './base/slab.js';
