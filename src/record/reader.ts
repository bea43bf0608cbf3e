/**
 * Reads a recording: header, blocks, records. One block is in memory at a time.
 *
 * A block's hash is checked before its records are used. The last block of a file may be cut; then
 * it is used as far as it goes.
 */
import { RecordingError } from './errors.js';
import { damagedAt, FieldReader, textOf } from './fields.js';
import {
  BLOCK_HEAD_BYTES,
  FORMAT_VERSION,
  hashOf,
  HEADER_AT,
  MAGIC,
  MOST_BLOCK_BYTES,
  VERSION_AT,
} from './format.js';
import { parseHeader, type RecordingHeader } from './header.js';
import { skipHeaders, skipPacket } from './packets.js';
import { type Field, NESTED, Op, recordType } from './records.js';

/** The file: bytes in memory, or something that reads them from a disk. */
export interface ByteSource {
  readonly length: number;
  /** Copies bytes from `offset` on to `into`, as many as fit in it. */
  read(offset: number, into: Uint8Array): void;
}

export const bytesSource = (bytes: Uint8Array): ByteSource => ({
  length: bytes.length,
  read(offset, into) {
    into.set(bytes.subarray(offset, offset + into.length));
  },
});

export class RecordReader extends FieldReader {
  readonly header: RecordingHeader;
  /** Number of bytes that are missing in the last block of a cut file; 0 as long as not known. */
  cutBytes = 0;
  private readonly source: ByteSource;
  /** Where the next block is. */
  private nextBlock: number;

  /** Throws RecordingError if it is no recording, or one of a newer version. */
  constructor(source: ByteSource) {
    super();
    this.source = source;
    const head = this.load(0, HEADER_AT);
    for (let i = 0; i < MAGIC.length; i++) {
      if (i !== VERSION_AT && head[i] !== MAGIC[i])
        throw new RecordingError(
          'this is no recording: its first bytes are others',
          'tcplab serve --record FILE   makes one; tcplab flow and Wireshark read captures',
        );
    }
    if (head[VERSION_AT] !== FORMAT_VERSION)
      throw new RecordingError(
        `the recording has version ${head[VERSION_AT]} of the format, and this program reads ` +
          `version ${FORMAT_VERSION}`,
        'use the version of tcplab that recorded it',
      );
    const view = new DataView(head.buffer);
    const length = view.getUint32(8, true);
    if (HEADER_AT + length > source.length) throw damagedAt(8, 'its header is cut');
    const json = this.load(HEADER_AT, length);
    if (hashOf(json, 0, length) !== view.getUint32(12, true))
      throw damagedAt(HEADER_AT, 'the header does not have the hash that stands before it');
    this.header = parseHeader(textOf(json));
    this.snap = this.header.snap ?? Infinity;
    this.nextBlock = HEADER_AT + length;
  }

  private load(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    if (offset + length > this.source.length)
      throw new RecordingError(
        `this is no recording: it has only ${this.source.length} bytes`,
        'tcplab serve --record FILE   makes one',
      );
    this.source.read(offset, bytes);
    return bytes;
  }

  // ---- Blocks -----------------------------------------------------------------------------------

  /** Loads the next block. Returns false at the end of the file. */
  private nextBlockLoads(): boolean {
    const { source, nextBlock: at } = this;
    const left = source.length - at;
    if (left === 0) return false;
    if (left < BLOCK_HEAD_BYTES) {
      this.cutBytes = BLOCK_HEAD_BYTES - left;
      return false;
    }
    const head = this.load(at, BLOCK_HEAD_BYTES);
    const heads = new DataView(head.buffer);
    const length = heads.getUint32(0, true);
    if (hashOf(head, 0, 8) !== heads.getUint32(8, true) || length > MOST_BLOCK_BYTES)
      throw damagedAt(at, 'the head of a block does not have the hash that stands in it');
    const have = Math.min(length, left - BLOCK_HEAD_BYTES);
    const block = this.load(at + BLOCK_HEAD_BYTES, have);
    if (have < length) this.cutBytes = length - have;
    else if (hashOf(block, 0, length) !== heads.getUint32(4, true))
      throw damagedAt(at, 'a block does not have the hash that stands before it');
    this.use(block, at + BLOCK_HEAD_BYTES);
    this.nextBlock = at + BLOCK_HEAD_BYTES + have;
    return true;
  }

  /** True if there is another record. Throws RecordingError at a damaged block. */
  get hasMore(): boolean {
    return this.at < this.block.length || (this.cutBytes === 0 && this.nextBlockLoads());
  }

  // ---- Records ----------------------------------------------------------------------------------

  /** The next record's first byte, which stays; -1 at the end. */
  peek(): number {
    return this.hasMore ? this.block[this.at]! : -1;
  }

  /** The crossings of the next record, which is a nested input, and stays. */
  peekCrossings(): number {
    const at = this.at;
    this.at++;
    const crossings = this.varint();
    this.at = at;
    return crossings;
  }

  /** Reads a record whole. `fields` gets its fields, but for packets, which are skipped. */
  record(fields: unknown[] | null = null): number {
    const first = this.byte();
    const op = first & ~NESTED;
    if ((first & NESTED) !== 0) this.varint();
    const type = recordType(op);
    if (type === undefined) throw damagedAt(this.offset - 1, `there is no record ${op}`);
    for (const field of type.fields) {
      const value = this.field(field);
      fields?.push(value);
    }
    return op;
  }

  private field(field: Field): unknown {
    switch (field) {
      case 'time':
        return this.time();
      case 'number':
        return this.number();
      case 'flag':
        return this.flag();
      case 'payload': {
        const length = this.varint();
        this.skip(Math.min(length, this.snap));
        return length;
      }
      case 'text':
        return this.text();
      case 'json':
        return this.json();
      case 'packet':
        return skipPacket(this);
      case 'headers':
        return skipHeaders(this);
      default:
        return this.varint();
    }
  }

  /** Skips to the end of a step whose first record was read. Throws RecordingEnds if it is cut. */
  skipStep(): void {
    for (;;) if (this.record() === Op.end) return;
  }
}
