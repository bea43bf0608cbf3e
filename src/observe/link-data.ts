/**
 * A link's faults and what they did so far as plain data, and as text in the words of `tc netem`.
 */
import { MILLISECOND, SECOND, type Micros } from '../base/time.js';
import type { Lane } from '../device/link/lane.js';
import type { Link } from '../device/link/link.js';
import type { Impairments } from '../device/link/link-options.js';

/** The limits are null without one, because JSON has no infinity. */
export type ImpairmentsData = Readonly<
  Omit<Impairments, 'limitPackets' | 'limitBytes'> & {
    limitPackets: number | null;
    limitBytes: number | null;
  }
>;

export interface LaneData {
  readonly impairments: ImpairmentsData;
  /** Packets: how many entered, and what happened to them. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface LinkData {
  readonly seed: number;
  /** Towards the stack, and away from it. */
  readonly in: LaneData;
  readonly out: LaneData;
  readonly rules: readonly {
    readonly text: string;
    readonly seen: number;
    readonly dropped: number;
  }[];
}

export function linkData(link: Link): LinkData {
  return {
    seed: link.options.seed,
    in: laneData(link.in),
    out: laneData(link.out),
    rules: link.rules.map(({ text, direction, seen, dropped }) => ({
      text: direction === null || text.startsWith(`${direction}:`) ? text : `${direction}:${text}`,
      seen,
      dropped,
    })),
  };
}

function laneData({ impairments, counters }: Lane): LaneData {
  const { limitPackets, limitBytes } = impairments;
  const orNull = (n: number): number | null => (n === Infinity ? null : n);
  return {
    impairments: {
      ...impairments,
      limitPackets: orNull(limitPackets),
      limitBytes: orNull(limitBytes),
    },
    counters: { ...counters },
  };
}

const NAMES: readonly (readonly [counter: string, text: string])[] = [
  ['lost', 'lost'],
  ['ruled', 'dropped by rules'],
  ['queueFull', 'dropped by the full queue'],
  ['tooBig', 'too big for the hop'],
  ['cut', 'cut'],
  ['marked', 'marked'],
  ['duplicated', 'duplicated'],
  ['corrupted', 'corrupted'],
  ['reordered', 'reordered'],
];

/** The lines of `tcplab faults`. */
export function linkLines(d: LinkData): string[] {
  const [i, o] = [faultWords(d.in.impairments), faultWords(d.out.impairments)];
  const lines: string[] = [];
  if (i === '' && o === '' && d.rules.length === 0) lines.push('no faults');
  else if (i === o) {
    if (i !== '') lines.push(`both: ${i} seed ${d.seed}`);
  } else {
    lines.push(`in:   ${i === '' ? 'no faults' : `${i} seed ${d.seed}`}`);
    lines.push(`out:  ${o === '' ? 'no faults' : `${o} seed ${d.seed}`}`);
  }
  for (const { text, seen, dropped } of d.rules)
    lines.push(`drop: ${text} (${dropped} of ${seen} dropped)`);
  for (const [side, { counters }] of [
    ['in', d.in],
    ['out', d.out],
  ] as const) {
    const packets = counters['packets'] ?? 0;
    if (packets === 0) continue;
    const did = NAMES.filter(([name]) => (counters[name] ?? 0) > 0).map(
      ([name, text]) => `${counters[name]!} ${text}`,
    );
    lines.push(`${side} so far: ${[`${packets} packets`, ...did].join(', ')}`);
  }
  return lines;
}

/** `loss 5% delay 50ms 10ms`: what `faults set` would take. */
export function faultWords(i: ImpairmentsData): string {
  const words: string[] = [];
  const share = (word: string, value: number): void => {
    if (value > 0) words.push(`${word} ${Number((100 * value).toPrecision(6))}%`);
  };
  share('loss', i.loss);
  share('mark', i.mark);
  share('duplicate', i.duplicate);
  share('corrupt', i.corrupt);
  share('reorder', i.reorder);
  if (i.delay > 0 || i.jitter > 0)
    words.push(`delay ${timeText(i.delay)}${i.jitter > 0 ? ` ${timeText(i.jitter)}` : ''}`);
  if (i.rate > 0) {
    words.push(`rate ${rateText(i.rate)}`);
    if (i.limitPackets !== null) words.push(`limit ${i.limitPackets}`);
    else if (i.limitBytes !== null) words.push(`limit ${i.limitBytes}b`);
  }
  if (i.hopMtu > 0) words.push(`mtu ${i.hopMtu}${i.hopAnswer === 'icmp' ? '' : ` ${i.hopAnswer}`}`);
  return words.join(' ');
}

function timeText(us: Micros): string {
  if (us >= SECOND && us % MILLISECOND === 0) return `${us / SECOND}s`;
  return us >= MILLISECOND ? `${us / MILLISECOND}ms` : `${us}us`;
}

function rateText(bits: number): string {
  for (const [unit, factor] of [
    ['g', 1e9],
    ['m', 1e6],
    ['k', 1e3],
  ] as const)
    if (bits >= factor && (bits * 1000) % factor === 0) return `${bits / factor}${unit}bit`;
  return `${bits}bit`;
}
