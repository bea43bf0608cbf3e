/**
 * Rules that drop chosen packets, for example "our first two SYN-ACKs".
 *
 *     syn-ack:2    the first two SYN-ACKs      data:5-7    the fifth to seventh segment with data
 *     rst          every RST                   nth:10      the tenth packet of any kind
 *     in:ack:3     the first three bare ACKs   every:10    each tenth packet
 *                  that come in
 *
 *     data:5%      each segment with data  syn@:80     SYNs from or to port 80
 *                  with this probability   any@10.0.0.0/8   packets from or to these addresses
 *
 * Without `in:` or `out:` a rule looks at both directions and counts them together. Retransmissions
 * count as well.
 */
import type { Random } from '../../base/random.js';
import { EndError, EndMatch } from './end-match.js';
import { Kind } from './packet-kind.js';

export type Direction = 'in' | 'out';

/** An invalid description of a link; the message says what is valid. */
export class LinkOptionError extends Error {
  readonly code = 'EINVAL';
}

const SHAPE = /^(?:(in|out):)?([a-z-]+)(?::(\d+)(?:-(\d+))?|:(\d*\.?\d+)%)?(?:@(\S*))?$/;

export class DropRule {
  /** The rule's text. */
  readonly text: string;
  readonly direction: Direction | null;
  /** The address and the port that a packet must have; null for any. */
  readonly end: EndMatch | null;
  /** How many packets of its kind the rule has seen, and how many it dropped. */
  seen = 0;
  dropped = 0;
  private readonly kind: number;
  private readonly first: number;
  private readonly last: number;
  /** From `first` on, the rule drops one packet in `every`. */
  private readonly every: number;
  /** The probability with which it drops those; 1 without a share. */
  private readonly share: number;

  private constructor(
    text: string,
    direction: Direction | null,
    kind: number,
    first: number,
    last: number,
    every: number,
    end: EndMatch | null,
    share = 1,
  ) {
    this.text = text;
    this.end = end;
    this.share = share;
    this.direction = direction;
    this.kind = kind;
    this.first = first;
    this.last = last;
    this.every = every;
  }

  /** Throws LinkOptionError. */
  static parse(text: string): DropRule {
    const match = SHAPE.exec(text.trim().toLowerCase());
    if (match === null) throw new LinkOptionError(`drop '${text}': ${GRAMMAR}`);
    const [, side, word, from, to, percent, endText] = match;
    const end = endText === undefined ? null : parseEnd(endText, text);
    const direction = (side as Direction | undefined) ?? null;
    const low = from === undefined ? 0 : Number(from);
    const high = to === undefined ? low : Number(to);
    if (from !== undefined && low < 1)
      throw new LinkOptionError(`drop '${text}': packets are counted from 1`);
    if (high < low)
      throw new LinkOptionError(`drop '${text}': the range ${low}-${high} is reversed`);
    if (word === 'nth' || word === 'every') {
      if (from === undefined) throw new LinkOptionError(`drop '${text}': which? Write ${word}:10`);
      if (word === 'nth') return new DropRule(text, direction, Kind.any, low, high, 1, end);
      if (to !== undefined)
        throw new LinkOptionError(`drop '${text}': 'every' takes one number, as in every:10`);
      return new DropRule(text, direction, Kind.any, low, Infinity, low, end);
    }
    const kind = (Kind as Readonly<Record<string, number>>)[word!];
    if (kind === undefined)
      throw new LinkOptionError(`drop '${text}': unknown kind '${word}'; ${GRAMMAR}`);
    if (from === undefined) {
      const share = percent === undefined ? 1 : Number(percent) / 100;
      if (share > 1) throw new LinkOptionError(`drop '${text}': a share is at most 100%`);
      return new DropRule(text, direction, kind, 1, Infinity, 1, end, share);
    }
    return new DropRule(text, direction, kind, to === undefined ? 1 : low, high, 1, end);
  }

  /** Counts a packet; returns true if it must be dropped. `random` decides for a share. */
  drops(direction: Direction, kind: number, random: Random | null = null): boolean {
    if ((kind & this.kind) === 0 || (this.direction !== null && this.direction !== direction))
      return false;
    const n = ++this.seen;
    if (n < this.first || n > this.last || (n - this.first) % this.every !== 0) return false;
    if (this.share < 1 && random !== null && random.float() >= this.share) return false;
    this.dropped++;
    return true;
  }
}

function parseEnd(text: string, rule: string): EndMatch {
  try {
    return EndMatch.parse(text);
  } catch (error) {
    if (error instanceof EndError) throw new LinkOptionError(`drop '${rule}': ${error.message}`);
    throw error;
  }
}

const GRAMMAR =
  `write [in:|out:]KIND[:COUNT][@END], KIND one of ${Object.keys(Kind).join(', ')}, nth, every; ` +
  'COUNT 2 for the first two, 5-7 for the fifth to the seventh, 5% for a share; END an address, ' +
  ':PORT or both; for example syn-ack:2 or data:5%@:80';
