/**
 * What the compiler says of numbers with units (base/units.ts). `npm run check:types` checks each
 * `@ts-expect-error`: one that is followed by no error is an error.
 */
import { bytesText, durationText, segmentsText } from '../../src/base/quantities.js';
import { seqAdd, type Seq } from '../../src/base/seq.js';
import type { Micros } from '../../src/base/time.js';
import type { Bytes, Segments } from '../../src/base/units.js';
import type { TcpSnapshot } from '../../src/tcp/snapshot.js';

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

/** What is printed of a connection has the unit that stands behind it. */
export function misprints({ congestion, snd, rtt }: TcpSnapshot): string[] {
  return [
    // @ts-expect-error: cwnd counts segments
    bytesText(congestion.cwnd),
    // @ts-expect-error: and so does ssthresh
    bytesText(congestion.ssthresh),
    // @ts-expect-error: what is in flight, in bytes
    segmentsText(snd.flight),
    // @ts-expect-error: the window is no time
    durationText(snd.wnd),
    // @ts-expect-error: the round trip is no size
    bytesText(rtt.srtt),
  ];
}

/** Arithmetic gives plain numbers, which fit anywhere: whoever multiplies knows what comes out. */
export function use(bytes: Bytes, segments: Segments, mss: Bytes): Bytes {
  const total: Bytes = segments * mss;
  const plain: number = total;
  return Math.min(plain, bytes);
}
