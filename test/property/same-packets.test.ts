/**
 * Compares packets with those of another commit: for each of 1,000 random worlds
 * (model-worlds.ts), a hash of all packets that pass the client's device, byte for byte and in
 * order. For changes that move code and must not change its behaviour:
 *
 *     TCPLAB_PACKETS=/tmp/before.json npm run same-packets
 *
 * The first run, at the commit before, writes the file; later runs compare their packets with it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PacketTap } from '../../src/device/capture.js';
import { play } from './model.js';
import { steps, worlds, type Step, type World } from './model-worlds.js';

const FILE = process.env['TCPLAB_PACKETS'];
const WORLDS = FILE === undefined ? 20 : 1000;
const SEED = 20_261_130;

function hashOf(world: World, script: readonly Step[]): string {
  const hash = createHash('sha256');
  const tap: PacketTap = {
    packet: (direction, { bytes }, offset, length) => {
      hash.update(direction).update(bytes.subarray(offset, offset + length));
    },
    batchEnd: () => undefined,
  };
  play(world, script, undefined, tap);
  return hash.digest('hex').slice(0, 16);
}

const all = (): string[] =>
  fc
    .sample(fc.tuple(worlds, steps), { numRuns: WORLDS, seed: SEED })
    .map(([world, script]) => hashOf(world, script));

it('random worlds give the same packets as before', { timeout: 600_000 }, () => {
  const now = all();
  if (FILE !== undefined && !existsSync(FILE)) writeFileSync(FILE, JSON.stringify(now));
  const before = FILE === undefined ? all() : (JSON.parse(readFileSync(FILE, 'utf8')) as string[]);
  const different = now.flatMap((hash, i) => (hash === before[i] ? [] : [i]));
  expect(different, 'worlds that differ').toEqual([]);
  expect(new Set(now).size).toBeGreaterThan(WORLDS * 0.9);
});
