/** Answers from no connection: a RST from CLOSED, an ACK from TIME-WAIT, a SYN,ACK with a cookie. */
import type { Micros } from '../../base/time.js';
import { Address } from '../../ip/address.js';
import type { IpHeader } from '../../wire/ip.js';
import type { Segment } from '../../wire/tcp.js';
import { resetFor } from '../../tcp/reset.js';
import { Flow } from './flow.js';
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

  /** Answers `seg` with `segment`; `tos` is IP's type of service, `ttl` its time to live. */
  send(ip: IpHeader, seg: Segment, why: string, now: Micros, tos = 0, ttl = this.o.config.ttl): void {
    const { env, out } = this.all;
    env.counters.TcpOutSegs++;
    this.o.observer?.straySent(flowOf(ip, seg), out.segment, why, now);
    out.sendStray(this.o.routeBack(ip), ip, tos, ttl);
  }

  reset(ip: IpHeader, seg: Segment, now: Micros): void {
    if (!resetFor(seg, this.segment, this.o.config.strictTimestamps)) return;
    this.all.env.counters.TcpOutRsts++;
    this.send(ip, seg, 'RST: no such connection (RFC 9293 section 3.5.2)', now);
  }
}

/** From our side: what `seg` was sent to is local. */
export const flowOf = (ip: IpHeader, seg: Segment): Flow =>
  new Flow(
    Address.fromWords(ip.d0, ip.d1, ip.d2, ip.d3),
    seg.destinationPort,
    Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3),
    seg.sourcePort,
  );
