/**
 * Compile-time checks of numbers with units (base/units.ts). `npm run check:types` fails if the
 * line after a `@ts-expect-error` has no error.
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
  // @ts-expect-error: a time is not a number of bytes
  takesBytes(micros);
  // @ts-expect-error: a sequence number is not a number of bytes
  takesBytes(seq);
  // @ts-expect-error: a number of bytes is not a number of segments
  takesSegments(bytes);
  // @ts-expect-error: a number of bytes is not a time
  takesMicros(bytes);
  // @ts-expect-error: a number of bytes is not a sequence number
  seqAdd(bytes, 1);
  // @ts-expect-error: an object's field keeps its unit
  const record: { cwnd: Segments } = { cwnd: bytes };
  void record;
}

/** A figure of a connection is printed with its own unit. */
export function misprints({ congestion, snd, rtt }: TcpSnapshot): string[] {
  return [
    // @ts-expect-error: cwnd counts segments
    bytesText(congestion.cwnd),
    // @ts-expect-error: ssthresh counts segments, too
    bytesText(congestion.ssthresh),
    // @ts-expect-error: the flight size counts bytes
    segmentsText(snd.flight),
    // @ts-expect-error: the window is not a time
    durationText(snd.wnd),
    // @ts-expect-error: the SRTT is not a size
    bytesText(rtt.srtt),
  ];
}

/** Arithmetic gives plain numbers, which every unit accepts. Their unit is not checked. */
export function use(bytes: Bytes, segments: Segments, mss: Bytes): Bytes {
  const total: Bytes = segments * mss;
  const plain: number = total;
  return Math.min(plain, bytes);
}
