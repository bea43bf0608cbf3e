/** One TCP connection in a capture: both directions, how far it got, and where its time went. */
import { MARK_NAMES, type MarkName } from './marks.js';
import { Direction } from './direction.js';
import { EndState } from './end-state.js';

/** What can hold a conversation up. `LIMITS` lists them in the order of `Conversation.limited`. */
export const LIMITS = [
  'handshake',
  'application',
  'network',
  'receiver',
  'loss',
  'closing',
] as const;
export type Limit = (typeof LIMITS)[number];
export const LimitIndex = {
  handshake: 0,
  application: 1,
  network: 2,
  receiver: 3,
  loss: 4,
  closing: 5,
} as const;

/** Wireshark's `tcp.completeness`: which parts of a connection the capture holds. */
export const Completeness = { syn: 1, synAck: 2, ack: 4, data: 8, fin: 16, rst: 32 } as const;

/** An ICMP error about the conversation. */
export interface IcmpNotice {
  readonly frame: number;
  readonly time: number;
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The MTU that a router names, 0 if it names none. */
  readonly mtu: number;
  /** The direction of the packet that it is about. */
  readonly about: 0 | 1;
}
const MOST_NOTICES = 16;

export class Conversation {
  /** Wireshark's `tcp.stream`. */
  readonly index: number;
  /** Of the sender of the first segment: four words and a port, and the same of its receiver. */
  readonly a0: number;
  readonly a1: number;
  readonly a2: number;
  readonly a3: number;
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly b3: number;
  readonly aPort: number;
  readonly bPort: number;
  readonly version: 4 | 6;
  /** 0 is from A to B, 1 is from B to A. */
  readonly directions: readonly [Direction, Direction] = [new Direction(), new Direction()];
  /** The next one of the table's chain. */
  chained: Conversation | null = null;

  completeness = 0;
  /** Sender of the SYN, or receiver of the SYN,ACK. */
  opener: 0 | 1 = 0;
  readonly states = new EndState();
  firstFrame = 0;
  firstTime = NaN;
  lastTime = NaN;
  lastFrame = 0;
  packets = 0;
  /** The last SYN, its answer and the ACK that ended the handshake. */
  synTime = NaN;
  synAckTime = NaN;
  /** Wireshark's `tcp.analysis.initial_rtt`: from the SYN to the ACK of its answer. */
  initialRtt = NaN;
  handshakeTime = NaN;
  /** Nanoseconds for each of `LIMITS`, of A's sending and then of B's. */
  readonly limited = new Float64Array(2 * LIMITS.length);
  /** What the conversation waits for now: index into LIMITS, and whose sending. */
  waitingFor: number = LimitIndex.handshake;
  waitingEnd: 0 | 1 = 0;
  hasFlight = false;
  /** Index into `limited` to which the time before the last packet went. */
  lastLimit = 0;
  /** The direction of the last segment with payload; whose receiver has to say something next. */
  lastTalker: 0 | 1 = 0;
  readonly icmp: IcmpNotice[] = [];
  icmpCount = 0;
  /** The time without a packet before the last one, and the longest such time. */
  lastPause = 0;
  longestPause = 0;
  longestPauseFrame = 0;
  /** The longest time in which the other program had the word: from the last data to its answer. */
  readonly longestThought = new Float64Array(2);
  readonly thoughtFrame = new Int32Array(2);

  constructor(
    index: number,
    version: 4 | 6,
    a: readonly [number, number, number, number, number],
    b: readonly [number, number, number, number, number],
  ) {
    this.index = index;
    this.version = version;
    [this.a0, this.a1, this.a2, this.a3, this.aPort] = a;
    [this.b0, this.b1, this.b2, this.b3, this.bPort] = b;
  }

  /**
   * The end that opened the connection: 0 for A. Without a SYN in the capture it is the end with
   * the higher port, because servers have well-known ones.
   */
  get client(): 0 | 1 {
    const [a, b] = this.directions;
    if (a.hasSyn || b.hasSyn) return this.opener;
    return this.aPort >= this.bPort ? 0 : 1;
  }

  /** How often a mark was set in a direction, or in both. */
  countOf(name: MarkName, direction?: 0 | 1): number {
    const bit = MARK_NAMES.indexOf(name);
    const [a, b] = this.directions;
    if (direction !== undefined) return this.directions[direction].marks[bit]!;
    return a.marks[bit]! + b.marks[bit]!;
  }

  addIcmp(notice: IcmpNotice): void {
    this.icmpCount++;
    if (this.icmp.length < MOST_NOTICES) this.icmp.push(notice);
  }

  /** Seconds that went to `limit`, of a direction or of both. */
  seconds(limit: Limit, direction?: 0 | 1): number {
    const at = LimitIndex[limit];
    const a = this.limited[at]!;
    const b = this.limited[LIMITS.length + at]!;
    return (direction === undefined ? a + b : direction === 0 ? a : b) / 1e9;
  }

  /** From the first packet to the last. */
  get duration(): number {
    return Math.max(0, this.lastTime - this.firstTime) / 1e9;
  }
}
