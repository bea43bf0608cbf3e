/** Calls a replayed stack with the inputs of a recording. */
import { Address } from '../ip/address.js';
import { RxPacket } from '../device/device.js';
import type { MtuDiscover } from '../base/mtu-discover.js';
import type { Stack } from '../stack/stack.js';
import { entryOf } from '../stack/tcp/entry.js';
import type { TcpConnectOptions, TcpListenOptions } from '../stack/tcp/host.js';
import type { Listener } from '../stack/tcp/listener.js';
import type { UdpBindOptions, UdpSocket } from '../stack/udp/host.js';
import type { AbortCause } from '../tcp/causes.js';
import type { Connection } from '../tcp/connection.js';
import { RecordingEnds, RecordingError } from './errors.js';
import { damagedAt } from './fields.js';
import { readPacket } from './packets.js';
import type { RecordReader } from './reader.js';
import { numberOf } from './recorded-user.js';
import { SELDOM_CALLS } from './recorded-connection.js';
import { type Field, Op, recordType } from './records.js';
import {
  replayListenUser,
  replayNeighbours,
  replayPingUser,
  replayTcpUser,
  replayUdpUser,
} from './replay-users.js';
import type { Played } from './step.js';
import type { Transcript } from './transcript.js';

/** A call that was read: in words, and to be made. */
interface Call {
  readonly text: string;
  readonly conn: Connection | null;
  readonly packet: Uint8Array | null;
  readonly make: () => unknown;
}

const call = (text: string, make: () => unknown): Call => ({
  text,
  conn: null,
  packet: null,
  make,
});

const callOn = (conn: Connection, text: string, make: () => unknown): Call => ({
  text: `#${numberOf(conn)} ${text}`,
  conn,
  packet: null,
  make,
});

export class Inputs {
  private readonly connections: readonly Connection[];
  private readonly listeners: Listener[] = [];
  private readonly sockets: UdpSocket[] = [];
  private readonly transcript: Transcript;
  private readonly stack: Stack;

  constructor(transcript: Transcript, stack: Stack, connections: readonly Connection[]) {
    this.transcript = transcript;
    this.stack = stack;
    this.connections = connections;
  }

  /**
   * Reads the fields of `op`, and calls. What the call throws is kept: the recorded call threw it,
   * too. Throws RecordingError and RecordingEnds.
   */
  play(op: number): Played {
    const { text, conn, packet, make } = this.read(op, this.transcript.reader);
    try {
      make();
    } catch (error) {
      if (error instanceof RecordingError || error instanceof RecordingEnds) throw error;
      return { text, conn, packet, threw: error instanceof Error ? error.message : String(error) };
    }
    return { text, conn, packet, threw: null };
  }

  private read(op: number, r: RecordReader): Call {
    const { stack, transcript } = this;
    switch (op) {
      case Op.packet: {
        const now = r.time();
        // A packet within another one has its own memory.
        const rx = new RxPacket();
        readPacket(r, rx);
        return {
          text: `packet of ${rx.length} bytes`,
          conn: null,
          packet: rx.slab.bytes,
          make: () => {
            stack.packet(rx, now);
          },
        };
      }
      case Op.batchEnd: {
        const now = r.time();
        return call('end of the batch', () => {
          stack.batchEnd(now);
        });
      }
      case Op.deviceError: {
        const error = Object.assign(new Error(r.text() ?? ''), { code: r.text() ?? undefined });
        const fatal = r.flag();
        const now = r.time();
        return call(`device error: ${error.message}`, () => {
          stack.deviceError(error, fatal, now);
        });
      }
      case Op.deviceDrop: {
        const [reason, count] = [r.number() ?? 0, r.number() ?? 0];
        const now = r.time();
        if (!(reason >= 0 && reason < stack.drops.length) || count > MOST_DROPS)
          throw damagedAt(r.offset, 'a drop has no reason');
        return call(`the device dropped ${count}`, () => {
          stack.deviceDrop(reason, count, now);
        });
      }
      case Op.run: {
        const now = r.time();
        return call('run', () => {
          stack.run(now);
        });
      }
      case Op.timeout: {
        const now = r.time();
        return call('onTimeout', () => {
          stack.onTimeout(now);
        });
      }
      case Op.close: {
        const now = r.time();
        return call('close', () => {
          stack.close(now);
        });
      }
      case Op.wake: {
        const conn = this.connection(r);
        return callOn(conn, 'wake', () => {
          stack.wake(conn);
        });
      }
      case Op.listen:
        return this.listen(r.json() as Omit<TcpListenOptions, 'user'>);
      case Op.connect: {
        const o = r.json() as Omit<TcpConnectOptions, 'user'>;
        return this.connect(o, r.time());
      }
      case Op.bindUdp:
        return this.bindUdp(r.json() as Omit<UdpBindOptions, 'user'>);
      case Op.ping: {
        const to = this.address(r)!;
        const [id, seq, data] = [r.number() ?? 0, r.number() ?? 0, r.payload()];
        const now = r.time();
        const ttl = r.number();
        return call(`ping(${to.toString()}, seq ${seq})`, () =>
          stack.ping(to, id, seq, data, now, ttl),
        );
      }
      case Op.setPingUser: {
        const on = r.flag();
        return call('pingUser', () => {
          stack.pingUser = on ? replayPingUser(transcript) : null;
        });
      }
      case Op.setNeighbours: {
        const on = r.flag();
        return call('neighbours', () => {
          stack.neighbours = on ? replayNeighbours(transcript) : null;
        });
      }
      case Op.setTypeOfService: {
        const conn = this.connection(r);
        const tos = r.number() ?? 0;
        return callOn(conn, `setTypeOfService(${tos})`, () => {
          stack.setTypeOfService(conn, tos);
        });
      }
      case Op.setMtuDiscover: {
        const conn = this.connection(r);
        const mode = r.number() as MtuDiscover;
        const now = r.time();
        return callOn(conn, `setMtuDiscover(${mode})`, () => {
          stack.tcp.setMtuDiscover(conn, mode, now);
        });
      }
      case Op.kill: {
        const conn = this.connection(r);
        const now = r.time();
        return callOn(conn, 'kill', () => {
          stack.tcp.kill(entryOf(conn), now);
        });
      }
      case Op.forgetMetrics:
        return call('forgetMetrics', () => {
          stack.tcp.forgetMetrics();
        });
      case Op.setDropsOutput: {
        const on = r.flag();
        return call(`setDropsOutput(${on})`, () => {
          stack.tcp.setDropsOutput(on);
        });
      }
      default:
        return this.readSocketCall(op, r);
    }
  }

  private readSocketCall(op: number, r: RecordReader): Call {
    switch (op) {
      case Op.listenerAccept: {
        const listener = this.of(this.listeners, r.varint());
        return call(`accept(port ${listener.port})`, () => listener.accept());
      }
      case Op.listenerClose: {
        const listener = this.of(this.listeners, r.varint());
        const now = r.time();
        return call(`close(listener of port ${listener.port})`, () => {
          listener.close(now);
        });
      }
      case Op.udpSend: {
        const socket = this.of(this.sockets, r.varint());
        const data = r.payload();
        const to = this.address(r)!;
        const port = r.number() ?? 0;
        const now = r.time();
        const from = this.address(r) ?? undefined;
        return call(`sendUdp(${data.length} bytes)`, () => {
          socket.send(data, to, port, now, from);
        });
      }
      case Op.udpClose: {
        const socket = this.of(this.sockets, r.varint());
        return call('closeUdp', () => {
          socket.close();
        });
      }
      case Op.udpMtuDiscover: {
        const socket = this.of(this.sockets, r.varint());
        const mode = r.number() as MtuDiscover;
        return call(`setUdpMtuDiscover(${mode})`, () => {
          socket.mtuDiscover = mode;
        });
      }
      default:
        return this.readConnectionCall(op, r);
    }
  }

  private readConnectionCall(op: number, r: RecordReader): Call {
    const conn = this.connection(r);
    switch (op) {
      case Op.send: {
        const data = r.payload();
        const [more, endOfRecord] = [r.flag(), r.flag()];
        return callOn(conn, `send(${data.length} bytes${more ? ', more' : ''})`, () =>
          conn.send(data, more, endOfRecord),
        );
      }
      case Op.sendZeroCopy: {
        const data = r.payload();
        return callOn(conn, `sendZeroCopy(${data.length} bytes)`, () => conn.sendZeroCopy(data));
      }
      case Op.sendUrgent: {
        const data = r.payload();
        return callOn(conn, `sendUrgent(${data.length} bytes)`, () => conn.sendUrgent(data));
      }
      case Op.receive:
        return callOn(conn, 'receive', () => conn.receive());
      case Op.keepLent: {
        // Memory that is gone is not copied: the connection is about to end.
        const detached = r.flag();
        return callOn(conn, 'keepLent', () => {
          if (detached) conn.settleMemory();
          else conn.keepLent();
        });
      }
      case Op.setUser: {
        const on = r.flag();
        return callOn(conn, on ? 'user = ...' : 'user = null', () => {
          conn.user = on ? replayTcpUser(this.transcript) : null;
        });
      }
      case Op.shutdown: {
        const now = r.time();
        return callOn(conn, 'shutdown', () => {
          conn.shutdown(now);
        });
      }
      case Op.release: {
        const now = r.time();
        return callOn(conn, 'release', () => {
          conn.release(now);
        });
      }
      case Op.abort: {
        const now = r.time();
        const cause = (r.text() ?? 'abort') as AbortCause;
        return callOn(conn, `abort(${cause})`, () => {
          conn.abort(now, cause);
        });
      }
      case Op.raise: {
        const events = r.number() ?? 0;
        return callOn(conn, `raise(${events})`, () => {
          conn.raise(events);
        });
      }
      case Op.takeEvents:
        return callOn(conn, 'takeEvents', () => conn.takeEvents());
      default:
        return this.seldom(conn, op, r);
    }
  }

  /** A setter, as the table of records describes it. */
  private seldom(conn: Connection, op: number, r: RecordReader): Call {
    const name = SELDOM_CALLS.find((call) => Op[call] === op);
    if (name === undefined) throw damagedAt(r.offset, `record ${op} is no input`);
    const fields = recordType(op)!.fields.slice(1);
    const values = fields.map((field) => argumentOf(r, field));
    const methods = conn as unknown as Record<string, (...args: unknown[]) => unknown>;
    return callOn(conn, `${name}(${values.join(', ')})`, () => methods[name]!(...values));
  }

  // ---- What makes something ---------------------------------------------------------------------

  private listen(o: Omit<TcpListenOptions, 'user'>): Call {
    const address = this.parsed(o.address as unknown as string | null);
    return call(`listen(port ${o.port})`, () => {
      const user = replayListenUser(this.transcript, this.listeners.length);
      this.listeners.push(this.stack.listen({ ...o, address, user }));
    });
  }

  private connect(o: Omit<TcpConnectOptions, 'user'>, now: number): Call {
    const remote = this.parsed(o.remote as unknown as string)!;
    const local = this.parsed((o.local as unknown as string | undefined) ?? null);
    const user = replayTcpUser(this.transcript);
    return call(`connect(${remote.toString()}, port ${o.remotePort})`, () => {
      this.stack.connect({ ...o, remote, ...(local === null ? {} : { local }), user }, now);
    });
  }

  private bindUdp(o: Omit<UdpBindOptions, 'user'>): Call {
    const address = this.parsed(o.address as unknown as string | null);
    return call(`bindUdp(port ${o.port})`, () => {
      const user = replayUdpUser(this.transcript, this.sockets.length);
      this.sockets.push(this.stack.bindUdp({ ...o, address, user }));
    });
  }

  // ---- Fields -----------------------------------------------------------------------------------

  private connection(r: RecordReader): Connection {
    return this.of(this.connections, r.varint());
  }

  private of<T>(made: readonly T[], number: number): T {
    const it = made[number];
    if (it === undefined)
      throw damagedAt(
        this.transcript.reader.offset,
        `a call on number ${number}, which there is not`,
      );
    return it;
  }

  private address(r: RecordReader): Address | null {
    return this.parsed(r.text());
  }

  private parsed(text: string | null): Address | null {
    if (text === null) return null;
    try {
      return Address.parse(text);
    } catch {
      throw damagedAt(this.transcript.reader.offset, `'${text}' is no address`);
    }
  }
}

/** More drops at once than any queue has packets. */
const MOST_DROPS = 1e6;

function argumentOf(r: RecordReader, field: Field): unknown {
  switch (field) {
    case 'time':
      return r.time();
    case 'flag':
      return r.flag();
    case 'text':
      return r.text();
    default:
      return r.number();
  }
}
