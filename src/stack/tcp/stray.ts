/** Segments sent without a connection: a RST from CLOSED, an ACK from TIME-WAIT, a SYN cookie. */
import type { Micros } from '../../base/time.js';
import type { Segment } from '../../wire/tcp.js';
import { resetFor } from '../../tcp/reset.js';
import type { StrayAnswer } from '../observer.js';
import type { StackServices } from '../services.js';
import type { Tuple } from '../tuple.js';
import type { TcpConnections } from './connections.js';

export class StrayAnswers {
  private readonly connections: TcpConnections;
  private readonly services: StackServices;

  constructor(connections: TcpConnections, services: StackServices) {
    this.connections = connections;
    this.services = services;
  }

  /** The segment to fill in before `send`. */
  get segment(): Segment {
    return this.connections.out.segment;
  }

  /** Sends `segment` to the peer. `tos`: type of service byte; `ttl`: time to live. */
  send(tuple: Tuple, why: StrayAnswer, now: Micros, tos = 0, ttl = this.services.config.ttl): void {
    const { env, out } = this.connections;
    env.counters.TcpOutSegs++;
    this.services.observer?.straySent(tuple.toFlow(), out.segment, why, now);
    out.sendStray(this.services.routeBack(tuple.remote), tuple, tos, ttl, now);
  }

  reset(tuple: Tuple, seg: Segment, now: Micros): void {
    if (!resetFor(seg, this.segment, this.services.config.strictTimestamps)) return;
    this.connections.env.counters.TcpOutRsts++;
    this.send(tuple, 'reset', now);
  }
}
