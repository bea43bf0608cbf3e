/**
 * Mutated captures against the reader, the headers and a filter: nothing throws but CaptureError,
 * no packet reaches past its bytes, memory stays small, and a file in pieces reads like the whole.
 * The seed is fixed. What became of the files is printed, and must be enough to mean something.
 *
 *     npm run fuzz -- --captures 1000000 --seed 1
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import {
  CaptureError,
  type CapturedPacket,
  CaptureReader,
  compileFilter,
  decryptionSecrets,
  enhancedPacket,
  Headers,
  interfaceDescription,
  interfaceStatistics,
  LinkType,
  sectionHeader,
} from '../../src/core.js';
import { block, concat, description, packet, pcap, section } from '../capture/files.js';
import { pick, randomFrame } from '../capture/random-packets.js';

const CAPTURES = Number(process.env['TCPLAB_FUZZ_CAPTURES'] ?? 20_000);
const SEED = Number(process.env['TCPLAB_FUZZ_SEED'] ?? 20_261_201);
/** The heap may grow by this from a quarter of the run to its end. */
const HEAP_GROWTH_BYTES = 4 << 20;

const LINK_TYPES = Object.values(LinkType);
const INTERESTING = [
  0, 1, 2, 3, 4, 5, 6, 10, 12, 14, 16, 20, 28, 31, 32, 40, 44, 60, 63, 64, 127, 128, 255, 256,
  65_535, 65_536, 262_144, 262_145, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff, 0x0a0d0d0a,
  0x1a2b3c4d, 0xa1b2c3d4,
]; // prettier-ignore

/** Whole files, new ones for each run of mutations. */
function fileOf(r: SeededRandom): Uint8Array {
  const linkType = pick(r, LINK_TYPES);
  const order = pick(r, ['little', 'big'] as const);
  const frames = Array.from({ length: 1 + r.below(5) }, () =>
    randomFrame(r, linkType, r.below(2) === 0),
  );
  switch (r.below(4)) {
    case 0: {
      const magic = pick(r, [0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34]);
      return pcap({ order, magic, linkType, minorVersion: pick(r, [4, 4, 3, 2]) }, frames);
    }
    case 1:
      return concat(
        sectionHeader('fuzz'),
        decryptionSecrets('CLIENT_RANDOM 00 11'),
        interfaceDescription({ name: 'a', linkType, description: 'b', filter: 'tcp' }),
        ...frames.map(({ data, originalLength }, i) =>
          enhancedPacket({
            interfaceId: 0,
            seconds: i,
            nanos: i,
            bytes: data,
            offset: 0,
            capturedLength: data.length,
            originalLength,
            direction: pick(r, ['in', 'out', null]),
            comments: ['why', 'wäre'].slice(r.below(3)),
          }),
        ),
        interfaceStatistics(0, { seconds: 1, nanos: 2 }, { received: 3, dropped: 4 }),
      );
    default: {
      const resolution = Uint8Array.of(pick(r, [6, 9, 0, 12, 0x80 | 20, 127, 255]));
      const other = order === 'little' ? 'big' : 'little';
      return concat(
        section(order, [[4, 'fuzz']]),
        description(order, linkType, r.below(2) * 60, [[9, resolution]]),
        ...frames.map(({ data, originalLength }) =>
          pick(r, [
            packet(order, 0, BigInt(r.below(0xffffffff)) << 20n, data, [[1, 'c']], originalLength),
            block(order, 3, (b) => b.u32(originalLength).put(data)),
            block(order, 2, (b) =>
              b.u16(0).u16(1).u32(1).u32(2).u32(data.length).u32(originalLength).put(data),
            ),
          ]),
        ),
        block(order, 4, (b) => b.u32(0)),
        ...(r.below(2) === 0 ? [section(other), description(other, linkType)] : []),
      );
    }
  }
}

type Mutation = (file: Uint8Array, r: SeededRandom) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  (file) => file,
  function flipOneBit(file, r) {
    file[r.below(file.length)]! ^= 1 << r.below(8);
    return file;
  },
  function interestingWord(file, r) {
    const at = 4 * r.below(file.length >> 2);
    if (at + 4 <= file.length)
      new DataView(file.buffer).setUint32(at, pick(r, INTERESTING), r.below(2) === 0);
    return file;
  },
  function nearbyWord(file, r) {
    const at = 4 * r.below(file.length >> 2);
    if (at + 4 > file.length) return file;
    const view = new DataView(file.buffer);
    const little = r.below(2) === 0;
    view.setUint32(at, view.getUint32(at, little) + pick(r, [-4, -1, 1, 4, 8]), little);
    return file;
  },
  function cutShort(file, r) {
    return file.slice(0, 1 + r.below(file.length));
  },
  function withoutAPiece(file, r) {
    const at = r.below(file.length);
    return concat(file.subarray(0, at), file.subarray(at + 1 + r.below(8)), [0]);
  },
  function withAPieceTwice(file, r) {
    const at = r.below(file.length);
    return concat(file.subarray(0, at), file.subarray(r.below(at + 1)));
  },
  function followedByAnother(file, r) {
    return concat(file, fileOf(r));
  },
  function noise(file, r) {
    const at = r.below(file.length);
    for (let i = at; i < Math.min(at + 16, file.length); i++) file[i] = r.below(256);
    return file;
  },
];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

/** What is wrong with a packet, or null. */
function brokenPacket(p: CapturedPacket, h: Headers): string | null {
  const end = p.offset + p.capturedLength;
  if (p.offset < 0 || p.capturedLength < 0 || end > p.bytes.length) return 'frame out of bounds';
  if (p.ipOffset !== -1 && (p.ipOffset < p.offset || p.ipOffset >= end)) return 'ipOffset';
  if (p.nanos < 0 || p.nanos > 999_999_999 || !Number.isInteger(p.nanos)) return 'nanos';
  if (!Number.isInteger(p.seconds)) return 'seconds';
  if (p.comments.some((comment) => comment.length > 65_535)) return 'comment';
  if (h.transportOffset !== -1) {
    if (h.transportOffset < p.ipOffset || h.transportOffset > end) return 'transportOffset';
    if (h.transportOffset + h.headerBytes + h.capturedPayload > end && h.capturedPayload > 0)
      return 'capturedPayload';
  }
  if (h.payloadLength < 0 || h.transportLength < 0 || h.headerBytes < 0) return 'a length';
  if (h.capturedPayload > Math.max(h.payloadLength, 0)) return 'captured more than was sent';
  return null;
}

const headers = new Headers();
const filter = compileFilter(
  'vlan or tcp[tcpflags] & tcp-syn != 0 or port 80 or (ip[2:2] - 4*(ip[0]&15)) / ip[8] > 3',
);

interface Outcome {
  packets: number;
  passed: number;
  error: CaptureError | null;
  cut: number;
  /** Of all that was read. */
  hash: number;
}

/** Reads the file in pieces of `piece` bytes. */
function read(file: Uint8Array, piece: number): Outcome {
  const outcome: Outcome = { packets: 0, passed: 0, error: null, cut: 0, hash: 0 };
  const reader = new CaptureReader((p) => {
    headers.read(p);
    const broken = brokenPacket(p, headers);
    if (broken !== null) throw new Error(broken);
    outcome.packets++;
    if (filter(p)) outcome.passed++;
    const ipAt = p.ipOffset < 0 ? -1 : p.ipOffset - p.offset;
    for (const n of [p.seconds, p.nanos, p.capturedLength, ipAt, headers.payloadLength])
      outcome.hash = (Math.imul(outcome.hash, 31) + n) | 0;
  });
  try {
    for (let at = 0; at < file.length; at += piece) reader.push(file.subarray(at, at + piece));
    reader.end();
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    outcome.error = error;
  }
  outcome.cut = reader.cutBytes;
  return outcome;
}

describe(`${CAPTURES} mutated captures, seed ${SEED}`, () => {
  it('break nothing, and read the same in pieces', () => {
    const r = new SeededRandom(SEED);
    const errors = new Map<string, number>();
    const sum = { packets: 0, passed: 0, whole: 0, cut: 0, failed: 0 };
    let heap = 0;
    for (let n = 0; n < CAPTURES; n++) {
      if (n === Math.floor(CAPTURES / 4)) heap = heapUsed();
      let file = fileOf(r);
      for (let times = 1 + r.below(3); times > 0; times--)
        file = pick(r, MUTATIONS)(Uint8Array.from(file), r);
      try {
        const whole = read(file, file.length);
        const pieces = read(file, 1 + r.below(40));
        // A shorter look at a file that is no capture sees other things in it.
        const isOther = whole.packets === 0 && whole.error?.offset === 0;
        if (!isOther) expect(pieces).toEqual({ ...whole, cut: pieces.cut });
        if (whole.error === null) expect(pieces.cut).toBe(whole.cut);
        sum.packets += whole.packets;
        sum.passed += whole.passed;
        sum[whole.error !== null ? 'failed' : whole.cut > 0 ? 'cut' : 'whole']++;
        if (whole.error !== null) {
          const kind = whole.error.message.replace(/^at byte \d+: /, '').replaceAll(/\d+/g, 'N');
          errors.set(kind, (errors.get(kind) ?? 0) + 1);
        }
      } catch (error) {
        const hex = Buffer.from(file).toString('hex');
        throw new Error(`capture ${n} of seed ${SEED}: ${hex}`, { cause: error });
      }
    }
    const growth = heapUsed() - heap;
    const common = [...errors].filter(([, count]) => count > CAPTURES / 2000);
    console.log({ ...sum, growth }, Object.fromEntries(common.sort((a, b) => b[1] - a[1])));
    expect(sum.packets).toBeGreaterThan(CAPTURES);
    expect(sum.passed).toBeGreaterThan(CAPTURES / 10);
    for (const kind of ['whole', 'cut', 'failed'] as const)
      expect(sum[kind], kind).toBeGreaterThan(CAPTURES / 20);
    expect(errors.size).toBeGreaterThan(10);
    expect(growth).toBeLessThan(HEAP_GROWTH_BYTES);
  }, 86_400_000);
});
