/** Answers from no connection: a RST from CLOSED, an ACK from TIME-WAIT, a SYN,ACK with a cookie. */
import type { Micros } from '../../base/time.js';
import type { Segment } from '../../wire/tcp.js';
import { resetFor } from '../../tcp/reset.js';
import type { Tuple } from '../tuple.js';
import type { TcpConnections, TcpHostOptions } from './connections.js';

export class StrayAnswers {
  private readonly all: TcpConnections;
  private readonly o: TcpHostOptions;

  constructor(all: TcpConnections, o: TcpHostOptions) {
    this.all = all;
    this.o = o;
  }

  /** The answer to fill before `send`. */
  get segment(): Segment {
    return this.all.out.segment;
  }

  /** Sends `segment` to the peer; `tos` is IP's type of service, `ttl` its time to live. */
  send(tuple: Tuple, why: string, now: Micros, tos = 0, ttl = this.o.config.ttl): void {
    const { env, out } = this.all;
    env.counters.TcpOutSegs++;
    this.o.observer?.straySent(tuple.toFlow(), out.segment, why, now);
    out.sendStray(this.o.routeBack(tuple), tuple, tos, ttl);
  }

  reset(tuple: Tuple, seg: Segment, now: Micros): void {
    if (!resetFor(seg, this.segment, this.o.config.strictTimestamps)) return;
    this.all.env.counters.TcpOutRsts++;
    this.send(tuple, 'RST: no such connection (RFC 9293 section 3.5.2)', now);
  }
}
