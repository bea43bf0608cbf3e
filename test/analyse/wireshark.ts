/** Our marks and numbers beside those of tshark, for one capture. */
import { execFileSync } from 'node:child_process';
import { Analyser } from '../../src/analyse/analyser.js';
import {
  ANY_RETRANSMISSION,
  Mark,
  MARK_NAMES,
  type MarkName,
  wiresharkField,
} from '../../src/analyse/marks.js';
import type { SeenSegment } from '../../src/analyse/segment.js';
import { CaptureReader } from '../../src/capture/reader.js';

const NUMBERS = [
  'bytes_in_flight',
  'ack_rtt',
  'acks_frame',
  'initial_rtt',
  'rto',
  'rto_frame',
  'duplicate_ack_num',
  'duplicate_ack_frame',
] as const;
const INITIAL_RTT = MARK_NAMES.length + NUMBERS.indexOf('initial_rtt');
export type NumberName = (typeof NUMBERS)[number] | 'tcp.stream';

export interface Difference {
  readonly kind: MarkName | NumberName;
  readonly frame: number;
  readonly ours: string;
  readonly theirs: string;
}

export interface Agreement {
  /** Segments that both, only we, only Wireshark marked. */
  readonly marks: Readonly<Record<MarkName, { both: number; ours: number; theirs: number }>>;
  /** How often each number was compared and equal. */
  readonly numbers: Readonly<Record<NumberName, { equal: number; different: number }>>;
  readonly differences: readonly Difference[];
  readonly segments: number;
}

/** What tshark 4 says of each frame: a row of fields. */
export function tsharkRows(path: string): string[][] {
  const fields = [
    'frame.number',
    'tcp.stream',
    ...MARK_NAMES.map(wiresharkField),
    ...NUMBERS.map((name) => `tcp.analysis.${name}`),
  ];
  const text = execFileSync(
    'tshark',
    ['-n', '-r', path, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((f) => ['-e', f])],
    { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('|'));
}

export function compare(file: Uint8Array, rows: readonly string[][]): Agreement {
  const marks = Object.fromEntries(
    MARK_NAMES.map((name) => [name, { both: 0, ours: 0, theirs: 0 }]),
  ) as Record<MarkName, { both: number; ours: number; theirs: number }>;
  const numbers = Object.fromEntries(
    [...NUMBERS, 'tcp.stream' as const].map((name) => [name, { equal: 0, different: 0 }]),
  ) as Record<NumberName, { equal: number; different: number }>;
  const differences: Difference[] = [];
  const firstNumber = 2 + MARK_NAMES.length;
  const onSegment = (seg: SeenSegment): void => {
    const row = rows[seg.number - 1]!;
    for (const [i, name] of MARK_NAMES.entries()) {
      const ours = has(seg, name);
      const theirs = row[2 + i] !== '';
      if (ours && theirs) marks[name].both++;
      else if (ours || theirs) {
        marks[name][ours ? 'ours' : 'theirs']++;
        differences.push({
          kind: name,
          frame: seg.number,
          ours: String(ours),
          theirs: String(theirs),
        });
      }
    }
    const note = (kind: NumberName, ours: string, theirs: string): void => {
      const isEqual = ours === theirs;
      numbers[kind][isEqual ? 'equal' : 'different']++;
      if (!isEqual) differences.push({ kind, frame: seg.number, ours, theirs });
    };
    note('tcp.stream', String(seg.conversation!.index), row[1]!);
    // tshark shows the initial round trip only beside another result of its analysis.
    const isAnalysed = row.slice(2).some((field, i) => field !== '' && i !== INITIAL_RTT);
    for (const [i, name] of NUMBERS.entries())
      if (name !== 'initial_rtt' || isAnalysed)
        note(name, ourNumber(seg, name), row[firstNumber + i]!);
  };
  const analyser = new Analyser({ onSegment });
  const reader = new CaptureReader((packet) => analyser.packet(packet));
  reader.push(file);
  reader.end();
  return { marks, numbers, differences, segments: analyser.segments };
}

/** Wireshark calls a fast or spurious retransmission a retransmission, too. */
const has = (seg: SeenSegment, name: MarkName): boolean =>
  (seg.marks & (name === 'retransmission' ? ANY_RETRANSMISSION : Mark[name])) !== 0;

/** As tshark writes it. */
function ourNumber(seg: SeenSegment, name: (typeof NUMBERS)[number]): string {
  // tshark shows no time of zero.
  const seconds = (nanos: number): string => (nanos > 0 ? (nanos / 1e9).toFixed(9) : '');
  const count = (n: number): string => (n > 0 ? String(n) : '');
  switch (name) {
    case 'bytes_in_flight':
      return count(seg.inFlight);
    case 'ack_rtt':
      return seconds(seg.ackRtt);
    case 'acks_frame':
      return count(seg.acksFrame);
    case 'initial_rtt':
      return seconds(seg.conversation!.initialRtt);
    case 'rto':
      return seconds(seg.rto);
    case 'rto_frame':
      return count(seg.rtoFrame);
    case 'duplicate_ack_num':
      return count(seg.duplicateNumber);
    case 'duplicate_ack_frame':
      return count(seg.duplicateOf);
  }
}
