/**
 * A stack is a function of its inputs: random worlds (test/property) are recorded and replayed, and
 * the replays have the same events and the same states. `npm run replay-worlds` plays 1,000.
 */
import { expect, it } from 'vitest';
import { differencesOf } from './recorded-worlds.js';

const WORLDS = Number(process.env['TCPLAB_REPLAY_WORLDS'] ?? 100);
const SEED = Number(process.env['TCPLAB_REPLAY_SEED'] ?? 20_261_201);

it(`the replays of ${WORLDS} random worlds are the same`, { timeout: 3_600_000 }, () => {
  expect(differencesOf(WORLDS, SEED)).toEqual([]);
});

it('also with payloads that are cut', () => {
  expect(differencesOf(20, SEED, { snap: 8 })).toEqual([]);
});
