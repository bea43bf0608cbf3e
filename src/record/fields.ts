/**
 * The fields of records, read from the block that is loaded.
 */
import type { Micros } from '../base/time.js';
import { RecordingEnds, RecordingError } from './errors.js';
import { MOST_BLOCK_BYTES } from './format.js';
import { unplain } from './header.js';

const NOTHING = new Uint8Array(0);

export class FieldReader {
  /** The time of the last record. */
  now: Micros = 0;
  /** Bytes of each payload that are in the file. */
  protected snap = Infinity;
  protected block: Uint8Array<ArrayBuffer> = NOTHING;
  protected at = 0;
  private view = new DataView(NOTHING.buffer);
  /** Where the block is in the file. */
  private blockAt = 0;

  protected use(block: Uint8Array<ArrayBuffer>, offset: number): void {
    this.block = block;
    this.view = new DataView(block.buffer);
    this.blockAt = offset;
    this.at = 0;
  }

  /** Place in the file. */
  get offset(): number {
    return this.blockAt + this.at;
  }

  /** The number behind the next record's first byte, which stays. */
  peekNumber(): number | undefined {
    const at = this.at;
    this.at++;
    const number = this.number();
    this.at = at;
    return number;
  }

  byte(): number {
    if (this.at >= this.block.length) throw new RecordingEnds();
    return this.block[this.at++]!;
  }

  flag(): boolean {
    return this.byte() !== 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 56) throw damagedAt(this.offset, 'a number does not end');
    }
  }

  number(): number | undefined {
    const code = this.varint();
    if (code === 0) return undefined;
    return code === 1 ? this.double() : unzigzag(code - 2);
  }

  time(): Micros {
    const code = this.varint();
    const now = code === 0 ? this.double() : this.now + unzigzag(code - 1);
    if (Number.isFinite(now)) this.now = now;
    return now;
  }

  private double(): number {
    if (this.at + 8 > this.block.length) throw new RecordingEnds();
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  text(): string | null {
    const length = this.varint();
    return length === 0 ? null : textOf(this.copy(length - 1));
  }

  json(): unknown {
    const text = this.text();
    try {
      return unplain(JSON.parse(text ?? ''));
    } catch {
      throw damagedAt(this.offset, 'a field that should be JSON is none');
    }
  }

  payload(): Uint8Array {
    const length = this.varint();
    if (length > MOST_BLOCK_BYTES) throw damagedAt(this.offset, `a write of ${length} bytes`);
    const kept = Math.min(length, this.snap);
    if (this.at + kept > this.block.length) throw new RecordingEnds();
    const bytes = new Uint8Array(length);
    this.copyTo(bytes, kept);
    return bytes;
  }

  /** A copy of the next `length` bytes. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const from = this.at;
    this.skip(length);
    return this.block.slice(from, this.at);
  }

  copyTo(to: Uint8Array, length: number): void {
    const from = this.at;
    this.skip(length);
    to.set(this.block.subarray(from, this.at));
  }

  skip(length: number): void {
    if (this.at + length > this.block.length) throw new RecordingEnds();
    this.at += length;
  }

  skipNumbers(count: number): void {
    for (let i = 0; i < count; i++) this.varint();
  }
}

const unzigzag = (code: number): number => (code % 2 === 0 ? code / 2 : -(code + 1) / 2);

export const damagedAt = (offset: number, what: string): RecordingError =>
  new RecordingError(
    `the recording is damaged at byte ${offset}: ${what}`,
    'replay --until a step before it; the records behind it cannot be used',
  );

/** UTF-8 to text. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i]!;
    const more = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    let code = more === 0 ? b : b & (0x3f >> more);
    for (let k = 1; k <= more; k++) code = (code << 6) | ((bytes[i + k] ?? 0) & 63);
    text += String.fromCodePoint(Math.min(code >>> 0, 0x10_ffff));
    i += more + 1;
  }
  return text;
}
