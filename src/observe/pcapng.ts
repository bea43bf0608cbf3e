/**
 * Encodes pcapng capture files (draft-ietf-opsawg-pcapng): packets in, bytes out. The link type is
 * RAW: an IP packet without a link header, as on a TUN device.
 *
 *     Section Header (the program that wrote the file)
 *     Interface Description, one for each capture point: tun0, tun0-dropped-by-faults
 *     Enhanced Packet, each with its direction and the stack's explanation as a comment
 *     Interface Statistics, at the end: packets captured and dropped at each point
 *
 * A block has its length at both ends. Numbers are little-endian.
 */
import type { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';

const BLOCK = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
/**
 * libpcap's internal number for RAW. The registered number is 101, but with two interfaces of type
 * 101 tcpdump reads no packet, because libpcap compares the second interface's number with its
 * internal number for the first. tcpdump and Wireshark both read 12.
 */
const LINKTYPE_RAW = 12;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION = {
  end: 0,
  comment: 1,
  userAppl: 4,
  name: 2,
  description: 3,
  tsResol: 9,
  flags: 2,
  received: 4,
  dropped: 5,
} as const;
const TWO_32 = 4_294_967_296;

const utf8 = new TextEncoder();
const pad4 = (n: number): number => (n + 3) & ~3;
const optionBytes = (value: Uint8Array): number => 4 + pad4(value.length);

export interface InterfaceInfo {
  readonly name: string;
  readonly description?: string;
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

  /** Writes `us` in nanoseconds as 64 bits, high word first. */
  time(us: number): void {
    const high = Math.floor(us / TWO_32) * 1000;
    const low = Math.floor((us % TWO_32) * 1000);
    this.u32(high + Math.floor(low / TWO_32));
    this.u32(low % TWO_32);
  }

  /** Writes a 64-bit count, low word first. */
  count(n: number): void {
    this.u32(n % TWO_32);
    this.u32(Math.floor(n / TWO_32));
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

function block(
  type: number,
  fixed: number,
  options: readonly (readonly [number, Uint8Array])[],
): BlockWriter {
  const size =
    options.reduce((sum, [, value]) => sum + optionBytes(value), fixed) +
    (options.length > 0 ? 4 : 0);
  return new BlockWriter(type, size);
}

function finish(
  writer: BlockWriter,
  options: readonly (readonly [number, Uint8Array])[],
): Uint8Array {
  for (const [code, value] of options) writer.option(code, value);
  if (options.length > 0) writer.u32(OPTION.end);
  return writer.done();
}

/** `application` is recorded as the writing program: `tcplab 0.1.0`. */
export function sectionHeader(application: string): Uint8Array {
  const options = [[OPTION.userAppl, utf8.encode(application)]] as const;
  const writer = block(BLOCK.section, 16, options);
  writer.u32(BYTE_ORDER_MAGIC);
  writer.u16(1); // version 1.0
  writer.u16(0);
  writer.u32(0xffffffff); // section length: unknown
  writer.u32(0xffffffff);
  return finish(writer, options);
}

export function interfaceDescription(info: InterfaceInfo): Uint8Array {
  const options: (readonly [number, Uint8Array])[] = [[OPTION.name, utf8.encode(info.name)]];
  if (info.description !== undefined)
    options.push([OPTION.description, utf8.encode(info.description)]);
  options.push([OPTION.tsResol, Uint8Array.of(9)]); // nanoseconds
  const writer = block(BLOCK.interface, 8, options);
  writer.u16(LINKTYPE_RAW);
  writer.u16(0);
  writer.u32(0); // no snap length: packets are complete
  return finish(writer, options);
}

/** Longer comments are cut, because the option's length field has 16 bits. */
const MAX_COMMENT_CHARACTERS = 4096;

/** `time` is in microseconds since 1970. `comment` may be ''. */
export function enhancedPacket(
  interfaceId: number,
  time: Micros,
  direction: 'in' | 'out',
  slab: Slab,
  offset: number,
  length: number,
  comment: string,
): Uint8Array {
  const flags = Uint8Array.of(direction === 'in' ? 1 : 2, 0, 0, 0);
  const options: (readonly [number, Uint8Array])[] = [[OPTION.flags, flags]];
  if (comment !== '')
    options.push([OPTION.comment, utf8.encode(comment.slice(0, MAX_COMMENT_CHARACTERS))]);
  const writer = block(BLOCK.packet, 20 + pad4(length), options);
  writer.u32(interfaceId);
  writer.time(time);
  writer.u32(length);
  writer.u32(length);
  writer.put(slab.bytes, offset, length);
  return finish(writer, options);
}

export function interfaceStatistics(
  interfaceId: number,
  time: Micros,
  received: number,
  dropped: number,
): Uint8Array {
  const writer = new BlockWriter(BLOCK.statistics, 12 + 12 + 12 + 4);
  writer.u32(interfaceId);
  writer.time(time);
  for (const [code, count] of [
    [OPTION.received, received],
    [OPTION.dropped, dropped],
  ] as const) {
    // prettier-ignore
    writer.u16(code);
    writer.u16(8);
    writer.count(count);
  }
  writer.u32(OPTION.end);
  return writer.done();
}
