/** What a recording has, by its records alone: nothing is replayed. */
import type { Micros } from '../base/time.js';
import { RecordingEnds, RecordingError } from './errors.js';
import { type ByteSource, RecordReader } from './reader.js';

export interface Overview {
  /** Whole steps, the construction of the stack among them. */
  readonly steps: number;
  /** The times of the first and the last input. */
  readonly start: Micros;
  readonly end: Micros;
  /** Null for a whole file; else why it ends where it does. */
  readonly damage: string | null;
  /** The last step was cut; everything before it can be used. */
  readonly isCut: boolean;
}

/** Throws RecordingError if it is no recording. */
export function overviewOf(source: ByteSource): Overview {
  const reader = new RecordReader(source);
  let steps = 0;
  let start: Micros | null = null;
  let end = 0;
  let damage: string | null = null;
  try {
    while (reader.hasMore) {
      reader.skipStep();
      steps++;
      if (reader.now !== 0) start ??= reader.now;
      end = reader.now;
    }
    if (reader.cutBytes > 0) damage = CUT;
  } catch (error) {
    if (error instanceof RecordingEnds) damage = CUT;
    else if (error instanceof RecordingError) damage = error.message;
    else throw error;
  }
  return { steps, start: start ?? 0, end, damage, isCut: damage === CUT };
}

const CUT = 'the recording was cut: the program that wrote it was killed, or its disk was full';
