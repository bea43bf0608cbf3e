/**
 * The recording as a replay follows it. Everything that a replayed stack asks of its surroundings
 * is compared with the next record, and the answers are read from it.
 *
 *     the stack calls out ─▶ expect: the same record? ─▶ leave: nested inputs ─▶ enter ─▶ answer
 *
 * After a difference, after the end of a recording that was cut, and after damage `isBroken` is
 * true. Then the rest of the step runs with answers that are harmless, because an exception would
 * only pass through a stack that is in the middle of something.
 */
import type { Micros } from '../base/time.js';
import { RecordingEnds, RecordingError } from './errors.js';
import { damagedAt } from './fields.js';
import type { RecordingHeader } from './header.js';
import { SentHeaders } from './packets.js';
import { type ByteSource, RecordReader } from './reader.js';
import { NESTED, Op, recordType } from './records.js';
import { sentText } from './sent-text.js';

/** A replay did something else than the recording. It cannot go on behind this. */
export interface Divergence {
  readonly step: number;
  readonly now: Micros;
  readonly expected: string;
  readonly got: string;
}

export const divergenceText = ({ step, expected, got }: Divergence): string =>
  `the replay diverges at step ${step}: expected ${expected}, got ${got}`;

/** The message of the exception that stands for one of the recorded program. */
export const THROWN = 'the recorded program threw an exception here';

export abstract class Transcript {
  readonly header: RecordingHeader;
  readonly reader: RecordReader;
  /** Steps that were replayed. */
  steps = 0;
  /** The first difference to the recording; null as long as there is none. */
  divergence: Divergence | null = null;
  /** The recording was cut, in the middle of the step behind the last one. */
  isCut = false;
  protected failure: RecordingError | null = null;
  /** Counted as in the recording (log.ts). */
  protected crossings = 0;
  /** True while the stack runs. */
  protected isInside = false;

  /** Throws RecordingError if it is no recording that this version can read. */
  constructor(source: ByteSource) {
    this.reader = new RecordReader(source);
    this.header = this.reader.header;
  }

  /** Calls the stack with the input whose first byte was read. */
  protected abstract input(op: number): unknown;

  /** The time of the last input. */
  get now(): Micros {
    return this.reader.now;
  }

  /** Nothing is compared any more. */
  get isBroken(): boolean {
    return this.divergence !== null || this.isCut || this.failure !== null;
  }

  // ---- Records ----------------------------------------------------------------------------------

  /** The next record's first byte; -1 at the end, and if nothing is compared any more. */
  peek(): number {
    return this.read((reader) => reader.peek()) ?? -1;
  }

  /** Reads fields. Undefined if the recording ends or is damaged there. */
  read<T>(fields: (reader: RecordReader) => T): T | undefined {
    if (this.isBroken) return undefined;
    try {
      return fields(this.reader);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  protected fail(error: unknown): void {
    if (error instanceof RecordingEnds) this.isCut = true;
    else if (error instanceof RecordingError) this.failure ??= error;
    else throw error;
  }

  protected throwIfDamaged(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** Consumes the first byte of the next record, which must be `op`; `got` describes it. */
  expect(op: number, got: () => string = () => recordType(op)!.name): boolean {
    const next = this.peek();
    if (this.isBroken) return false;
    if (next === op) {
      this.reader.byte();
      return true;
    }
    if (next === -1) this.isCut = true;
    else this.diverge(this.nextText(), got());
    return false;
  }

  /** Reads a field of an output, which must be `got`. */
  compare(name: string, got: number | string, read: (reader: RecordReader) => unknown): void {
    const expected = this.read(read);
    if (!this.isBroken && expected !== got)
      this.diverge(`${name} ${String(expected)}`, `${name} ${got}`);
  }

  diverge(expected: string, got: string): void {
    this.divergence ??= { step: this.steps + 1, now: this.now, expected, got };
  }

  /** The next record in words. It is consumed, because nothing is replayed behind it. */
  protected nextText(): string {
    const text = this.read((reader) => {
      const op = reader.peek() & ~NESTED;
      if (op !== Op.sent) return recordType(op)?.name ?? `record ${op}`;
      reader.byte();
      const headers = new SentHeaders();
      headers.read(reader);
      return sentText(headers);
    });
    return text ?? 'the end';
  }

  // ---- Crossings --------------------------------------------------------------------------------

  /**
   * Control is outside for a moment: the nested inputs that the recording has here. Throws what the
   * recorded program threw.
   */
  cross(): void {
    if (!this.isInside) return;
    this.leave();
    this.enter();
  }

  /** As `cross`, for outputs with an answer: it is read before `enter`. */
  leave(): void {
    this.crossings++;
    this.isInside = false;
    while (this.peek() >= NESTED && this.isHere()) this.playNested();
  }

  enter(): void {
    const threw = this.peek() === Op.threw && this.isAnsweredHere();
    this.crossings++;
    this.isInside = true;
    if (threw) throw new Error(THROWN);
  }

  private isHere(): boolean {
    return this.read((reader) => reader.peekCrossings()) === this.crossings;
  }

  private playNested(): void {
    const op = this.read((reader) => {
      const first = reader.byte() & ~NESTED;
      reader.varint();
      if (recordType(first)?.kind !== 'input')
        throw damagedAt(reader.offset, `record ${first} is no input`);
      return first;
    });
    if (op === undefined) return;
    this.crossings = 0;
    try {
      this.input(op);
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * The stack asked something that is recorded only where the answer was yes, with the place. True
   * if it was.
   */
  asked(op: number): boolean {
    if (!this.isInside) return false;
    this.crossings++;
    return this.peek() === op && this.isAnsweredHere();
  }

  /** Consumes the next record, an answer with its place, if that is here. */
  private isAnsweredHere(): boolean {
    const here = this.read((reader) => {
      if (reader.peekNumber() !== this.crossings) return false;
      reader.byte();
      reader.number();
      return true;
    });
    return here === true;
  }
}
