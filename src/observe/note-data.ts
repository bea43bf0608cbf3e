/**
 * A note as plain data: sequence numbers unsigned, infinite figures null, and beside them what of
 * the connection explains them.
 */
import type { Connection } from '../tcp/connection.js';
import type { Note } from '../tcp/notes.js';
import { CA_STATES } from './event-texts.js';
import type { NoteData } from './events.js';

/** Which of a note's figures are sequence numbers: inside they are int32. */
const SEQUENCE_NUMBERS: Partial<Record<Note, 'a' | 'b' | 'both'>> = {
  'iss-chosen': 'a',
  'syn-cookie': 'a',
  'fast-retransmit': 'a',
  'loss-probe': 'b',
  'rto-retransmit': 'a',
  'challenge-ack': 'both',
  'duplicate-ack-owed': 'a',
  'ecn-marked': 'a',
  'ecn-answered': 'a',
  urgent: 'b',
};

export function noteData(conn: Connection, note: Note, a: number, b: number): NoteData {
  const numbers = SEQUENCE_NUMBERS[note];
  return {
    note,
    a: numbers === 'a' || numbers === 'both' ? a >>> 0 : finite(a),
    b: numbers === 'b' || numbers === 'both' ? b >>> 0 : finite(b),
    ...contextOf(conn, note),
  };
}

const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

function contextOf(
  { snd, sack, windowScaling }: Connection,
  note: Note,
): Omit<NoteData, 'note' | 'a' | 'b'> {
  const { congestion, recovery } = snd;
  switch (note) {
    case 'cwnd':
    case 'ecn-reduced':
      return {
        control: congestion.name,
        ssthresh: finite(congestion.ssthresh),
        recovery: CA_STATES[recovery.state]!,
      };
    case 'fast-retransmit':
      return { sack, duplicates: recovery.reordering };
    case 'options-agreed':
      return { windowScaling };
    default:
      return {};
  }
}
