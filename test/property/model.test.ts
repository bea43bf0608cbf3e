/**
 * Two users and a network that do anything, against the model of model.ts. A failure is shrunk to the fewest calls and printed with its seed and path:
 *
 *     npm run model -- --runs 20000 --seed 1
 *     npm run model -- --seed 1 --path 17:0:3       that one again
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { play, steps, worlds, type Step, type World } from './model.js';

const RUNS = Number(process.env['TCPLAB_MODEL_RUNS'] ?? 600);
const SEED = Number(process.env['TCPLAB_MODEL_SEED'] ?? 20_261_123);
const PATH = process.env['TCPLAB_MODEL_PATH'];

describe(`a connection is two queues of bytes, ${RUNS} runs from seed ${SEED}`, () => {
  it('whatever users and network do, nothing is lost, nothing invented, and every end is told and has a cause', () => {
    let [sent, resets, clean] = [0, 0, 0];
    fc.assert(
      fc.property(worlds, steps, (world, script) => {
        const outcome = play(world, script);
        if (outcome !== null) throw new Error(outcome);
        sent += script.filter(({ what }) => what.call === 'send').length;
        if (script.some(({ what }) => what.call === 'abort')) resets++;
        else clean++;
      }),
      { numRuns: RUNS, seed: SEED, ...(PATH === undefined ? {} : { path: PATH, endOnFailure: true }) },
    );
    if (PATH === undefined) {
      expect(sent).toBeGreaterThan(RUNS);
      expect(resets).toBeGreaterThan(RUNS / 20);
      expect(clean).toBeGreaterThan(RUNS / 10);
    }
  }, 120_000);
});

describe('the model itself', () => {
  const world: World = {
    version: 4,
    offload: false,
    isns: [0, 0],
    link: { loss: 0, reorder: 0, duplicate: 0, corrupt: 0, delay: 0 },
    config: {},
    seed: 1,
  };
  const hello: Step[] = [
    { who: 0, what: { call: 'wait', ms: 10 } },
    { who: 0, what: { call: 'send', bytes: 5000, more: false } },
    { who: 1, what: { call: 'wait', ms: 1000 } },
  ];

  it('lets a plain exchange pass', () => {
    expect(play(world, hello)).toBeNull();
  });

  it('lets an abort pass, for it has a cause', () => {
    expect(play(world, [...hello, { who: 1, what: { call: 'abort' } }])).toBeNull();
  });
});
