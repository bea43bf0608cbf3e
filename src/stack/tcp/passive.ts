/**
 * The passive side of TCP: segments without a connection.
 *
 *     segment ─┬─ a row of TIME-WAIT ─▶ tcp/time-wait.ts ─▶ an ACK, or on to the listener
 *              ├─ a listener ─▶ stack/tcp/listen.ts ─▶ admission.ts
 *              └─ neither ─▶ a RST (stray.ts)
 */
import type { Micros } from '../../base/time.js';
import { Drop } from '../../wire/drop.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import { answersAlways } from '../../tcp/challenge.js';
import { arrivesInListen } from './listen.js';
import { arrivesInTimeWait, timeWaitAck, TimeWait, TimeWaitRecord } from '../../tcp/time-wait.js';
import type { Listener } from './listener.js';
import { ListenerTable } from './listener-table.js';
import type { Arrival } from '../arrival.js';
import type { StackServices } from '../services.js';
import type { Tuple } from '../tuple.js';
import { StrayAnswers } from './stray.js';
import { Admission } from './admission.js';
import type { TcpConnections } from './connections.js';

export class TcpPassive {
  readonly listeners = new ListenerTable();
  readonly admission: Admission;
  private readonly stray: StrayAnswers;
  private readonly record = new TimeWaitRecord();
  private readonly connections: TcpConnections;
  private readonly services: StackServices;

  constructor(connections: TcpConnections, services: StackServices) {
    this.connections = connections;
    this.services = services;
    this.stray = new StrayAnswers(connections, services);
    this.admission = new Admission(connections, this.stray, services);
  }

  /** Handles a segment that belongs to no connection. */
  arrives(tuple: Tuple, packet: Arrival, seg: Segment, now: Micros): void {
    const row = this.connections.timeWait.find(tuple);
    if (row >= 0 && !this.arrivesAtTimeWait(row, tuple, seg, now)) return;
    this.arrivesAtListener(tuple, packet, seg, row >= 0 ? this.record : null, now);
  }

  // ---- TIME-WAIT --------------------------------------------------------------------------------

  /** Returns true if the segment is a SYN that may replace the old connection. */
  private arrivesAtTimeWait(row: number, tuple: Tuple, seg: Segment, now: Micros): boolean {
    const { record, services } = this;
    const { timeWait, env } = this.connections;
    timeWait.read(row, record);
    let verdict = arrivesInTimeWait(record, seg, services.config);
    // Without a listener the SYN opens nothing, so it must not end TIME-WAIT.
    if (verdict === TimeWait.reopen && this.listeners.find(tuple) === null) {
      verdict = TimeWait.acknowledge;
    }
    const watch = services.observer;
    switch (verdict) {
      case TimeWait.reopen:
        timeWait.remove(row);
        env.counters.TcpExtTWRecycled++;
        return true;
      case TimeWait.close:
        watch?.strayArrived(tuple.toFlow(), seg, 'time-wait-reset', now);
        timeWait.remove(row);
        return false;
      case TimeWait.acknowledge: {
        timeWait.restart(row, now);
        if (
          !answersAlways(seg) &&
          !timeWait.mayAnswer(row, services.config.challengeAckInterval, now)
        ) {
          watch?.strayArrived(tuple.toFlow(), seg, 'time-wait-throttled', now);
          env.counters.TcpExtTCPACKSkippedTimeWait++;
          return false;
        }
        watch?.strayArrived(tuple.toFlow(), seg, 'time-wait-acknowledged', now);
        timeWaitAck(record, seg, this.stray.segment, Math.floor(now / 1000));
        this.stray.send(tuple, 'time-wait-ack', now, record.tos);
        return false;
      }
      default:
        timeWait.setTsRecent(row, record.tsRecent);
        watch?.strayArrived(tuple.toFlow(), seg, 'time-wait-ignored', now);
        services.countDrop(Drop.tcpTimeWait);
        return false;
    }
  }

  // ---- LISTEN -----------------------------------------------------------------------------------

  /** `before`: the record of TIME-WAIT that a SYN replaces, else null. */
  private arrivesAtListener(
    tuple: Tuple,
    packet: Arrival,
    seg: Segment,
    before: TimeWaitRecord | null,
    now: Micros,
  ): void {
    const listener = this.listeners.find(tuple);
    const watch = this.services.observer;
    if (listener === null) {
      if (this.services.passToNeighbour(packet)) return;
      this.services.countDrop(Drop.tcpNoSuchPort);
      watch?.strayArrived(
        tuple.toFlow(),
        seg,
        seg.has(TcpFlag.RST) ? 'closed-ignored' : 'closed-reset',
        now,
      );
      this.stray.reset(tuple, seg, now);
      return;
    }
    switch (arrivesInListen(seg)) {
      case 'reset':
        if (
          this.admission.cookieArrives(listener, tuple, packet, seg, now) ||
          this.services.passToNeighbour(packet)
        )
          return;
        watch?.strayArrived(tuple.toFlow(), seg, 'listen-reset', now);
        this.services.countDrop(Drop.tcpBadAck);
        this.stray.reset(tuple, seg, now);
        return;
      case 'ignore':
        // a RST: it may belong to a connection of another stack
        if (this.services.passToNeighbour(packet)) return;
        watch?.strayArrived(tuple.toFlow(), seg, 'listen-ignored', now);
        this.services.countDrop(Drop.tcpBadFlags);
        return;
      default:
        this.admission.synArrives(listener, tuple, packet, seg, before, now);
    }
  }

  closeListener(listener: Listener, now: Micros): void {
    this.listeners.remove(listener);
    this.admission.closeListener(listener, now);
    this.services.wake();
  }
}
