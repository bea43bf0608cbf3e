/** A sentence for each note about loss recovery and the congestion window. */
import { segmentsText } from '../base/quantities.js';
import type { Segments } from '../base/units.js';
import type { Note, UndoProof } from '../tcp/notes.js';
import type { TraceEvent } from './events.js';

type NoteOf<Name extends Note['note']> = Extract<Note, { note: Name }>;

const UNDONE_BY: Readonly<Record<UndoProof, string>> = {
  full: 'every retransmission was unnecessary (RFC 4015)',
  partial: "the ACK's timestamp shows that it is for an original (Eifel, RFC 3522)",
  dsack: 'the peer reports every retransmission as a duplicate (D-SACK, RFC 3708)',
  loss: 'the ACK after the timeout is for an original (Eifel, RFC 3522)',
  frto: 'data that was not retransmitted is acknowledged after the timeout (F-RTO, RFC 5682)',
};

/** The sentences for such a note; null for any other note. `beside`: all events of its step. */
export function windowText(n: Note, beside: readonly TraceEvent[]): string[] | null {
  switch (n.note) {
    case 'cwnd':
      return cwndText(n, beside);
    case 'ca-state':
      return [`loss recovery: ${n.before} -> ${n.state}`];
    case 'fast-retransmit':
      return [`${lossProof(n)}: it is sent again without waiting for the timer (fast retransmit)`];
    case 'loss-probe':
      return [`no ACK came in time: ${probe(n)} as a probe (tail loss probe, RFC 8985 7)`];
    case 'undo':
      return [`nothing was lost: ${UNDONE_BY[n.proof]}`];
    case 'recovery-exit':
      return [
        'all data that was outstanding when the loss was detected is acknowledged: recovery ' +
          'ends (RFC 6582, RFC 9937)',
      ];
    case 'rto-retransmit':
      return [n.timeouts === 1 ? 'the first timeout' : `${n.timeouts} timeouts in a row`];
    case 'ecn-reduced':
      return [`ECE: a router marked our data${reduced(n)} (RFC 3168 6.1.2)`];
    default:
      return null;
  }
}

/** Why a segment is considered lost before its timer expires. */
export const lossProof = ({ sack, duplicates }: NoteOf<'fast-retransmit'>): string =>
  sack
    ? 'a segment that was sent later has arrived, so this one is lost (RFC 8985 6.2)'
    : `${duplicates} duplicate ACKs indicate that it was lost (RFC 5681 3.2)`;

const probe = ({ retransmitted }: NoteOf<'loss-probe'>): string =>
  retransmitted ? 'the last segment is sent again' : 'a new segment is sent';

/** Empty for `none`, which has no congestion window, and for BBR, which follows its own model. */
const reduced = ({ ssthresh, control }: NoteOf<'ecn-reduced'>): string =>
  ssthresh === null || control === 'bbr'
    ? ''
    : `; the congestion window is reduced to ${segmentsText(ssthresh)}, as after a ` +
      'loss, at most once per window of data';

function cwndText(n: NoteOf<'cwnd'>, beside: readonly TraceEvent[]): string[] {
  const { cwnd, before } = n;
  // Without congestion control there is no window.
  if (cwnd === null || before === null) return [];
  const window = segmentsText(cwnd);
  const moved =
    before === cwnd
      ? `congestion window stays at ${window}`
      : `congestion window ${before} -> ${window}`;
  return [`${moved}${cwndCause(n, before, cwnd, beside)}`];
}

function cwndCause(
  n: NoteOf<'cwnd'>,
  before: Segments,
  cwnd: Segments,
  beside: readonly TraceEvent[],
): string {
  const { control, recovery } = n;
  const ssthresh: Segments = n.ssthresh ?? Infinity;
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

const hasNote = (events: readonly TraceEvent[], note: Note['note']): boolean =>
  events.some((e) => e.name === 'tcp:note' && e.data.note === note);

/** True if Recovery or CWR ended in this step. */
const endsReduction = (events: readonly TraceEvent[]): boolean =>
  events.some(
    (e) =>
      e.name === 'tcp:note' &&
      e.data.note === 'ca-state' &&
      (e.data.before === 'CWR' || e.data.before === 'Recovery'),
  );
