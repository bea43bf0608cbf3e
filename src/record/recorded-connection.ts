/**
 * The connections of a recorded stack: a subclass whose calls from outside are recorded. A stack
 * without a recording has none of it.
 */
import type { Micros } from '../base/time.js';
import type { AbortCause } from '../tcp/causes.js';
import { Connection, type TcpUser } from '../tcp/connection.js';
import type { TcbOptions } from '../tcp/tcb.js';
import type { Log } from './log.js';
import type { Numbered } from './recorded-user.js';
import { RecordedUser } from './recorded-user.js';
import { type Field, Op, recordType } from './records.js';

/** The calls of a connection that are seldom made. Their fields are in records.ts. */
export const SELDOM_CALLS = [
  'receiveUrgent',
  'setUrgentInline',
  'setNoDelay',
  'setCork',
  'setNotSentLowat',
  'setQuickAck',
  'setCongestionControl',
  'setMaxSegment',
  'setReceiveBuffer',
  'setSendBuffer',
  'setWindowClamp',
  'setKeepAlive',
  'setUserTimeout',
  'setSynRetries',
  'setMaxRto',
  'setSoftErrorReports',
  'setLinger',
  'setLinger2',
] as const satisfies readonly (keyof Connection & keyof typeof Op)[];

type Method = (this: Connection, ...args: unknown[]) => unknown;

/** The class of the connections of one recorded stack. */
export function recordedConnectionClass(log: Log): typeof Connection {
  class RecordedConnection extends Connection implements Numbered {
    readonly recordNumber = log.connections++;

    constructor(o: TcbOptions) {
      super(o);
      recordUser(this, log, this.recordNumber);
    }

    override send(data: Uint8Array, more = false, endOfRecord = false): number {
      if (!log.isOutside) return super.send(data, more, endOfRecord);
      log.begin(Op.send);
      log.varint(this.recordNumber);
      log.payload(data);
      log.flag(more);
      log.flag(endOfRecord);
      try {
        return super.send(data, more, endOfRecord);
      } finally {
        log.end();
      }
    }

    override sendZeroCopy(data: Uint8Array): boolean {
      if (!log.isOutside) return super.sendZeroCopy(data);
      log.begin(Op.sendZeroCopy);
      log.varint(this.recordNumber);
      log.payload(data);
      try {
        return super.sendZeroCopy(data);
      } finally {
        log.end();
      }
    }

    override sendUrgent(data: Uint8Array): number {
      if (!log.isOutside) return super.sendUrgent(data);
      log.begin(Op.sendUrgent);
      log.varint(this.recordNumber);
      log.payload(data);
      try {
        return super.sendUrgent(data);
      } finally {
        log.end();
      }
    }

    override receive(): Uint8Array | null {
      if (!log.isOutside) return super.receive();
      log.begin(Op.receive);
      log.varint(this.recordNumber);
      try {
        return super.receive();
      } finally {
        log.end();
      }
    }

    override keepLent(): void {
      // Without lent memory it does nothing.
      if (!log.isOutside || this.lentToSend === 0) {
        super.keepLent();
        return;
      }
      log.begin(Op.keepLent);
      log.varint(this.recordNumber);
      log.flag(this.snd.buffer.isDetached);
      try {
        super.keepLent();
      } finally {
        log.end();
      }
    }

    override raise(events: number): void {
      if (!log.isOutside) {
        super.raise(events);
        return;
      }
      log.begin(Op.raise);
      log.varint(this.recordNumber);
      log.number(events);
      super.raise(events);
      log.end();
    }

    override takeEvents(): number {
      if (!log.isOutside) return super.takeEvents();
      log.begin(Op.takeEvents);
      log.varint(this.recordNumber);
      const events = super.takeEvents();
      log.end();
      return events;
    }

    /** The stack looks whether lent memory is gone: an answer from outside. */
    override failWhatIsDetached(now: Micros): boolean {
      if (log.isOutside) return super.failWhatIsDetached(now);
      log.crossings++;
      if (!this.snd.buffer.isDetached) return false;
      log.op(Op.detached);
      log.number(log.crossings);
      return super.failWhatIsDetached(now);
    }

    override shutdown(now: Micros): void {
      if (!log.isOutside) {
        super.shutdown(now);
        return;
      }
      log.begin(Op.shutdown);
      log.varint(this.recordNumber);
      log.time(now);
      try {
        super.shutdown(now);
      } finally {
        log.end();
      }
    }

    override release(now: Micros): void {
      if (!log.isOutside) {
        super.release(now);
        return;
      }
      log.begin(Op.release);
      log.varint(this.recordNumber);
      log.time(now);
      try {
        super.release(now);
      } finally {
        log.end();
      }
    }

    override abort(now: Micros, cause: AbortCause = 'abort'): void {
      if (!log.isOutside) {
        super.abort(now, cause);
        return;
      }
      log.begin(Op.abort);
      log.varint(this.recordNumber);
      log.time(now);
      log.text(cause);
      try {
        super.abort(now, cause);
      } finally {
        log.end();
      }
    }
  }

  const methods = RecordedConnection.prototype as unknown as Record<string, Method>;
  for (const name of SELDOM_CALLS) {
    const op = Op[name];
    const fields = recordType(op)!.fields.slice(1);
    const method = methods[name]!;
    methods[name] = function (this: Connection, ...args) {
      if (!log.isOutside) return method.apply(this, args);
      log.begin(op);
      log.varint((this as RecordedConnection).recordNumber);
      fields.forEach((field, i) => writeArgument(log, field, args[i]));
      try {
        return method.apply(this, args);
      } finally {
        log.end();
      }
    };
  }
  return RecordedConnection;
}

/**
 * `user` becomes an accessor: programs set it at any time, and the stack calls what is set. A user
 * who is set from outside is an input.
 */
function recordUser(conn: Connection, log: Log, number: number): void {
  let current: TcpUser | null = null;
  let wrapped: TcpUser | null = null;
  Object.defineProperty(conn, 'user', {
    get: () => (log.isOutside ? current : wrapped),
    set(user: TcpUser | null) {
      current = user;
      wrapped = user === null ? null : new RecordedUser(log, user);
      if (!log.isOutside) return;
      log.begin(Op.setUser);
      log.varint(number);
      log.flag(user !== null);
      log.end();
    },
  });
}

export function writeArgument(log: Log, field: Field, value: unknown): void {
  switch (field) {
    case 'time':
      log.time(value as Micros);
      break;
    case 'number':
      log.number(value as number | undefined);
      break;
    case 'flag':
      log.flag(value === true);
      break;
    default:
      log.text(value as string);
  }
}
