/**
 * A user in the model of model.ts: its calls, the events that it got, and what the other user may
 * see of them. A violation of the model's rules throws at once.
 */
import type { Stack } from '../../src/stack/stack.js';
import type { Connection } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { byteAt } from '../stack/hosts.js';
import type { Call } from './model-worlds.js';

/** The bytes that party `who` writes: the two streams differ. */
const streamByte = (who: number, i: number): number => byteAt(i) ^ (who * 0x5a);

/** A user, and its half of the model. */
export class Party implements TcpUser {
  conn: Connection | null = null;
  other!: Party;
  /** The bytes that it wrote, and how many of the other user's it read. */
  written = 0;
  read = 0;
  reading = false;
  established = false;
  saidEnd = false;
  sawEnd = false;
  closed = false;
  error: string | null = null;
  /** It closed or aborted the connection, and gets no more events. */
  gone = false;
  /** It may have destroyed data in transit. */
  brokeOff = false;
  readonly who: 0 | 1;
  /** The network was down for a while. */
  sawDark = false;
  private readonly stack: Stack;
  private readonly now: () => number;

  constructor(who: 0 | 1, stack: Stack, now: () => number) {
    this.who = who;
    this.stack = stack;
    this.now = now;
  }

  accept(conn: Connection): boolean {
    this.conn = conn;
    conn.user = this;
    return true;
  }

  tcpEvents(conn: Connection, events: number): void {
    this.conn = conn;
    const name = `party ${this.who}`;
    if (this.closed) throw new Error(`${name} was told of ${events} after the last event`);
    if ((events & TcpEvent.established) !== 0) {
      if (this.established) throw new Error(`${name} was told twice that it is connected`);
      this.established = true;
    }
    if ((events & TcpEvent.error) !== 0) {
      this.error = conn.error;
      if ((events & TcpEvent.closed) === 0)
        throw new Error(`${name} was told of ${this.error}, and not that it is over`);
    }
    if ((events & TcpEvent.endOfStream) !== 0) this.end(conn);
    if ((events & TcpEvent.acked) !== 0) this.allArrived();
    if ((events & TcpEvent.closed) !== 0) this.closed = true;
    if (this.reading || this.gone) this.receive(Infinity);
  }

  /** EOF occurs once, after the last byte, and only if the other user closed. */
  private end(conn: Connection): void {
    if (this.sawEnd) throw new Error(`party ${this.who} was told of EOF twice`);
    this.sawEnd = true;
    const came = this.read + conn.receiveQueued;
    if (!this.other.saidEnd) throw new Error(`party ${this.who} saw an EOF that was not sent`);
    if (came !== this.other.written)
      throw new Error(`EOF to party ${this.who} after ${came} of ${this.other.written} bytes`);
  }

  /** "All acknowledged" means that the other user has all data, unless it closed. */
  private allArrived(): void {
    const { conn, gone, read, closed } = this.other;
    if (gone || closed || conn === null) return;
    const has = read + conn.receiveQueued;
    if (has < this.written)
      throw new Error(`party ${this.who}: ${this.written} bytes acknowledged, ${has} arrived`);
  }

  receive(pieces: number): void {
    const { conn, other } = this;
    if (conn === null) return;
    for (let n = 0; n < pieces; n++) {
      const piece = conn.receive();
      if (piece === null) break;
      if (this.gone) throw new Error(`party ${this.who} closed, and still has data to read`);
      for (const byte of piece) {
        if (this.read >= other.written)
          throw new Error(`party ${this.who} reads byte ${this.read}, which was not written`);
        if (byte !== streamByte(other.who, this.read))
          throw new Error(`party ${this.who}: byte ${this.read} is wrong`);
        this.read++;
      }
    }
    this.stack.wake(conn);
  }

  send(bytes: number, more: boolean): void {
    const conn = this.conn!;
    const data = Uint8Array.from({ length: bytes }, (_, i) =>
      streamByte(this.who, this.written + i),
    );
    this.written += conn.send(data, more);
  }

  do(what: Call): void {
    const { conn } = this;
    if (what.call === 'dark') this.sawDark = this.other.sawDark = true;
    if (conn === null || this.gone) return;
    const now = this.now();
    switch (what.call) {
      case 'send':
        if (!this.saidEnd) this.send(what.bytes, what.more);
        break;
      case 'receive':
        this.receive(what.pieces);
        break;
      case 'reading':
        this.reading = what.on;
        if (what.on) this.receive(Infinity);
        break;
      case 'noDelay':
        conn.setNoDelay(what.on);
        break;
      case 'cork':
        conn.setCork(what.on);
        break;
      case 'shutdown':
        this.shutdown();
        break;
      case 'lingerAndClose':
        conn.setLinger(true, 0);
        this.leave(true);
        conn.release(now);
        break;
      case 'close':
        this.leave(!this.sawEnd || conn.receiveQueued > 0);
        conn.release(now);
        break;
      case 'abort':
        this.leave(true);
        conn.abort(now);
        break;
      default: // time passes: not the user's
    }
    this.stack.wake(conn);
  }

  shutdown(): void {
    // Before the connection is established, CLOSE aborts it (RFC 9293 section 3.10.4).
    if (this.conn!.state === State.synSent) this.leave(true);
    this.saidEnd = true;
    this.conn!.shutdown(this.now());
  }

  private leave(brokeOff: boolean): void {
    this.gone = true;
    this.saidEnd = true;
    if (brokeOff) this.brokeOff = true;
  }
}
