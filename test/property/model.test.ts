/**
 * Two users and a network with random behaviour, checked against the model of model.ts. A failure
 * is shrunk to the fewest calls and printed with its seed and path:
 *
 *     npm run model -- --runs 20000 --seed 1
 *     npm run model -- --seed 1 --path 17:0:3       repeats that run
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { play } from './model.js';
import { steps, worlds, type Step, type World } from './model-worlds.js';

const RUNS = Number(process.env['TCPLAB_MODEL_RUNS'] ?? 600);
const SEED = Number(process.env['TCPLAB_MODEL_SEED'] ?? 20_261_123);
const PATH = process.env['TCPLAB_MODEL_PATH'];

describe(`a connection is two queues of bytes, ${RUNS} runs from seed ${SEED}`, () => {
  it(
    'whatever users and network do, no byte is lost or invented, and every end is reported and has a cause',
    () => {
      const seen = new Map<string, number>();
      const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
      const again = PATH === undefined ? {} : { path: PATH, endOnFailure: true };
      const result = fc.check(
        fc.property(worlds, steps, (world, script) => {
          const outcome = play(world, script, count);
          if (outcome !== null) throw new Error(outcome);
        }),
        { numRuns: RUNS, seed: SEED, ...again },
      );
      if (result.failed) throw new Error(told(result));
      if (PATH !== undefined) return;
      // Each kind of end in RFC 9293 must occur often enough for an error in it to show.
      for (const end of [
        'EOF',
        'ECONNRESET',
        'EPIPE',
        'ECONNREFUSED',
        'ETIMEDOUT',
        'crossing',
        'aborted',
      ])
        expect(seen.get(end), end).toBeGreaterThan(RUNS / 500);
    },
    Math.max(120_000, RUNS * 100),
  );
});

/** What failed, how to repeat it, and the fewest calls that show it, as material for a script. */
function told({
  seed,
  counterexamplePath,
  counterexample,
  errorInstance,
}: fc.RunDetails<[World, readonly Step[]]>): string {
  const [world, script] = counterexample!;
  const calls = script.map(
    ({ who, what }) => `  ${who === 0 ? 'client' : 'server'} ${JSON.stringify(what)}`,
  );
  const again = `npm run model -- --seed ${seed} --path ${counterexamplePath}`;
  return [
    String(errorInstance),
    `again: ${again}`,
    `world ${JSON.stringify(world)}`,
    ...calls,
  ].join('\n');
}

describe('the model itself', () => {
  const world: World = {
    version: 4,
    opening: 'passive',
    mortal: false,
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

  it('accepts a plain exchange', () => {
    expect(play(world, hello)).toBeNull();
  });

  it('accepts an abort, because it has a cause', () => {
    expect(play(world, [...hello, { who: 1, what: { call: 'abort' } }])).toBeNull();
  });
});
