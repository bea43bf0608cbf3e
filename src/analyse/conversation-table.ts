/**
 * Finds the conversation of a segment by its addresses and ports, in either direction. A hash table
 * with chains; the newest conversation of a four-tuple is found first, so a reused port leads to
 * the connection that is alive.
 */
import type { Headers } from '../capture/headers.js';
import { Conversation } from './conversation.js';

const FIRST_BUCKETS = 256;

export class ConversationTable {
  /** All conversations, in the order of their first segments: `tcp.stream`. */
  readonly all: Conversation[] = [];
  private buckets: (Conversation | null)[] = emptyBuckets(FIRST_BUCKETS);
  /** Direction of the headers that `find` was asked for. */
  direction: 0 | 1 = 0;

  find(h: Headers): Conversation | null {
    let conv = this.buckets[hashOf(h) & (this.buckets.length - 1)] ?? null;
    for (; conv !== null; conv = conv.chained) {
      if (isFromA(conv, h)) {
        this.direction = 0;
        return conv;
      }
      if (isFromB(conv, h)) {
        this.direction = 1;
        return conv;
      }
    }
    return null;
  }

  /** A new conversation whose A is the sender of `h`. */
  add(h: Headers): Conversation {
    if (this.all.length >= this.buckets.length) this.grow();
    const at = hashOf(h) & (this.buckets.length - 1);
    const conv = new Conversation(
      this.all.length,
      h.version === 6 ? 6 : 4,
      [h.s0, h.s1, h.s2, h.s3, h.sourcePort],
      [h.d0, h.d1, h.d2, h.d3, h.destinationPort],
    );
    conv.chained = this.buckets[at]!;
    this.buckets[at] = conv;
    this.all.push(conv);
    this.direction = 0;
    return conv;
  }

  private grow(): void {
    this.buckets = emptyBuckets(4 * this.buckets.length);
    const mask = this.buckets.length - 1;
    // In the order of their age, so that newer ones are found first again.
    for (const conv of this.all) {
      const at = hash(
        (conv.a0 ^ conv.b0) | 0,
        (conv.a1 ^ conv.b1) | 0,
        (conv.a2 ^ conv.b2) | 0,
        (conv.a3 ^ conv.b3) | 0,
        conv.aPort ^ conv.bPort,
      );
      conv.chained = this.buckets[at & mask]!;
      this.buckets[at & mask] = conv;
    }
  }
}

const emptyBuckets = (n: number): (Conversation | null)[] =>
  new Array<Conversation | null>(n).fill(null);

/** The same for both directions. */
const hashOf = (h: Headers): number =>
  hash(h.s0 ^ h.d0, h.s1 ^ h.d1, h.s2 ^ h.d2, h.s3 ^ h.d3, h.sourcePort ^ h.destinationPort);

function hash(w0: number, w1: number, w2: number, w3: number, ports: number): number {
  let n = Math.imul(w0, 0x9e37_79b1) ^ Math.imul(w1, 0x85eb_ca6b);
  n ^= Math.imul(w2, 0xc2b2_ae35) ^ Math.imul(w3, 0x27d4_eb2f);
  n = Math.imul(n ^ (n >>> 15), 0x1656_67b1) ^ Math.imul(ports, 0x9e37_79b1);
  return n ^ (n >>> 13);
}

const isFromA = (c: Conversation, h: Headers): boolean =>
  c.aPort === h.sourcePort &&
  c.bPort === h.destinationPort &&
  c.a3 === h.s3 &&
  c.b3 === h.d3 &&
  c.a2 === h.s2 &&
  c.b2 === h.d2 &&
  c.a1 === h.s1 &&
  c.b1 === h.d1 &&
  c.a0 === h.s0 &&
  c.b0 === h.d0;

const isFromB = (c: Conversation, h: Headers): boolean =>
  c.bPort === h.sourcePort &&
  c.aPort === h.destinationPort &&
  c.b3 === h.s3 &&
  c.a3 === h.d3 &&
  c.b2 === h.s2 &&
  c.a2 === h.d2 &&
  c.b1 === h.s1 &&
  c.a1 === h.d1 &&
  c.b0 === h.s0 &&
  c.a0 === h.d0;
