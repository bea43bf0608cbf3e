/**
 * Recordings that were cut or changed: the replay says so, and never fails in another way.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { MILLISECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { RecordingError } from '../../src/record/errors.js';
import { BLOCK_HEAD_BYTES, hashOf, HEADER_AT } from '../../src/record/format.js';
import { overviewOf } from '../../src/record/overview.js';
import { bytesSource } from '../../src/record/reader.js';
import type { RecordedStack } from '../../src/record/recorded-stack.js';
import { Replay } from '../../src/record/replay.js';
import { exchange, Hosts } from '../stack/hosts.js';
import { recorded, type Recorded } from './recorded-worlds.js';

const MUTANTS = Number(process.env['TCPLAB_RECORD_MUTANTS'] ?? 400);

/** A recording of several blocks: a transfer both ways over a link with losses. */
function recording(): Uint8Array {
  const both: Recorded[] = [];
  const lane = { ...NO_IMPAIRMENTS, loss: 0.1, delay: MILLISECOND };
  const h = new Hosts({
    seed: 5,
    link: { seed: 5, in: lane, out: lane },
    make: (o) => {
      both.push(recorded(o));
      return both.at(-1)!.stack;
    },
  });
  exchange(h, 6000, 9000);
  for (let i = 0; i < 5; i++) {
    h.time.pass(20 * MILLISECOND);
    (h.b as RecordedStack).flushRecording();
  }
  h.settle();
  return both[1]!.bytes();
}

type Outcome = 'same' | 'divergence' | 'cut' | 'damaged';

function outcomeOf(bytes: Uint8Array): { outcome: Outcome; steps: number } {
  let steps = 0;
  try {
    const replay = new Replay(bytesSource(bytes));
    while (replay.next() !== null) steps = replay.steps;
    const cut = replay.isCut || replay.reader.cutBytes > 0;
    return { steps, outcome: replay.divergence !== null ? 'divergence' : cut ? 'cut' : 'same' };
  } catch (error) {
    if (error instanceof RecordingError && error.message !== '' && error.fix !== '')
      return { outcome: 'damaged', steps };
    throw error;
  }
}

interface Block {
  readonly at: number;
  readonly length: number;
}

function blocksOf(bytes: Uint8Array): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Block[] = [];
  for (let at = HEADER_AT + view.getUint32(8, true); at < bytes.length;) {
    const length = view.getUint32(at, true);
    blocks.push({ at, length });
    at += BLOCK_HEAD_BYTES + length;
  }
  return blocks;
}

let whole: Uint8Array;
beforeAll(() => {
  whole = recording();
});

it('a whole recording has several blocks and replays the same', () => {
  expect(blocksOf(whole).length).toBeGreaterThan(3);
  expect(outcomeOf(whole).outcome).toBe('same');
  expect(overviewOf(bytesSource(whole))).toMatchObject({
    steps: outcomeOf(whole).steps,
    damage: null,
  });
});

describe('a recording that was cut', () => {
  it('replays up to its last whole step', () => {
    const { steps } = outcomeOf(whole);
    const blocks = blocksOf(whole);
    const first = blocks[0]!.at;
    let before = 0;
    for (let length = whole.length; length > first + 200; length -= 97) {
      const cut = whole.subarray(0, length);
      const result = outcomeOf(cut);
      const isBetween = blocks.some(({ at }) => at === length);
      expect(result.outcome, `${length} bytes`).toBe(
        length === whole.length || isBetween ? 'same' : 'cut',
      );
      expect(overviewOf(bytesSource(cut)).steps).toBe(result.steps);
      expect(result.steps).toBeLessThanOrEqual(steps);
      if (before > 0) expect(before - result.steps).toBeGreaterThanOrEqual(0);
      before = result.steps;
    }
  });

  it('in its header is no recording', () => {
    for (const length of [0, 1, 7, 8, 15, 16, 100, blocksOf(whole)[0]!.at])
      expect(() => new Replay(bytesSource(whole.subarray(0, length))), `${length}`).toThrow();
  });
});

describe('a recording with a changed byte', () => {
  it(`is found to be damaged, each of ${MUTANTS} times`, () => {
    const random = new SeededRandom(1);
    for (let i = 0; i < MUTANTS; i++) {
      const bytes = whole.slice();
      const at = random.below(bytes.length);
      bytes[at]! ^= 1 + random.below(255);
      expect(outcomeOf(bytes).outcome, `byte ${at}`).toBe('damaged');
    }
  });

  it(`and with hashes that fit again diverges, is damaged, or is the same: ${MUTANTS} times`, () => {
    const random = new SeededRandom(2);
    const blocks = blocksOf(whole);
    const counts = { same: 0, divergence: 0, cut: 0, damaged: 0 };
    for (let i = 0; i < MUTANTS; i++) {
      const bytes = whole.slice();
      const { at, length } = blocks[random.below(blocks.length)]!;
      bytes[at + BLOCK_HEAD_BYTES + random.below(length)]! ^= 1 + random.below(255);
      const view = new DataView(bytes.buffer);
      const records = at + BLOCK_HEAD_BYTES;
      view.setUint32(at + 4, hashOf(bytes, records, records + length), true);
      view.setUint32(at + 8, hashOf(bytes, at, at + 8), true);
      counts[outcomeOf(bytes).outcome]++;
    }
    // A changed byte of a received or lent payload changes no header but a checksum.
    expect(counts.divergence).toBeGreaterThan(MUTANTS / 4);
    expect(counts.damaged).toBeGreaterThan(0);
  });
});
