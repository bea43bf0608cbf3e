/**
 * Sequence numbers relative to the first ones of a connection, by tcpdump's rules: the first packet
 * with an ACK that it sees of a connection, and each SYN,ACK, is shown with absolute numbers, and
 * later packets relative to them.
 */
import type { Headers } from '../capture/headers.js';
import { TcpFlag } from '../wire/tcp.js';

/** Of the end with the smaller port: its first sequence number, and the other end's. */
interface First {
  seq: number;
  ack: number;
}

export interface Relative {
  readonly seq: number;
  readonly ack: number;
  /** What to take from the edges of SACK blocks. */
  readonly sackBase: number;
}

/** Connections to remember. Beyond it the oldest is forgotten and begins again. */
const MOST = 100_000;

export class RelativeNumbers {
  private readonly first = new Map<string, First>();

  /** Null for a packet without ACK, whose numbers are absolute. */
  read(h: Headers): Relative | null {
    if ((h.flags & TcpFlag.ACK) === 0) return null;
    const reversed =
      h.sourcePort > h.destinationPort ||
      (h.sourcePort === h.destinationPort && compareAddresses(h) > 0);
    const source = `${h.s0} ${h.s1} ${h.s2} ${h.s3} ${h.sourcePort}`;
    const destination = `${h.d0} ${h.d1} ${h.d2} ${h.d3} ${h.destinationPort}`;
    const key = reversed ? `${destination} ${source}` : `${source} ${destination}`;
    const known = this.first.get(key);
    if (known === undefined || (h.flags & TcpFlag.SYN) !== 0) {
      const first = reversed ? { seq: h.ack - 1, ack: h.seq } : { seq: h.seq, ack: h.ack - 1 };
      if (this.first.size >= MOST) this.first.delete(this.first.keys().next().value!);
      this.first.set(key, first);
      return { seq: h.seq, ack: h.ack, sackBase: reversed ? first.seq : first.ack };
    }
    const [mine, theirs] = reversed ? [known.ack, known.seq] : [known.seq, known.ack];
    return { seq: h.seq - mine, ack: h.ack - theirs, sackBase: theirs };
  }
}

function compareAddresses(h: Headers): number {
  const pairs = [
    [h.s0, h.d0],
    [h.s1, h.d1],
    [h.s2, h.d2],
    [h.s3, h.d3],
  ] as const;
  for (const [a, b] of pairs) if (a !== b) return a >>> 0 > b >>> 0 ? 1 : -1;
  return 0;
}
