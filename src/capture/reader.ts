/**
 * Reads captures: pcap and pcapng, of either byte order, in pieces of any size.
 *
 *     const reader = new CaptureReader((packet) => headers.read(packet));
 *     for await (const chunk of file) reader.push(chunk);
 *     reader.end();
 *
 * A record that is whole in a chunk is read where it lies. Only one that two chunks share is copied
 * together, and that copy grows with the bytes that arrive, not with the length that the record
 * claims to have. So memory is bounded by `ReaderLimits`, whatever the file says.
 */
import { CaptureError } from './error.js';
import { looksLike } from './looks-like.js';
import {
  CapturedPacket,
  type CaptureInterface,
  type CaptureSecrets,
  type CaptureSection,
} from './packet.js';
import { pcapByteOrder, PcapRecords } from './pcap-reader.js';
import { Block } from './pcapng-format.js';
import { PcapngBlocks } from './pcapng-reader.js';
import { READER_LIMITS, type ReaderLimits, type RecordFormat } from './record-format.js';

/** The magic number, or the type of pcapng's first block. */
const MAGIC_BYTES = 4;
const FIRST_CARRY_BYTES = 4096;

export class CaptureReader {
  private readonly onPacket: (packet: CapturedPacket) => void;
  private readonly limits: ReaderLimits;
  private readonly packet = new CapturedPacket();
  private readonly contents = {
    interfaces: [] as CaptureInterface[],
    sections: [] as CaptureSection[],
    secrets: [] as CaptureSecrets[],
  };
  private records: RecordFormat | null = null;
  /** The start of a record whose rest has not arrived, and how much of it must be there. */
  private carry = new Uint8Array(FIRST_CARRY_BYTES);
  private carryView = new DataView(this.carry.buffer);
  private carried = 0;
  private needed = MAGIC_BYTES;
  /** Bytes still to be skipped of a block that is of no interest, and those that arrived of it. */
  private toSkip = 0;
  private skipped = 0;
  /** File offset behind all bytes that were pushed. */
  private position = 0;
  private failure: CaptureError | null = null;

  /** `onPacket` gets each packet in the file's order. An exception from it ends the reading. */
  constructor(onPacket: (packet: CapturedPacket) => void, limits: Partial<ReaderLimits> = {}) {
    this.onPacket = onPacket;
    this.limits = { ...READER_LIMITS, ...limits };
  }

  /** Null until the first four bytes have arrived. */
  get format(): 'pcap' | 'pcapng' | null {
    return this.records === null ? null : this.records.name;
  }

  /** The interfaces of all sections so far. */
  get interfaces(): readonly CaptureInterface[] {
    return this.contents.interfaces;
  }

  /** The section headers so far; none in classic pcap. */
  get sections(): readonly CaptureSection[] {
    return this.contents.sections;
  }

  /** The Decryption Secrets Blocks so far. */
  get secrets(): readonly CaptureSecrets[] {
    return this.contents.secrets;
  }

  /** Packets so far. */
  get packets(): number {
    return this.packet.number;
  }

  /** Bytes pushed so far. */
  get bytesRead(): number {
    return this.position;
  }

  /** Bytes of a record whose rest is missing: after `end`, what a cut file has left over. */
  get cutBytes(): number {
    return this.carried + (this.toSkip > 0 ? this.skipped : 0);
  }

  /**
   * The next bytes of the file. They must not change during the call; afterwards the reader does
   * not look at them again. Throws CaptureError, and the same one again for what follows it.
   */
  push(chunk: Uint8Array): void {
    if (this.failure !== null) throw this.failure;
    const start = this.position;
    this.position += chunk.length;
    try {
      let at = this.skip(chunk);
      while (this.carried > 0 && at < chunk.length) at = this.completeCarried(chunk, at, start);
      if (at === chunk.length) return;
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
      const left = this.takeAll(chunk, view, at, chunk.length, start);
      if (left < chunk.length) this.carryOver(chunk, left, chunk.length);
    } catch (error) {
      if (error instanceof CaptureError) this.failure = error;
      throw error;
    }
  }

  /**
   * The file ends here. If that is in the middle of a record, `cutBytes` says how many bytes of it
   * are there, and all packets before it were delivered. Throws CaptureError for a file that is too
   * short to be a capture.
   */
  end(): void {
    if (this.failure !== null) throw this.failure;
    if (this.records !== null) return;
    this.failure =
      this.position === 0
        ? new CaptureError('the file is empty', 0, 'the capture had not begun, or lacks its disk')
        : noCapture(this.carry.subarray(0, this.carried));
    throw this.failure;
  }

  /** Skips what is left of an uninteresting block. Returns where the next record begins. */
  private skip(chunk: Uint8Array): number {
    const bytes = Math.min(this.toSkip, chunk.length);
    this.toSkip -= bytes;
    this.skipped += bytes;
    return bytes;
  }

  /** Adds to the carried record what it lacks, and takes it once it is whole. */
  private completeCarried(chunk: Uint8Array, at: number, start: number): number {
    const next = Math.min(at + this.needed - this.carried, chunk.length);
    const base = start + at - this.carried;
    this.carryOver(chunk, at, next);
    if (this.carried < this.needed) return next;
    // Never more than one record is carried: it is taken, or it needs more.
    const left = this.takeAll(this.carry, this.carryView, 0, this.carried, base);
    if (left > 0) this.carried = 0;
    if (this.toSkip === 0) return next;
    const more = Math.min(this.toSkip, chunk.length - next);
    this.toSkip -= more;
    this.skipped += more;
    return next + more;
  }

  /** Takes all whole records in `bytes[from, end)`. Returns where the first incomplete one is. */
  private takeAll(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    end: number,
    base: number,
  ): number {
    let at = from;
    if (this.records === null) {
      if (end - at < MAGIC_BYTES) return at;
      this.records = this.formatOf(bytes, view, at, end);
    }
    const { records } = this;
    while (at < end) {
      const length = records.take(bytes, view, at, end, base);
      if (length < 0) {
        this.needed = -length;
        return at;
      }
      if (length > end - at) {
        this.skipped = end - at;
        this.toSkip = length - this.skipped;
        return end;
      }
      at += length;
    }
    return end;
  }

  private carryOver(chunk: Uint8Array, from: number, to: number): void {
    const length = this.carried + to - from;
    if (length > this.carry.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.carry.length));
      larger.set(this.carry.subarray(0, this.carried));
      this.carry = larger;
      this.carryView = new DataView(larger.buffer);
    }
    this.carry.set(chunk.subarray(from, to), this.carried);
    this.carried = length;
  }

  private formatOf(bytes: Uint8Array, view: DataView, at: number, end: number): RecordFormat {
    const { packet, onPacket, contents, limits } = this;
    if (view.getUint32(at, true) === Block.section)
      return new PcapngBlocks(packet, onPacket, contents, limits);
    const order = pcapByteOrder(view, at);
    if (order === null) throw noCapture(bytes.subarray(at, end));
    return new PcapRecords(order, packet, onPacket, contents.interfaces, limits);
  }
}

/** So many bytes are looked at to say what a file is instead. */
const LOOK_BYTES = 512;

function noCapture(bytes: Uint8Array): CaptureError {
  const { what, fix } = looksLike(bytes.subarray(0, LOOK_BYTES));
  return new CaptureError(`this is no capture: it ${what}`, 0, fix);
}
