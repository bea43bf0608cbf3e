/**
 * The faults of a link and their syntax: the words of `tc netem`, or `key=value`.
 *
 *     loss 5% delay 50ms 10ms rate 1mbit limit 100 in loss 10% out drop syn-ack:2 seed 7
 *
 * `in`, `out` and `both` set the direction of the words after them; `in` is towards the stack.
 */
import { MICROSECOND, MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import { type Direction, DropRule, LinkOptionError } from './drop-rules.js';
import type { HopAnswer } from './hop.js';

/** The faults of one direction. Shares are 0..1. */
export interface Impairments {
  loss: number;
  /**
   * Share of packets that get Congestion Experienced (RFC 3168). A packet without ECN is dropped
   * instead, as in a router.
   */
  mark: number;
  duplicate: number;
  /** Share of packets in which one random bit is flipped. */
  corrupt: number;
  /**
   * Share of packets that skip the delay and so overtake earlier ones; without a delay they are
   * held back for 1 ms instead.
   */
  reorder: number;
  delay: Micros;
  /** Each delay is uniform in `delay` +- `jitter`, so packets may overtake each other. */
  jitter: Micros;
  /** Bits a second of IP packets; 0: no limit. */
  rate: number;
  /** Packets that may wait in the queue for `rate`; more are dropped. */
  limitPackets: number;
  limitBytes: number;
  /**
   * Bytes of the longest IP packet that a hop on the path carries; 0: no limit but the device's.
   */
  hopMtu: number;
  /**
   * How the hop reports a packet that is too long: by an ICMP error, by one without the MTU (RFC
   * 1191 section 4.2), or not at all.
   */
  hopAnswer: HopAnswer;
}

export const NO_IMPAIRMENTS: Readonly<Impairments> = {
  loss: 0,
  mark: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  delay: 0,
  jitter: 0,
  rate: 0,
  limitPackets: 1000,
  limitBytes: Infinity,
  hopMtu: 0,
  hopAnswer: 'icmp',
};

export interface LinkOptions {
  readonly seed: number;
  readonly in: Impairments;
  readonly out: Impairments;
  readonly rules: DropRule[];
}

export const perfectLink = (seed = 1): LinkOptions => ({
  seed,
  in: { ...NO_IMPAIRMENTS },
  out: { ...NO_IMPAIRMENTS },
  rules: [],
});

/** True if packets pass a link with these options unchanged and at once. */
export const isPerfect = ({ in: i, out: o, rules }: LinkOptions): boolean =>
  rules.length === 0 && isUnimpaired(i) && isUnimpaired(o);

/** The limits count only at a rate, and what a hop answers only with its MTU. */
const isUnimpaired = (i: Impairments): boolean =>
  i.loss + i.mark + i.duplicate + i.corrupt + i.reorder + i.delay + i.jitter + i.rate + i.hopMtu ===
  0;

const SHARE_WORDS: Readonly<Record<string, 'loss' | 'mark' | 'duplicate' | 'corrupt' | 'reorder'>> =
  {
    loss: 'loss',
    mark: 'mark',
    duplicate: 'duplicate',
    dup: 'duplicate',
    corrupt: 'corrupt',
    reorder: 'reorder',
  };
const HOP_ANSWERS: Readonly<Record<string, HopAnswer>> = {
  blackhole: 'blackhole',
  'no-mtu': 'no-mtu',
};
const WORDS =
  'loss, mark, duplicate, corrupt, reorder, delay, jitter, rate, limit, mtu, drop, seed, in, ' +
  'out, both';

/**
 * Adds the faults of one or several descriptions to `into` (default: a link without faults), and
 * returns it with the seed. Throws LinkOptionError.
 */
export function parseLink(
  description: string | readonly string[],
  into: LinkOptions = perfectLink(),
): LinkOptions {
  const words = (typeof description === 'string' ? [description] : description)
    .flatMap((part) => part.split(/[\s,=]+/))
    .filter((word) => word !== '');
  let { seed } = into;
  let sides: Direction[] = ['in', 'out'];
  let at = 0;
  const value = (word: string, example: string): string => {
    const next = words[at++];
    if (next === undefined)
      throw new LinkOptionError(`'${word}' needs a value, for example ${example}`);
    return next;
  };
  const set = (change: Partial<Impairments>): void => {
    for (const side of sides) Object.assign(into[side], change);
  };
  while (at < words.length) {
    const word = words[at++]!.toLowerCase();
    const share = SHARE_WORDS[word];
    if (share !== undefined) set({ [share]: parseShare(value(word, `${word} 5%`), word) });
    else if (word === 'delay') {
      set({ delay: parseDuration(value(word, 'delay 50ms'), word) });
      if (DURATION.test(words[at] ?? '')) set({ jitter: parseDuration(words[at++]!, 'jitter') });
    } else if (word === 'jitter') set({ jitter: parseDuration(value(word, 'jitter 10ms'), word) });
    else if (word === 'rate') set({ rate: parseRate(value(word, 'rate 1mbit')) });
    else if (word === 'limit') set(parseLimit(value(word, 'limit 100')));
    else if (word === 'mtu') {
      const hopMtu = parseMtu(value(word, 'mtu 1280'));
      const says = HOP_ANSWERS[words[at]?.toLowerCase() ?? ''];
      if (says !== undefined) at++;
      set({ hopMtu, hopAnswer: says ?? 'icmp' });
    } else if (word === 'drop') {
      const rule = value(word, 'drop syn-ack:2');
      into.rules.push(
        DropRule.parse(
          sides.length === 1 && !/^(in|out):/.test(rule) ? `${sides[0]}:${rule}` : rule,
        ),
      );
    } else if (word === 'seed') seed = parseSeed(value(word, 'seed 7'));
    else if (word === 'in' || word === 'out') sides = [word];
    else if (word === 'both') sides = ['in', 'out'];
    else throw new LinkOptionError(`unknown link option '${word}'; use ${WORDS}`);
  }
  return { ...into, seed };
}

const SHARE = /^(\d*\.?\d+)%$/;
const DURATION = /^(\d*\.?\d+)(us|ms|s)$/i;
const RATE = /^(\d*\.?\d+)(k|m|g)?bit(?:\/s)?$/i;
const LIMIT = /^(\d+)(p|b|kb|mb)?$/i;
const DURATION_UNITS: Readonly<Record<string, Micros>> = {
  us: MICROSECOND,
  ms: MILLISECOND,
  s: SECOND,
};
const RATE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const SIZE_UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1_048_576 };

/** `5%` -> 0.05. */
export function parseShare(text: string, what: string): number {
  const share = Number(SHARE.exec(text)?.[1]) / 100;
  if (!(share <= 1))
    throw new LinkOptionError(
      `${what} '${text}' must be a share from 0% to 100%, for example ${what} 5%`,
    );
  return share;
}

/** `50ms` -> 50,000; rounded to whole microseconds. Throws LinkOptionError. */
export function parseDuration(text: string, what: string): Micros {
  const match = DURATION.exec(text);
  const unit = DURATION_UNITS[match?.[2]?.toLowerCase() ?? ''] ?? NaN;
  const duration = Math.round(Number(match?.[1]) * unit);
  if (!(duration <= 3600 * SECOND)) {
    throw new LinkOptionError(
      `${what} '${text}' must be a time in us, ms or s, up to 3600s, for example 50ms`,
    );
  }
  return duration;
}

/** `1mbit` -> 1,000,000 bits a second. */
export function parseRate(text: string): number {
  const match = RATE.exec(text);
  const rate = Number(match?.[1]) * RATE_UNITS[match?.[2]?.toLowerCase() ?? '']!;
  if (!(rate >= 1)) {
    throw new LinkOptionError(
      `rate '${text}' must be bits a second in bit, kbit, mbit or gbit, at least 1bit, for ` +
        'example 10mbit',
    );
  }
  return rate;
}

/** `100` or `100p` packets, `64kb` bytes. */
export function parseLimit(text: string): Partial<Impairments> {
  const match = LIMIT.exec(text);
  const n = Number(match?.[1]);
  if (!(n >= 1))
    throw new LinkOptionError(
      `limit '${text}' must be packets, as in limit 100, or bytes, as in limit 64kb`,
    );
  const unit = match?.[2]?.toLowerCase() ?? 'p';
  return unit === 'p'
    ? { limitPackets: n }
    : { limitPackets: Infinity, limitBytes: n * SIZE_UNITS[unit]! };
}

/** `1280`. */
export function parseMtu(text: string): number {
  const mtu = Number(text);
  if (/^\d+$/.test(text) && mtu >= 68 && mtu <= 65_535) return mtu;
  throw new LinkOptionError(
    `mtu '${text}' must be the bytes of the longest packet that passes, 68 to 65535, and ` +
      'optionally blackhole or no-mtu, for example mtu 1280 blackhole',
  );
}

export function parseSeed(text: string): number {
  if (!/^-?\d{1,10}$/.test(text))
    throw new LinkOptionError(`seed '${text}' must be a whole number, for example seed 7`);
  return Number(text);
}
