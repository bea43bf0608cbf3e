/**
 * Captures for tests, written without the code of src/capture: in both byte orders, with all blocks
 * that the reader knows.
 */
import { type CapturedPacket, CaptureReader, type ReaderLimits } from '../../src/core.js';

export type Order = 'little' | 'big';

/** Numbers of one byte order, one after the other. */
export class ByteList {
  readonly bytes: number[] = [];
  private readonly order: Order;

  constructor(order: Order) {
    this.order = order;
  }

  u16(v: number): this {
    return this.number(v, 2);
  }

  u32(v: number): this {
    return this.number(v, 4);
  }

  u64(v: bigint): this {
    const words = [Number(v & 0xffffffffn), Number(v >> 32n)];
    if (this.order === 'big') words.reverse();
    return this.u32(words[0]!).u32(words[1]!);
  }

  put(bytes: Iterable<number>): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }

  pad(): this {
    while (this.bytes.length % 4 !== 0) this.bytes.push(0);
    return this;
  }

  private number(v: number, size: number): this {
    const digits = Array.from({ length: size }, (_, i) => Math.floor(v / 256 ** i) % 256);
    if (this.order === 'big') digits.reverse();
    return this.put(digits);
  }
}

export type OptionSpec = readonly [code: number, value: Uint8Array | string];

const valueOf = (value: Uint8Array | string): Uint8Array =>
  typeof value === 'string' ? new TextEncoder().encode(value) : value;

export function block(
  order: Order,
  type: number,
  fixed: (list: ByteList) => void,
  options: readonly OptionSpec[] = [],
): number[] {
  const body = new ByteList(order);
  fixed(body);
  body.pad();
  for (const [code, value] of options)
    body.u16(code).u16(valueOf(value).length).put(valueOf(value)).pad();
  if (options.length > 0) body.u16(0).u16(0);
  const length = body.bytes.length + 12;
  return new ByteList(order).u32(type).u32(length).put(body.bytes).u32(length).bytes;
}

export const section = (order: Order, options: readonly OptionSpec[] = []): number[] =>
  block(
    order,
    0x0a0d0d0a,
    (b) => b.u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff),
    options,
  );

export const description = (
  order: Order,
  linkType: number,
  snapLength = 0,
  options: readonly OptionSpec[] = [],
): number[] => block(order, 1, (b) => b.u16(linkType).u16(0).u32(snapLength), options);

export const packet = (
  order: Order,
  interfaceId: number,
  ticks: bigint,
  data: Uint8Array,
  options: readonly OptionSpec[] = [],
  originalLength = data.length,
): number[] =>
  block(
    order,
    6,
    (b) =>
      b
        .u32(interfaceId)
        .u32(Number(ticks >> 32n))
        .u32(Number(ticks & 0xffffffffn))
        .u32(data.length)
        .u32(originalLength)
        .put(data),
    options,
  );

export interface PcapSpec {
  readonly order?: Order;
  readonly magic?: number;
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly minorVersion?: number;
}

export interface PcapPacketSpec {
  readonly seconds?: number;
  readonly fraction?: number;
  readonly data: Uint8Array;
  readonly originalLength?: number;
}

export function pcap(spec: PcapSpec, packets: readonly PcapPacketSpec[]): Uint8Array {
  const { order = 'little', magic = 0xa1b2c3d4, linkType = 101, snapLength = 262_144 } = spec;
  const list = new ByteList(order);
  list
    .u32(magic)
    .u16(2)
    .u16(spec.minorVersion ?? 4);
  list.u32(0).u32(0).u32(snapLength).u32(linkType);
  for (const { seconds = 0, fraction = 0, data, originalLength = data.length } of packets) {
    list.u32(seconds).u32(fraction).u32(data.length).u32(originalLength);
    if (magic === 0xa1b2cd34) list.u32(0).u16(0).u16(0);
    list.put(data);
  }
  return Uint8Array.from(list.bytes);
}

/** What a test compares of a packet, copied out of the reused object. */
export interface SeenPacket {
  number: number;
  seconds: number;
  nanos: number;
  interfaceId: number;
  linkType: number;
  frame: Uint8Array;
  originalLength: number;
  /** From the frame's start. */
  ipOffset: number;
  direction: 'in' | 'out' | null;
  comments: readonly string[];
}

export const seen = (p: CapturedPacket): SeenPacket => ({
  number: p.number,
  seconds: p.seconds,
  nanos: p.nanos,
  interfaceId: p.interfaceId,
  linkType: p.linkType,
  frame: Uint8Array.from(p.bytes.subarray(p.offset, p.offset + p.capturedLength)),
  originalLength: p.originalLength,
  ipOffset: p.ipOffset < 0 ? -1 : p.ipOffset - p.offset,
  direction: p.direction,
  comments: p.comments,
});

/** Reads `file` in pieces that end at `cuts`. */
export function readAll(
  file: Uint8Array,
  cuts: readonly number[] = [],
  limits: Partial<ReaderLimits> = {},
): { packets: SeenPacket[]; reader: CaptureReader } {
  const packets: SeenPacket[] = [];
  const reader = new CaptureReader((p) => packets.push(seen(p)), limits);
  let from = 0;
  for (const to of [...cuts, file.length]) {
    reader.push(file.slice(from, to));
    from = to;
  }
  reader.end();
  return { packets, reader };
}

export const concat = (...parts: readonly Iterable<number>[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
