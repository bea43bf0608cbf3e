/**
 * The users of a recorded stack: each callback is an output, and what the user calls meanwhile is a
 * nested input.
 */
import type { Random } from '../base/random.js';
import type { Micros } from '../base/time.js';
import type { Address } from '../ip/address.js';
import type { PingUser } from '../stack/icmp/host.js';
import type { Neighbours } from '../stack/neighbours.js';
import type { ListenUser } from '../stack/tcp/listener.js';
import type { UdpSocket, UdpUser } from '../stack/udp/host.js';
import type { Connection, TcpUser } from '../tcp/connection.js';
import type { Log } from './log.js';
import { Op } from './records.js';

/** The number of a connection of a recorded stack. */
export interface Numbered {
  readonly recordNumber: number;
}

export const numberOf = (conn: Connection): number => (conn as unknown as Numbered).recordNumber;

/** What a user throws goes on through the stack, as it would without a recording. */
function outside<T>(log: Log, call: () => T): T {
  log.leave();
  try {
    return call();
  } catch (error) {
    log.threw();
    throw error;
  } finally {
    log.enter();
  }
}

export class RecordedUser implements TcpUser {
  private readonly log: Log;
  private readonly user: TcpUser;

  constructor(log: Log, user: TcpUser) {
    this.log = log;
    this.user = user;
  }

  tcpEvents(conn: Connection, events: number): void {
    const { log } = this;
    log.op(Op.told);
    log.varint(numberOf(conn));
    log.number(events);
    log.leave();
    try {
      this.user.tcpEvents(conn, events);
    } catch (error) {
      log.threw();
      throw error;
    } finally {
      log.enter();
    }
  }

  /** Recorded where it is true, with the place at which the stack asked. */
  get mayAnswer(): boolean {
    const { log } = this;
    if (log.isOutside) return this.user.mayAnswer === true;
    log.crossings++;
    if (this.user.mayAnswer !== true) return false;
    log.op(Op.mayAnswer);
    log.number(log.crossings);
    return true;
  }
}

export const recordedListenUser = (log: Log, user: ListenUser, listener: number): ListenUser => ({
  tcpAccept(conn) {
    log.op(Op.accepts);
    log.varint(listener);
    log.varint(numberOf(conn));
    const taken = outside(log, () => user.tcpAccept(conn));
    log.op(Op.returned);
    log.flag(taken);
    return taken;
  },
});

export const recordedUdpUser = (log: Log, user: UdpUser, socket: number): UdpUser => ({
  udpDatagram(s: UdpSocket, bytes, from: Address, fromPort: number, to: Address, now: Micros) {
    log.op(Op.datagram);
    log.varint(socket);
    log.number(bytes.length);
    outside(log, () => {
      user.udpDatagram(s, bytes, from, fromPort, to, now);
    });
  },
  udpError(s: UdpSocket, errno: string, to: Address, toPort: number) {
    log.op(Op.udpError);
    log.varint(socket);
    log.text(errno);
    outside(log, () => user.udpError?.(s, errno, to, toPort));
  },
});

export const recordedPingUser = (log: Log, user: PingUser): PingUser => ({
  pingAnswer(what, from, id, seq, bytes, ttl) {
    log.op(Op.pong);
    log.text(what);
    log.number(id);
    log.number(seq);
    outside(log, () => {
      user.pingAnswer(what, from, id, seq, bytes, ttl);
    });
  },
});

export const recordedNeighbours = (log: Log, neighbours: Neighbours): Neighbours => ({
  offer(bytes, trusted, gsoSize) {
    log.op(Op.offers);
    log.number(bytes.length);
    const taken = outside(log, () => neighbours.offer(bytes, trusted, gsoSize));
    log.op(Op.returned);
    log.flag(taken);
    return taken;
  },
});

export const recordedRandom = (log: Log, random: Random): Random => ({
  int32() {
    const value = random.int32();
    log.op(Op.int32);
    log.number(value);
    return value;
  },
  float() {
    const value = random.float();
    log.op(Op.float);
    log.number(value);
    return value;
  },
});

/**
 * A hook that the owner may set at any time, such as `onWake`. It is counted as a crossing whether
 * it is set or not, so that a replay needs no record of it.
 */
export function recordHook(log: Log, of: object, name: string): void {
  let hook: ((...args: unknown[]) => unknown) | null = null;
  const wrapped = (...args: unknown[]): void => {
    if (log.isOutside) {
      hook?.(...args);
      return;
    }
    log.leave();
    try {
      hook?.(...args);
    } catch (error) {
      log.threw();
      throw error;
    } finally {
      log.enter();
    }
  };
  Object.defineProperty(of, name, {
    get: () => wrapped,
    set(value: typeof hook) {
      hook = value;
    },
  });
}
