/**
 * Runs changed scripts. A change must make its script fail unless it changes only the stack's input
 * and the output stays the same.
 */
import { SECOND } from '../../../src/base/time.js';
import { decode } from '../../../src/lab/script/decode.js';
import { playScript } from '../../../src/lab/script/play.js';
import type { Verdict } from '../../../src/lab/script/verdict.js';
import { LATER, mutantsOf, type ScriptMutant } from './mutate.js';

export interface MutationResult {
  killed: number;
  /**
   * Changes of the input after which the stack's packets and their times are the same. No script
   * can notice them.
   */
  noEffect: number;
  /** `noEffect` by the kind of change, for the table in docs/packet-scripts.md. */
  readonly noEffectBy: Map<string, number>;
  survived: { file: string; line: number; what: string; changed: string }[];
}

/** Kinds of changes of the input. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^time/, 'the time of a call or a packet'],
  [/^flags with U$/, 'URG set, with a pointer of 0'],
  [/^without option nop$/, 'a nop less'],
  [/^(?:sequence number|length)$/, 'sequence number, length'],
  [/^win$/, 'the window of a segment'],
  [/option mss|in mss/, "the MSS option's number, or none"],
  [/^(?:argument|setting)$/, 'sizes, flags and settings'],
  [/wscale/, 'window scale'],
  [/^flags without P$/, 'no PSH'],
  [
    / TS|sack |^ack$|^ECN$|^flags with F$|^flags without [EW]$/,
    'timestamps, SACK blocks, acknowledgment numbers, FIN, ECN',
  ],
  [/(?:)/, 'others'],
];

export function runMutants(
  scripts: readonly { file: string; text: string }[],
  choose: (mutant: ScriptMutant) => boolean = () => true,
): MutationResult {
  const result: MutationResult = { killed: 0, noEffect: 0, noEffectBy: new Map(), survived: [] };
  for (const { file, text } of scripts) {
    const original = answersOf(playScript(file, text, { strict: true }));
    for (const mutant of mutantsOf(text)) {
      if (!choose(mutant)) continue;
      const verdict = playScript(file, mutant.text, { strict: true });
      if (verdict.outcome !== 'PASS') result.killed++;
      else if (mutant.isInput && areAlike(original, answersOf(verdict))) {
        const kind = KINDS.find(([pattern]) => pattern.test(mutant.what))![1];
        result.noEffect++;
        result.noEffectBy.set(kind, (result.noEffectBy.get(kind) ?? 0) + 1);
      } else {
        const changed = mutant.text.split('\n')[mutant.line - 1]!;
        result.survived.push({ file, line: mutant.line, what: mutant.what, changed });
      }
    }
  }
  return result;
}

/** Share of the noticeable changes that made the script fail. */
export const share = ({ killed, survived }: MutationResult): number =>
  killed / (killed + survived.length);

interface Answer {
  readonly text: string;
  /** Time since the previous packet in either direction. */
  readonly gap: number;
}

/**
 * The packets that the stack sent, each with the number of packets that had arrived before it and
 * the time since the previous packet.
 */
function answersOf({ log }: Verdict): Answer[] {
  const out: Answer[] = [];
  let isn: number | null = null;
  let came = 0;
  let before = 0;
  for (const p of log) {
    if (p.way === 'in') came++;
    else {
      const { tcp: t } = decode(p);
      if (t !== null && (t.flags & 2) !== 0) isn ??= t.seq;
      const options = t?.options.map((o) =>
        o.kind === 'TS' ? `TS ecr ${o.ecr}` : JSON.stringify(o),
      );
      const seq = t === null ? 0 : (t.seq - (isn ?? 0)) >>> 0;
      const text = [came, seq, t?.payloadBytes, t?.ack, t?.flags, t?.window, options?.join()].join(
        ' ',
      );
      out.push({ text, gap: p.at - before });
    }
    before = p.at;
  }
  return out;
}

const NEAR = 20_000;

/**
 * Whether the packets and their times are the same. One packet may be late by `LATER`, because the
 * call that causes it may have been delayed.
 */
function areAlike(a: readonly Answer[], b: readonly Answer[]): boolean {
  let later = 0;
  const same = a.every((x, i) => {
    const y = b[i];
    if (y === undefined || x.text !== y.text) return false;
    const off = y.gap - x.gap;
    if (Math.abs(off - LATER * SECOND) < NEAR) later++;
    else if (Math.abs(off) > NEAR) return false;
    return true;
  });
  return same && a.length === b.length && later <= 1;
}
