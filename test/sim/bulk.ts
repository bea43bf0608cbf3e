/**
 * Bulk transfers over a bottleneck, in virtual time: any number of senders on one host, their
 * receivers on the other, and between them a link of a given rate, round trip, queue and loss. The
 * result is goodput: the bytes that the receiving users read.
 *
 *     A ─── flows ───▶ [ loss ▶ queue ▶ rate ▶ delay RTT/2 ] ───▶ B
 *     A ◀──────────────────── ACKs: delay RTT/2 ───────────────── B
 */
import { SECOND, type Micros } from '../../src/base/time.js';
import { NO_IMPAIRMENTS, type Impairments } from '../../src/device/link/link-options.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { B4, Hosts } from '../stack/hosts.js';

const MTU = 1500;
const ZEROS = new Uint8Array(65_536);

export interface BulkOptions {
  seed?: number;
  rtt: Micros;
  /** Bits a second. */
  rate: number;
  /** Packets that may wait at the bottleneck; default: the bandwidth-delay product, at least 50. */
  queue?: number;
  /** Share of data packets lost at random. */
  loss?: number;
  /** Exactly one of this many data packets is lost, instead of a random `loss`. */
  lossEvery?: number;
  ackLoss?: number;
  /** One for each flow; they start one after the other, `apart` microseconds from each other. */
  flows: Partial<TcpConfig>[];
  apart?: Micros;
  /** Each flow ends after that many bytes; default: never. */
  bytes?: number;
}

/** Sends zeros until the end of the transfer. */
class Source implements TcpUser {
  private left: number;
  private readonly bulk: Bulk;

  constructor(bulk: Bulk, bytes: number) {
    this.bulk = bulk;
    this.left = bytes;
  }

  tcpEvents(conn: Connection, events: number): void {
    if (events & (TcpEvent.established | TcpEvent.writable)) this.fill(conn);
  }

  private fill(conn: Connection): void {
    while (this.left > 0) {
      const want = Math.min(this.left, ZEROS.length);
      const taken = conn.send(want === ZEROS.length ? ZEROS : ZEROS.subarray(0, want));
      this.left -= taken;
      if (taken < want) break;
    }
    if (this.left === 0) conn.shutdown(this.bulk.hosts.time.now);
    this.bulk.hosts.a.wake(conn);
  }
}

/** Counts the received bytes. */
class Sink implements TcpUser {
  received = 0;
  endedAt: Micros = NaN;
  private readonly bulk: Bulk;

  constructor(bulk: Bulk) {
    this.bulk = bulk;
  }

  tcpEvents(conn: Connection, events: number): void {
    for (let piece = conn.receive(); piece !== null; piece = conn.receive())
      this.received += piece.length;
    if (events & TcpEvent.endOfStream) {
      this.endedAt = this.bulk.hosts.time.now;
      conn.shutdown(this.endedAt);
    }
    this.bulk.hosts.b.wake(conn);
  }
}

export class Bulk {
  readonly hosts: Hosts;
  readonly sinks: Sink[] = [];
  readonly senders: Connection[] = [];
  private readonly startedAt: Micros;

  constructor(o: BulkOptions) {
    const bdpPackets = (o.rate * o.rtt) / SECOND / 8 / MTU;
    const forward: Impairments = {
      ...NO_IMPAIRMENTS,
      delay: o.rtt / 2,
      rate: o.rate,
      loss: o.loss ?? 0,
      limitPackets: o.queue ?? Math.max(50, Math.round(bdpPackets)),
    };
    const back: Impairments = { ...NO_IMPAIRMENTS, delay: o.rtt / 2, loss: o.ackLoss ?? 0 };
    this.hosts = new Hosts({
      seed: o.seed ?? 1,
      mtu: MTU,
      link: { seed: o.seed ?? 1, in: forward, out: back },
      config: { ...o.flows[0], sendBufferBytes: 16 << 20, receiveBufferBytes: 16 << 20 },
    });
    const { a, b, time } = this.hosts;
    this.startedAt = time.now;
    b.listen({
      port: 9,
      user: {
        tcpAccept: (conn) => {
          const sink = new Sink(this);
          conn.user = sink;
          this.sinks.push(sink);
          return true;
        },
      },
    });
    for (const [i, config] of o.flows.entries()) {
      if (i > 0) time.pass(o.apart ?? 0);
      const user = new Source(this, o.bytes ?? Infinity);
      this.senders.push(
        a.connect(
          { remote: B4, remotePort: 9, user, config: { ...config, sendBufferBytes: 16 << 20 } },
          time.now,
        ),
      );
    }
    if (o.lossEvery !== undefined) this.loseEvery(o.lossEvery);
  }

  /**
   * Replaces the random loss: the lane's next packet is lost whenever `n` packets have passed since
   * the last loss.
   */
  private loseEvery(n: number): void {
    const { impairments, counters } = this.hosts.link!.in;
    let next = n;
    Object.defineProperty(impairments, 'loss', {
      get: () => {
        if (counters.packets < next) return 0;
        next = counters.packets + n;
        return 1;
      },
    });
  }

  /** Lets `duration` pass, and returns the bytes that each flow delivered in that time. */
  run(duration: Micros): number[] {
    const before = this.sinks.map((s) => s.received);
    this.hosts.time.pass(duration);
    return this.sinks.map((s, i) => s.received - (before[i] ?? 0));
  }

  /**
   * Runs until the first flow's last byte has arrived. Returns bits a second since its SYN. If it
   * takes longer than `most`, the result counts the bytes that arrived in that time.
   */
  goodput(bytes: number, most: Micros): number {
    this.hosts.time.runUntil(() => !Number.isNaN(this.sinks[0]?.endedAt ?? NaN), most);
    const end = this.sinks[0]?.endedAt ?? NaN;
    if (Number.isNaN(end)) return ((this.sinks[0]?.received ?? 0) * 8 * SECOND) / most;
    return (bytes * 8 * SECOND) / (end - this.startedAt);
  }
}

/** Jain's fairness index: 1 when all are equal, 1/n when one has all. */
export const jainIndex = (x: readonly number[]): number => {
  const sum = x.reduce((a, b) => a + b, 0);
  return (sum * sum) / (x.length * x.reduce((a, b) => a + b * b, 0));
};

export const median = (x: readonly number[]): number => {
  const sorted = [...x].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
