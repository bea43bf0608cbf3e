/**
 * A recording of a bug is a test: each file of test/recordings must replay without a difference.
 * README.md there says how to add one, and what to do after a wanted change of behaviour.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bytesSource } from '../../src/record/reader.js';
import { Replay } from '../../src/record/replay.js';
import { divergenceText } from '../../src/record/transcript.js';

const FOLDER = join(import.meta.dirname, '../recordings');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.tcplab'));

it('there are recordings', () => {
  expect(files.length).toBeGreaterThan(1);
});

it.each(files)('%s replays the same', (name) => {
  const replay = new Replay(bytesSource(readFileSync(join(FOLDER, name))));
  while (replay.next() !== null);
  expect(replay.divergence === null ? '' : divergenceText(replay.divergence)).toBe('');
  expect(replay.isCut).toBe(false);
  expect(replay.steps).toBeGreaterThan(10);
});
