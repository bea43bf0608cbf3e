/**
 * Writes pcapng capture files (draft-ietf-opsawg-pcapng): packets in, bytes out.
 *
 *     Section Header (the program that wrote the file)
 *     Decryption Secrets (lines of a TLS key log), before the packets that need them
 *     Interface Description, one for each capture point: tun0, tun0-dropped-by-faults
 *     Enhanced Packet, each with its direction and the stack's explanation as a comment
 *     Interface Statistics, at the end: packets captured and dropped at each point
 *
 * A block has its length at both ends. Numbers are little-endian, times are nanoseconds, and the
 * options of a block are in the order of their codes.
 */
import { LinkType } from './link-type.js';
import type { CaptureStatistics, PacketRecord } from './packet.js';
import {
  Block,
  BYTE_ORDER_MAGIC,
  FLAGS_IN,
  FLAGS_OUT,
  MAJOR_VERSION,
  NANOSECONDS,
  Option,
  pad4,
  TLS_KEY_LOG,
  TWO_32,
} from './pcapng-format.js';
import { encodeUtf8 } from './utf8.js';

const BILLION = 1_000_000_000;

type WrittenOption = readonly [code: number, value: Uint8Array];
const optionBytes = (value: Uint8Array): number => 4 + pad4(value.length);

export interface InterfaceInfo {
  readonly name: string;
  readonly description?: string;
  /**
   * Raw IP by default, by libpcap's internal number. The registered number is 101, but with two
   * interfaces of type 101 tcpdump reads no packet, because libpcap compares the second
   * interface's number with its internal number for the first. tcpdump and Wireshark read 12.
   */
  readonly linkType?: number;
  /** No limit by default: packets are complete. */
  readonly snapLength?: number;
  /** The capture filter, as text. */
  readonly filter?: string;
}

/** Writes one block front to back. */
class BlockWriter {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(type: number, bodyBytes: number) {
    this.bytes = new Uint8Array(12 + bodyBytes);
    this.view = new DataView(this.bytes.buffer);
    this.u32(type);
    this.u32(this.bytes.length);
  }

  u16(v: number): void {
    this.view.setUint16(this.at, v, true);
    this.at += 2;
  }

  u32(v: number): void {
    this.view.setUint32(this.at, v, true);
    this.at += 4;
  }

  /** Writes a time in nanoseconds as 64 bits, high word first. */
  time(seconds: number, nanos: number): void {
    // seconds * 1e9 needs more than the 53 bits of a double, so the words are made one by one: the
    // upper 16 bits of the seconds first.
    const upper = Math.floor(seconds / 65_536) * BILLION;
    const low = (upper % 65_536) * 65_536 + (seconds % 65_536) * BILLION + nanos;
    this.u32(Math.floor(upper / 65_536) + Math.floor(low / TWO_32));
    this.u32(low % TWO_32);
  }

  put(source: Uint8Array, offset: number, length: number): void {
    this.bytes.set(source.subarray(offset, offset + length), this.at);
    this.at += pad4(length);
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code);
    this.u16(value.length);
    this.put(value, 0, value.length);
  }

  done(): Uint8Array {
    this.u32(this.bytes.length);
    return this.bytes;
  }
}

function block(type: number, fixed: number, options: readonly WrittenOption[]): BlockWriter {
  const size =
    options.reduce((sum, [, value]) => sum + optionBytes(value), fixed) +
    (options.length > 0 ? 4 : 0);
  return new BlockWriter(type, size);
}

function finish(writer: BlockWriter, options: readonly WrittenOption[]): Uint8Array {
  for (const [code, value] of options) writer.option(code, value);
  if (options.length > 0) writer.u32(Option.end);
  return writer.done();
}

/** Longer texts are cut, because the option's length field has 16 bits. */
const MAX_TEXT_CHARACTERS = 4096;
const textBytes = (text: string): Uint8Array => encodeUtf8(text.slice(0, MAX_TEXT_CHARACTERS));

/** Section 4.1. `application` is recorded as the writing program: `tcplab 0.1.0`. */
export function sectionHeader(application: string): Uint8Array {
  const options = [[Option.section.application, textBytes(application)]] as const;
  const writer = block(Block.section, 16, options);
  writer.u32(BYTE_ORDER_MAGIC);
  writer.u16(MAJOR_VERSION);
  writer.u16(0);
  writer.u32(0xffffffff); // section length: unknown
  writer.u32(0xffffffff);
  return finish(writer, options);
}

/**
 * Section 4.7: lines of a TLS key log, so that a reader can decrypt what follows. Belongs right
 * behind the section header, because readers decrypt only packets that come after it.
 */
export function decryptionSecrets(keyLog: string): Uint8Array {
  const data = encodeUtf8(keyLog);
  const writer = new BlockWriter(Block.secrets, 8 + pad4(data.length));
  writer.u32(TLS_KEY_LOG);
  writer.u32(data.length);
  writer.put(data, 0, data.length);
  return writer.done();
}

/** Section 4.2. Interfaces are numbered in the order in which they are written, from 0. */
export function interfaceDescription(info: InterfaceInfo): Uint8Array {
  const options: WrittenOption[] = [[Option.interface.name, textBytes(info.name)]];
  if (info.description !== undefined)
    options.push([Option.interface.description, textBytes(info.description)]);
  options.push([Option.interface.tsResolution, Uint8Array.of(NANOSECONDS)]);
  if (info.filter !== undefined)
    options.push([Option.interface.filter, Uint8Array.of(0, ...textBytes(info.filter))]);
  const writer = block(Block.interface, 8, options);
  writer.u16(info.linkType ?? LinkType.rawInternal);
  writer.u16(0);
  writer.u32(info.snapLength ?? 0);
  return finish(writer, options);
}

/** Section 4.3. */
export function enhancedPacket(p: PacketRecord): Uint8Array {
  const options: WrittenOption[] = [];
  for (const comment of p.comments) options.push([Option.comment, textBytes(comment)]);
  if (p.direction !== null) {
    const flags = p.direction === 'in' ? FLAGS_IN : FLAGS_OUT;
    options.push([Option.packet.flags, Uint8Array.of(flags, 0, 0, 0)]);
  }
  const writer = block(Block.packet, 20 + pad4(p.capturedLength), options);
  writer.u32(p.interfaceId);
  writer.time(p.seconds, p.nanos);
  writer.u32(p.capturedLength);
  writer.u32(p.originalLength);
  writer.put(p.bytes, p.offset, p.capturedLength);
  return finish(writer, options);
}

/** Section 4.6. The time is that of the counts. */
export function interfaceStatistics(
  interfaceId: number,
  time: { readonly seconds: number; readonly nanos: number },
  counts: Partial<CaptureStatistics>,
): Uint8Array {
  const codes = Option.statistics;
  const options: WrittenOption[] = [];
  for (const name of Object.keys(codes) as (keyof typeof codes)[]) {
    const count = counts[name] ?? null;
    if (count !== null) options.push([codes[name], count64(count)]);
  }
  const writer = block(Block.statistics, 12, options);
  writer.u32(interfaceId);
  writer.time(time.seconds, time.nanos);
  return finish(writer, options);
}

function count64(n: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, n % TWO_32, true);
  view.setUint32(4, Math.floor(n / TWO_32), true);
  return bytes;
}
