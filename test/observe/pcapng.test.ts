/**
 * The capture formats, parsed by a small reader. test/e2e/capture-tshark.test.ts compares them with
 * tshark.
 */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { CaptureFile } from '../../src/observe/capture-file.js';
import { LinkListenerSet } from '../../src/observe/fanout.js';
import { pcapFileHeader, pcapPacket } from '../../src/observe/pcap.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../src/observe/pcapng.js';
import { Recorder } from '../../src/observe/recorder.js';
import { Capture } from '../../src/device/capture.js';
import { faultOf, pattern } from '../device/packets.js';
import { converse, START } from './conversation.js';

interface Block {
  type: number;
  body: Uint8Array;
  view: DataView;
}

/** Blocks of a pcapng file; throws where a length is wrong. */
function blocksOf(file: Uint8Array): Block[] {
  const blocks: Block[] = [];
  const all = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at < file.length;) {
    const length = all.getUint32(at + 4, true);
    if (length % 4 !== 0 || all.getUint32(at + length - 4, true) !== length)
      throw new Error(`block at ${at}`);
    const body = file.slice(at + 8, at + length - 4);
    blocks.push({ type: all.getUint32(at, true), body, view: new DataView(body.buffer) });
    at += length;
  }
  return blocks;
}

/** Options from `at` to the block's end: code -> value. */
function optionsOf({ body, view }: Block, at: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  while (at < body.length) {
    const code = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (code === 0) return options;
    options.set(code, body.slice(at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
  if (options.size > 0) throw new Error('options without an end');
  return options;
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const PACKET = 6;

interface ReadPacket {
  interfaceId: number;
  bytes: Uint8Array;
  flags: number;
  comment: string;
  nanoseconds: bigint;
}

const packetsOf = (blocks: Block[]): ReadPacket[] =>
  blocks
    .filter((block) => block.type === PACKET)
    .map((block) => {
      const { view, body } = block;
      const length = view.getUint32(12, true);
      expect(view.getUint32(16, true)).toBe(length);
      const options = optionsOf(block, 20 + ((length + 3) & ~3));
      return {
        interfaceId: view.getUint32(0, true),
        bytes: body.slice(20, 20 + length),
        flags: options.get(2)![0]!,
        comment: text(options.get(1)),
        nanoseconds: (BigInt(view.getUint32(4, true)) << 32n) + BigInt(view.getUint32(8, true)),
      };
    });

describe('pcapng', () => {
  it('has valid blocks in the right order', () => {
    const [section] = blocksOf(sectionHeader('tcplab x'));
    expect(section!.type).toBe(0x0a0d0d0a);
    expect(section!.view.getUint32(0, true)).toBe(0x1a2b3c4d);
    expect(text(optionsOf(section!, 16).get(4))).toBe('tcplab x');
    const [device] = blocksOf(interfaceDescription({ name: 'tun0', description: 'ü' }));
    expect([device!.type, device!.view.getUint16(0, true)]).toEqual([1, 12]);
    const options = optionsOf(device!, 8);
    expect([text(options.get(2)), text(options.get(3)), options.get(9)![0]]).toEqual([
      'tun0',
      'ü',
      9,
    ]);
    const [statistics] = blocksOf(interfaceStatistics(1, 0, 2 ** 33 + 1, 7));
    expect(statistics!.type).toBe(5);
    const counts = [...optionsOf(statistics!, 12).values()].map((v) =>
      new DataView(v.buffer).getBigUint64(0, true),
    );
    expect(counts).toEqual([2n ** 33n + 1n, 7n]);
  });

  it('keeps packets of any length, times to the nanosecond, and comments', () => {
    for (const length of [0, 1, 2, 3, 4, 65_575]) {
      const bytes = pattern(length + 9);
      const time = 1_767_225_600_123_456.5;
      const [packet] = packetsOf(
        blocksOf(enhancedPacket(1, time, 'out', new Slab(bytes), 9, length, 'wäre')),
      );
      expect(Buffer.compare(packet!.bytes, bytes.subarray(9))).toBe(0);
      expect([packet!.interfaceId, packet!.flags, packet!.comment]).toEqual([1, 2, 'wäre']);
      expect(packet!.nanoseconds).toBe(1_767_225_600_123_456_500n);
    }
    const [long] = packetsOf(
      blocksOf(enhancedPacket(0, 0, 'in', new Slab(4), 0, 4, 'ü'.repeat(70_000))),
    );
    expect(long!.comment).toBe('ü'.repeat(4096));
  });
});

describe('CaptureFile', () => {
  it('contains a conversation with comments, and dropped packets under a second interface', () => {
    const chunks: Uint8Array[] = [];
    const file = new CaptureFile((b) => chunks.push(b), {
      name: 'tun0',
      application: 'test',
      epoch: 1e15,
    });
    const recorder = new Recorder(file.sink, START);
    const { time } = converse({
      link: 'drop syn-ack:1 out delay 20ms',
      offload: true,
      observer: recorder,
      linkListener: new LinkListenerSet(recorder, file),
      wrap: (device) => new Capture(device, file),
    });
    file.close(time.now);
    const blocks = blocksOf(Uint8Array.from(Buffer.concat(chunks)));
    expect(blocks.slice(0, 3).map((b) => b.type)).toEqual([0x0a0d0d0a, 1, 1]);
    expect(blocks.slice(-2).map((b) => b.type)).toEqual([5, 5]);
    const packets = packetsOf(blocks);
    expect(packets.map((p) => faultOf(p.bytes))).toEqual(packets.map(() => ''));
    const lost = packets.filter((p) => p.interfaceId === 1);
    expect(lost.map((p) => [p.flags, p.comment])).toEqual([
      [2, 'linkRule syn-ack:1: dropped on the link on purpose (drop rule)'],
    ]);
    const seen = packets.filter((p) => p.interfaceId === 0);
    expect(seen.filter((p) => p.comment === '')).toEqual([]);
    expect(seen[0]!.comment).toContain('LISTEN → SYN-RECEIVED: valid SYN on a listening port');
    const counts = blocks.slice(-2).map((b) => [...optionsOf(b, 12).values()].map((v) => v[0]));
    expect(counts).toEqual([[seen.length, 0], [1, 1]]); // prettier-ignore
  });
});

describe('pcap', () => {
  it('has a header, and each packet with its time', () => {
    const head = new DataView(pcapFileHeader().buffer);
    expect([head.getUint32(0, true), head.getUint16(4, true), head.getUint32(20, true)]).toEqual([
      0xa1b23c4d, 2, 101,
    ]);
    const bytes = pcapPacket(3_000_000.25, new Slab(pattern(10)), 2, 5);
    const view = new DataView(bytes.buffer);
    expect([0, 4, 8, 12].map((at) => view.getUint32(at, true))).toEqual([3, 250, 5, 5]);
    expect(bytes.slice(16)).toEqual(pattern(10).slice(2, 7));
  });
});
