/**
 * A filter as closures over a frame. They do what libpcap's BPF program would do, load for load:
 * a load behind the captured bytes rejects the packet, even under a `not`.
 */
import { get32 } from '../../wire/bytes.js';
import type { CaptureDirection, CapturedPacket } from '../packet.js';

/** The packet at hand. */
export class Frame {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private captured = 0;
  /** Length on the wire: BPF's `len`. */
  wireLength = 0;
  direction: CaptureDirection | null = null;
  /** A load went past the captured bytes, or a number was divided by zero. */
  rejected = false;

  set(packet: CapturedPacket): void {
    this.bytes = packet.bytes;
    this.start = packet.offset;
    this.captured = packet.capturedLength;
    this.wireLength = packet.originalLength;
    this.direction = packet.direction;
    this.rejected = false;
  }

  load8(at: number): number {
    if (at >= this.captured) return this.reject();
    return this.bytes[this.start + at]!;
  }

  load16(at: number): number {
    if (at + 2 > this.captured) return this.reject();
    const o = this.start + at;
    return (this.bytes[o]! << 8) | this.bytes[o + 1]!;
  }

  load32(at: number): number {
    if (at + 4 > this.captured) return this.reject();
    return get32(this.bytes, this.start + at) >>> 0;
  }

  reject(): number {
    this.rejected = true;
    return 0;
  }
}

export type Test = (frame: Frame) => boolean;
export type Value = (frame: Frame) => number;

export const always: Test = () => true;
export const never: Test = () => false;

export const and = (a: Test, b: Test): Test =>
  a === always ? b : a === never ? never : (frame) => a(frame) && b(frame);

export const or = (a: Test, b: Test): Test =>
  a === never ? b : a === always ? always : (frame) => a(frame) || b(frame);

export const not =
  (a: Test): Test =>
  (frame) =>
    !a(frame);

export const byteIs =
  (at: number, value: number): Test =>
  (frame) =>
    frame.load8(at) === value;
export const halfIs =
  (at: number, value: number): Test =>
  (frame) =>
    frame.load16(at) === value;

/** `mask` 0 loads nothing, because libpcap's optimizer leaves that load out. */
export function wordIs(at: number, value: number, mask: number): Test {
  if (mask === 0) return always;
  return (frame) => (frame.load32(at) & mask) >>> 0 === value;
}

export function loadOf(size: 1 | 2 | 4): (frame: Frame, at: number) => number {
  if (size === 1) return (frame, at) => frame.load8(at);
  if (size === 2) return (frame, at) => frame.load16(at);
  return (frame, at) => frame.load32(at);
}

/** Unsigned 32-bit arithmetic. A shift by more than 31 bits gives 0. */
const OPERATIONS: Readonly<Record<string, (a: number, b: number, frame: Frame) => number>> = {
  '+': (a, b) => (a + b) >>> 0,
  '-': (a, b) => (a - b) >>> 0,
  '*': (a, b) => Math.imul(a, b) >>> 0,
  '/': (a, b, frame) => (b === 0 ? frame.reject() : Math.floor(a / b)),
  '%': (a, b, frame) => (b === 0 ? frame.reject() : a % b),
  '&': (a, b) => (a & b) >>> 0,
  '|': (a, b) => (a | b) >>> 0,
  '^': (a, b) => (a ^ b) >>> 0,
  '<<': (a, b) => (b > 31 ? 0 : (a << b) >>> 0),
  '>>': (a, b) => (b > 31 ? 0 : a >>> b),
};

export function operate(sign: string, left: Value, right: Value): Value {
  const operation = OPERATIONS[sign]!;
  return (frame) => operation(left(frame), right(frame), frame);
}

export function compare(sign: string, left: Value, right: Value): Test {
  switch (sign) {
    case '=':
      return (frame) => left(frame) === right(frame);
    case '!=':
      return (frame) => left(frame) !== right(frame);
    case '<':
      return (frame) => left(frame) < right(frame);
    case '>':
      return (frame) => left(frame) > right(frame);
    case '<=':
      return (frame) => left(frame) <= right(frame);
    default:
      return (frame) => left(frame) >= right(frame);
  }
}
