/**
 * What the compiler says of numbers with units (base/units.ts). `npm run check:types` checks each
 * `@ts-expect-error`: one that is followed by no error is an error.
 */
import { seqAdd, type Seq } from '../../src/base/seq.js';
import type { Micros } from '../../src/base/time.js';
import type { Bytes, Segments } from '../../src/base/units.js';

export function misuse(bytes: Bytes, segments: Segments, micros: Micros, seq: Seq): void {
  const takesBytes = (_n: Bytes): void => undefined;
  const takesSegments = (_n: Segments): void => undefined;
  const takesMicros = (_n: Micros): void => undefined;

  // @ts-expect-error: a window of segments is not a window of bytes
  takesBytes(segments);
  // @ts-expect-error: nor is a time
  takesBytes(micros);
  // @ts-expect-error: nor is a place in the stream
  takesBytes(seq);
  // @ts-expect-error: and the other way round
  takesSegments(bytes);
  // @ts-expect-error: a buffer's size is no time
  takesMicros(bytes);
  // @ts-expect-error: sequence numbers count bytes, but from somewhere
  seqAdd(bytes, 1);
  // @ts-expect-error: an object's field keeps its unit
  const record: { cwnd: Segments } = { cwnd: bytes };
  void record;
}

/** Arithmetic gives plain numbers, which fit anywhere: whoever multiplies knows what comes out. */
export function use(bytes: Bytes, segments: Segments, mss: Bytes): Bytes {
  const total: Bytes = segments * mss;
  const plain: number = total;
  return Math.min(plain, bytes);
}
