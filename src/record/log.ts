/**
 * Writes records into one large buffer, and hands it on as a block when it is full. Nothing is
 * allocated for a record.
 *
 *     begin ─▶ fields ─▶ the stack runs ─▶ end      an input: a call from outside
 *     output ─▶ leave ─▶ the user runs ─▶ enter     a call to the outside
 *
 * The log knows whether the stack or the program around it is running. So a call of the stack to
 * itself is told apart from a call from outside, which alone is an input. `crossings` counts how
 * often control left the stack or came back since the last input: it is the place at which a nested
 * input happens, and at which a replay repeats it.
 */
import { copyRange } from '../base/copy.js';
import type { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import {
  BLOCK_HEAD_BYTES,
  FORMAT_VERSION,
  hashOf,
  HEADER_AT,
  MAGIC,
  STEPS_PER_HASH,
  VERSION_AT,
} from './format.js';
import { NESTED, Op } from './records.js';

/** A block is written once it has this many bytes. */
const BLOCK_BYTES = 1 << 20;
/** Room for a record without its payload. */
const FIELD_ROOM = 256;
/** Larger integers, and fractions, are stored as a double. */
const LARGEST_INTEGER = 2 ** 51;

/** Receives the bytes of the file, in order. They are valid during the call. */
export type RecordSink = (chunk: Uint8Array) => void;

export class Log {
  /** Bytes of each payload that are kept. */
  readonly snap: number;
  /** Computes the state's hash; set once the stack is there. */
  stateHash: (() => number) | null = null;
  /** Numbers for what the stack makes. */
  connections = 0;
  listeners = 0;
  sockets = 0;
  steps = 0;
  crossings = 0;
  /** The last time that was recorded. */
  now: Micros = 0;
  private readonly sink: RecordSink;
  private bytes = new Uint8Array(BLOCK_BYTES + (BLOCK_BYTES >> 2));
  private view = new DataView(this.bytes.buffer);
  private at = BLOCK_HEAD_BYTES;
  private depth = 0;
  private isInside = false;

  constructor(sink: RecordSink, header: object, snap: number) {
    this.sink = sink;
    this.snap = snap;
    this.writeHeader(JSON.stringify(header));
  }

  private writeHeader(json: string): void {
    const text = utf8(json);
    const head = new Uint8Array(HEADER_AT + text.length);
    head.set(MAGIC);
    head[VERSION_AT] = FORMAT_VERSION;
    head.set(text, HEADER_AT);
    const view = new DataView(head.buffer);
    view.setUint32(8, text.length, true);
    view.setUint32(12, hashOf(head, HEADER_AT, head.length), true);
    this.sink(head);
  }

  // ---- Calls in and out -------------------------------------------------------------------------

  /** True if the stack is not running, so that a call now comes from outside. */
  get isOutside(): boolean {
    return !this.isInside;
  }

  /** An input begins. Its fields follow, then the stack runs, then `end`. */
  begin(op: number): void {
    this.reserve(FIELD_ROOM);
    if (this.depth++ === 0) this.bytes[this.at++] = op;
    else {
      this.bytes[this.at++] = op | NESTED;
      this.varint(this.crossings);
    }
    this.crossings = 0;
    this.isInside = true;
  }

  /** The call has returned, or thrown. */
  end(): void {
    this.isInside = false;
    if (--this.depth > 0) return;
    this.steps++;
    this.reserve(FIELD_ROOM);
    if (this.steps % STEPS_PER_HASH === 0 && this.stateHash !== null) {
      this.bytes[this.at++] = Op.hash;
      this.number(this.stateHash());
    }
    this.bytes[this.at++] = Op.end;
    if (this.at >= BLOCK_BYTES) this.flush();
  }

  /** An output or an answer begins; its fields follow. */
  op(op: number): void {
    this.reserve(FIELD_ROOM);
    this.bytes[this.at++] = op;
  }

  /** What was called threw. The place tells a replay which of the nested calls did. */
  threw(): void {
    this.op(Op.threw);
    this.number(this.crossings);
  }

  /** Control leaves the stack. */
  leave(): void {
    this.crossings++;
    this.isInside = false;
  }

  /** Control is back. */
  enter(): void {
    this.crossings++;
    this.isInside = true;
  }

  // ---- Fields -----------------------------------------------------------------------------------

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  flag(on: boolean): void {
    this.bytes[this.at++] = on ? 1 : 0;
  }

  /** Not negative, below 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.bytes[this.at++] = rest;
  }

  /** Any number, or undefined. */
  number(value: number | undefined): void {
    if (value === undefined) this.bytes[this.at++] = 0;
    else if (isStorable(value)) this.varint(zigzag(value) + 2);
    else {
      this.bytes[this.at++] = 1;
      this.double(value);
    }
  }

  time(now: Micros): void {
    const passed = now - this.now;
    if (isStorable(passed)) this.varint(zigzag(passed) + 1);
    else {
      this.bytes[this.at++] = 0;
      this.double(now);
    }
    if (Number.isFinite(now)) this.now = now;
  }

  private double(value: number): void {
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  text(text: string | null): void {
    if (text === null) {
      this.varint(0);
      return;
    }
    const coded = utf8(text);
    this.varint(coded.length + 1);
    this.raw(coded, 0, coded.length);
  }

  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  /** Bytes of the user: the first `snap` of them. */
  payload(data: Uint8Array): void {
    this.varint(data.length);
    this.raw(data, 0, Math.min(data.length, this.snap));
  }

  /** `length` bytes of `from`, without their number. */
  raw(from: Uint8Array, offset: number, length: number): void {
    this.reserve(length + FIELD_ROOM);
    copyRange(from, offset, this.bytes, this.at, length);
    this.at += length;
  }

  slice(slab: Slab, offset: number, length: number): void {
    this.raw(slab.bytes, offset, length);
  }

  // ---- Blocks -----------------------------------------------------------------------------------

  /** Grows the buffer for a step that is larger than a block. */
  private reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.at + bytes));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** Hands on all whole steps. Does nothing in the middle of a step, which is handed on later. */
  flush(): void {
    if (this.depth > 0 || this.at === BLOCK_HEAD_BYTES) return;
    const { bytes, view, at } = this;
    view.setUint32(0, at - BLOCK_HEAD_BYTES, true);
    view.setUint32(4, hashOf(bytes, BLOCK_HEAD_BYTES, at), true);
    view.setUint32(8, hashOf(bytes, 0, 8), true);
    this.at = BLOCK_HEAD_BYTES;
    this.sink(bytes.subarray(0, at));
  }
}

const isStorable = (n: number): boolean =>
  Number.isInteger(n) && Math.abs(n) < LARGEST_INTEGER && !Object.is(n, -0);

const zigzag = (n: number): number => (n < 0 ? -2 * n - 1 : 2 * n);

/** UTF-8, because ECMAScript has no encoder of its own. Lone surrogates are encoded as they are. */
export function utf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const char of text) {
    const c = char.codePointAt(0)!;
    if (c < 0x80) out.push(c);
    else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x1_0000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else
      out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return Uint8Array.from(out);
}
