/** What loss recovery and congestion control did to the congestion window, in a sentence each. */
import { countText } from '../base/quantities.js';
import { CA_STATES } from './event-texts.js';
import type { NoteData, TraceEvent } from './events.js';

/** By tcp/recovery/undo.ts's UndoBy. */
const UNDONE_BY = [
  'every retransmission was needless (RFC 4015)',
  "the ACK's timestamp shows that it is for an original (Eifel, RFC 3522)",
  'the peer reports every retransmission as a duplicate (D-SACK, RFC 3708)',
  'the ACK after the timeout is for an original (Eifel, RFC 3522)',
  'data that was not retransmitted is acknowledged after the timeout (F-RTO, RFC 5682)',
];

/**
 * The sentences of a note about recovery or the window; null for any other. `beside`: all events of
 * its step.
 */
export function windowText(data: NoteData, beside: readonly TraceEvent[]): string[] | null {
  const a = data.a ?? Infinity;
  const b = data.b ?? Infinity;
  switch (data.note) {
    case 'cwnd':
      return cwndText(data, beside);
    case 'ca-state':
      return [`loss recovery: ${CA_STATES[b]} -> ${CA_STATES[a]}`];
    case 'fast-retransmit':
      return [
        `${lossProof(data)}: it is sent again without waiting for the timer (fast retransmit)`,
      ];
    case 'loss-probe':
      return [
        `no ACK came in time: ${a === 1 ? 'the last segment once more' : 'a new segment'} as ` +
          'a probe (tail loss probe, RFC 8985 7)',
      ];
    case 'undo':
      return [`nothing was lost: ${UNDONE_BY[a]}`];
    case 'recovery-exit':
      return [
        'all data that was outstanding when the loss was detected is acknowledged: recovery ' +
          'ends (RFC 6582, RFC 9937)',
      ];
    case 'rto-retransmit':
      return [b === 1 ? 'the first timeout' : `timeout ${b} in a row`];
    case 'ecn-reduced':
      return [`ECE: a router marked data of ours${reduced(data)} (RFC 3168 6.1.2)`];
    default:
      return null;
  }
}

/** Why a segment counts as lost before its timer expires. */
export const lossProof = ({ sack, duplicates }: NoteData): string =>
  sack === true
    ? 'a segment that was sent later has arrived, so this one is lost (RFC 8985 6.2)'
    : `${duplicates} duplicate ACKs say that it was lost (RFC 5681 3.2)`;

/** `none` has no window that could go down, and BBR keeps to its model. */
const reduced = ({ a, control }: NoteData): string =>
  a === null || control === 'bbr'
    ? ''
    : `; as after a loss the congestion window goes down to ${countText(a, 'segment')}, once ` +
      'in a window of data';

function cwndText(data: NoteData, beside: readonly TraceEvent[]): string[] {
  const { a: cwnd, b: before } = data;
  // no congestion control: there is no window that moved
  if (cwnd === null || before === null) return [];
  const window = countText(cwnd, 'segment');
  const moved =
    before === cwnd
      ? `congestion window stays at ${window}`
      : `congestion window ${before} -> ${window}`;
  return [`${moved}${cwndCause(data, before, cwnd, beside)}`];
}

function cwndCause(
  data: NoteData,
  before: number,
  cwnd: number,
  beside: readonly TraceEvent[],
): string {
  const { control, recovery } = data;
  const ssthresh = data.ssthresh ?? Infinity;
  if (hasNote(beside, 'rto-retransmit'))
    return ': segments still in flight plus one (RFC 5681 3.1, RFC 8985 6.3)';
  if (hasNote(beside, 'undo')) return ': the reduction is undone';
  if (control === 'bbr') return ": BBR's model of the path";
  if (recovery === 'Recovery' || recovery === 'CWR')
    return `: proportional rate reduction, towards ${ssthresh} (RFC 9937)`;
  if (endsReduction(beside)) return `: the reduction is over (ssthresh ${ssthresh})`;
  if (cwnd < before)
    return hasNote(beside, 'path-mtu')
      ? ': the same bytes in larger segments (RFC 4821 7.6.1)'
      : '';
  if (before < ssthresh) return ': slow start (RFC 5681 3.1)';
  return control === 'cubic'
    ? ': congestion avoidance (CUBIC, RFC 9438 4)'
    : ': congestion avoidance (RFC 5681 3.1)';
}

const hasNote = (events: readonly TraceEvent[], note: string): boolean =>
  events.some((e) => e.name === 'tcp:note' && e.data.note === note);

/** Recovery or CWR was left in this step. */
const endsReduction = (events: readonly TraceEvent[]): boolean =>
  events.some(
    (e) =>
      e.name === 'tcp:note' &&
      e.data.note === 'ca-state' &&
      /^(CWR|Recovery)$/.test(CA_STATES[e.data.b ?? 0]!),
  );
