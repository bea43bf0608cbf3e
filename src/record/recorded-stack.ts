/**
 * A stack that records everything that comes into it from outside. A stack is a function of these
 * inputs, so a replay (replay.ts) repeats every step of it, bit for bit.
 *
 * All ways into the core, and where each is recorded:
 *
 *   the device      packet, batchEnd, deviceError, deviceDrop       RecordedStack
 *                   what it drops while it sends, and what a delaying device hands over in its
 *                   `onTimeout`                                     as nested inputs
 *                   its MTU, when it changes                        RecordedDevice
 *                   turnBegins, packetsWait: only call a hook       not inputs
 *   the owner       run, onTimeout, close, wake                     RecordedStack
 *                   device, addresses, secret, profile, config      the header
 *                   allocate: memory only, whose contents the stack overwrites
 *                   observer: looks on, calls nothing
 *                   onWake, onTurnBegin, onTurnEnd, onPacketsWait, onWarning, onDeviceError:
 *                   outputs; what they call is recorded as nested   recordHook
 *                   neighbours, and what they answer                recordedNeighbours
 *   programs        listen, connect, bindUdp, ping, pingUser, setTypeOfService
 *                   checkBind, fastOpenIsReady: read only
 *                   tcp.setMtuDiscover, forgetMetrics, setDropsOutput, kill
 *   connections     each method of recorded-connection.ts; `user`, which is an accessor there
 *   listeners       accept, close
 *   UDP sockets     send, close, mtuDiscover
 *   the core reads  random numbers, TcpUser.mayAnswer, what tcpAccept returned, whether lent
 *                   memory is detached
 *
 * Not recorded, so not allowed while a recording runs: changes of a configuration object, of a
 * listener's `fastOpen`, and of a connection's own fields. Lent memory (sendZeroCopy) is recorded
 * when it is lent; it must not change, as its contract says.
 */
import type { Micros } from '../base/time.js';
import type { DeviceError, RxPacket } from '../device/device.js';
import type { Address } from '../ip/address.js';
import type { MtuDiscover } from '../base/mtu-discover.js';
import type { PingUser } from '../stack/icmp/host.js';
import { Stack, type StackOptions } from '../stack/stack.js';
import type { TcpEntry } from '../stack/tcp/entry.js';
import type { TcpConnectOptions, TcpListenOptions } from '../stack/tcp/host.js';
import type { Listener } from '../stack/tcp/listener.js';
import type { UdpBindOptions, UdpSocket } from '../stack/udp/host.js';
import type { Connection } from '../tcp/connection.js';
import { headerOf, plain } from './header.js';
import { Log, type RecordSink } from './log.js';
import { writePacket } from './packets.js';
import { recordedConnectionClass } from './recorded-connection.js';
import { RecordedDevice } from './recorded-device.js';
import {
  numberOf,
  recordedListenUser,
  recordedNeighbours,
  recordedPingUser,
  recordedRandom,
  recordedUdpUser,
  recordHook,
} from './recorded-user.js';
import { Op } from './records.js';
import { stateHashOf } from './state-hash.js';

export interface RecordOptions {
  /** Bytes of each payload to keep; the default is all. */
  readonly snap?: number;
  /** Microseconds since 1970 at the stack's time 0, so that a replay can tell the time of day. */
  readonly epoch?: number;
  /** The program's name and version, for people. */
  readonly program?: string;
}

const HOOKS = ['onWake', 'onTurnBegin', 'onTurnEnd', 'onPacketsWait'] as const;

export class RecordedStack extends Stack {
  private readonly log: Log;

  /** `sink` gets the bytes of the recording, in large pieces; each is valid during the call. */
  constructor(o: StackOptions, sink: RecordSink, record: RecordOptions = {}) {
    const snap = record.snap ?? Infinity;
    const { program = 'tcplab', epoch = null } = record;
    const log = new Log(sink, headerOf(o, o.device, { program, epoch, snap }), snap);
    log.begin(Op.construct);
    super({
      ...o,
      device: new RecordedDevice(o.device, log),
      random: recordedRandom(log, o.random),
      Connection: recordedConnectionClass(log),
      onWarning: hooked(log, o.onWarning),
      onDeviceError: hooked(log, o.onDeviceError),
    });
    this.log = log;
    for (const hook of HOOKS) recordHook(log, this, hook);
    this.recordTcp();
    log.end();
    log.stateHash = () => stateHashOf(this, log.now);
  }

  /** Hands on what is recorded so far, up to the last whole step. */
  flushRecording(): void {
    this.log.flush();
  }

  // ---- Called by the device ---------------------------------------------------------------------

  override packet(rx: RxPacket, now: Micros): void {
    const { log } = this;
    log.begin(Op.packet);
    log.time(now);
    writePacket(log, rx);
    try {
      super.packet(rx, now);
    } finally {
      log.end();
    }
  }

  override batchEnd(now: Micros): void {
    const { log } = this;
    log.begin(Op.batchEnd);
    log.time(now);
    try {
      super.batchEnd(now);
    } finally {
      log.end();
    }
  }

  override deviceError(error: DeviceError, fatal: boolean, now: Micros): void {
    const { log } = this;
    log.begin(Op.deviceError);
    log.text(error.message);
    log.text(error.code ?? null);
    log.flag(fatal);
    log.time(now);
    try {
      super.deviceError(error, fatal, now);
    } finally {
      log.end();
    }
  }

  override deviceDrop(reason: number, count: number, now: Micros): void {
    const { log } = this;
    log.begin(Op.deviceDrop);
    log.number(reason);
    log.number(count);
    log.time(now);
    super.deviceDrop(reason, count, now);
    log.end();
  }

  // ---- Called by the owner ----------------------------------------------------------------------

  override run(now: Micros): void {
    const { log } = this;
    if (!log.isOutside) {
      super.run(now);
      return;
    }
    log.begin(Op.run);
    log.time(now);
    try {
      super.run(now);
    } finally {
      log.end();
    }
  }

  override onTimeout(now: Micros): void {
    const { log } = this;
    log.begin(Op.timeout);
    log.time(now);
    try {
      super.onTimeout(now);
    } finally {
      log.end();
    }
  }

  override close(now: Micros): void {
    const { log } = this;
    log.begin(Op.close);
    log.time(now);
    try {
      super.close(now);
    } finally {
      log.end();
    }
    log.flush();
  }

  override wake(conn: Connection): void {
    const { log } = this;
    log.begin(Op.wake);
    log.varint(numberOf(conn));
    try {
      super.wake(conn);
    } finally {
      log.end();
    }
  }

  // ---- Called by programs -----------------------------------------------------------------------

  override listen(o: TcpListenOptions): Listener {
    const { log } = this;
    const number = log.listeners;
    const { user, ...options } = o;
    const address = o.address?.toString() ?? null;
    log.begin(Op.listen);
    log.json(plain({ ...options, address }));
    try {
      const listener = super.listen({ ...o, user: recordedListenUser(log, user, number) });
      log.listeners++;
      recordListener(log, listener, number);
      return listener;
    } finally {
      log.end();
    }
  }

  override connect(o: TcpConnectOptions, now: Micros): Connection {
    const { log } = this;
    const { user: _user, ...options } = o;
    const local = o.local?.toString();
    log.begin(Op.connect);
    log.json(plain({ ...options, remote: o.remote.toString(), local }));
    log.time(now);
    try {
      return super.connect(o, now);
    } finally {
      log.end();
    }
  }

  override bindUdp(o: UdpBindOptions): UdpSocket {
    const { log } = this;
    const number = log.sockets;
    log.begin(Op.bindUdp);
    log.json({ port: o.port, address: o.address?.toString() ?? null });
    try {
      const socket = super.bindUdp({ ...o, user: recordedUdpUser(log, o.user, number) });
      log.sockets++;
      recordSocket(log, socket, number);
      return socket;
    } finally {
      log.end();
    }
  }

  override ping(
    to: Address,
    id: number,
    seq: number,
    data: Uint8Array,
    now: Micros,
    ttl?: number,
  ): boolean {
    const { log } = this;
    log.begin(Op.ping);
    log.text(to.toString());
    log.number(id);
    log.number(seq);
    log.payload(data);
    log.time(now);
    log.number(ttl);
    try {
      return super.ping(to, id, seq, data, now, ttl);
    } finally {
      log.end();
    }
  }

  override set pingUser(user: PingUser | null) {
    const { log } = this;
    log.begin(Op.setPingUser);
    log.flag(user !== null);
    super.pingUser = user === null ? null : recordedPingUser(log, user);
    log.end();
  }

  override setTypeOfService(conn: Connection, tos: number): void {
    const { log } = this;
    log.begin(Op.setTypeOfService);
    log.varint(numberOf(conn));
    log.number(tos);
    try {
      super.setTypeOfService(conn, tos);
    } finally {
      log.end();
    }
  }

  /** What programs call on `tcp`, and `neighbours`, which is a field of a stack. */
  private recordTcp(): void {
    const { log, tcp } = this;
    const setMtuDiscover = tcp.setMtuDiscover.bind(tcp);
    tcp.setMtuDiscover = (conn: Connection, mode: MtuDiscover, now: Micros): void => {
      log.begin(Op.setMtuDiscover);
      log.varint(numberOf(conn));
      log.number(mode);
      log.time(now);
      setMtuDiscover(conn, mode, now);
      log.end();
    };
    const forgetMetrics = tcp.forgetMetrics.bind(tcp);
    tcp.forgetMetrics = (): void => {
      log.begin(Op.forgetMetrics);
      forgetMetrics();
      log.end();
    };
    const kill = tcp.kill.bind(tcp);
    tcp.kill = (entry: TcpEntry, now: Micros): void => {
      log.begin(Op.kill);
      log.varint(numberOf(entry.conn));
      log.time(now);
      kill(entry, now);
      log.end();
    };
    const setDropsOutput = tcp.setDropsOutput.bind(tcp);
    tcp.setDropsOutput = (on: boolean): void => {
      log.begin(Op.setDropsOutput);
      log.flag(on);
      setDropsOutput(on);
      log.end();
    };
    let neighbours = this.neighbours;
    Object.defineProperty(this, 'neighbours', {
      get: () => neighbours,
      set(value: typeof neighbours) {
        log.begin(Op.setNeighbours);
        log.flag(value !== null);
        neighbours = value === null ? null : recordedNeighbours(log, value);
        log.end();
      },
    });
  }
}

/** A hook that is given once: what it calls is recorded as nested. */
function hooked<A extends unknown[]>(
  log: Log,
  hook: ((...args: A) => void) | undefined,
): (...args: A) => void {
  const holder: { hook: (...args: A) => void } = { hook: () => undefined };
  recordHook(log, holder, 'hook');
  if (hook !== undefined) holder.hook = hook;
  return holder.hook;
}

function recordListener(log: Log, listener: Listener, number: number): void {
  const accept = listener.accept.bind(listener);
  listener.accept = (): Connection | undefined => {
    log.begin(Op.listenerAccept);
    log.varint(number);
    const conn = accept();
    log.end();
    return conn;
  };
  const close = listener.close.bind(listener);
  listener.close = (now: Micros): void => {
    if (!log.isOutside) {
      close(now);
      return;
    }
    log.begin(Op.listenerClose);
    log.varint(number);
    log.time(now);
    try {
      close(now);
    } finally {
      log.end();
    }
  };
}

function recordSocket(log: Log, socket: UdpSocket, number: number): void {
  const send = socket.send.bind(socket);
  socket.send = (bytes, to, toPort, now, from): void => {
    log.begin(Op.udpSend);
    log.varint(number);
    log.payload(bytes);
    log.text(to.toString());
    log.number(toPort);
    log.time(now);
    log.text(from?.toString() ?? null);
    try {
      send(bytes, to, toPort, now, from);
    } finally {
      log.end();
    }
  };
  const close = socket.close.bind(socket);
  socket.close = (): void => {
    log.begin(Op.udpClose);
    log.varint(number);
    close();
    log.end();
  };
  let { mtuDiscover } = socket;
  Object.defineProperty(socket, 'mtuDiscover', {
    get: () => mtuDiscover,
    set(mode: MtuDiscover) {
      log.begin(Op.udpMtuDiscover);
      log.varint(number);
      log.number(mode);
      mtuDiscover = mode;
      log.end();
    },
  });
}
