/**
 * Ten seconds of `npm run soak` (test/soak/soak.mjs), which takes half an hour by itself; half a
 * minute in `npm run test:full`.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, FULL, ROOT, run } from './lab.js';
import { needs } from '../tools/needs.js';

const SECONDS = FULL ? 30 : 10;

describeWithTun(
  `${SECONDS} seconds of clients that get, put, close, reset and vanish, at 2 % loss`,
  () => {
    it('leave no connection, timer, buffer or descriptor', async () => {
      needs('nc');
      const args = ['--seconds', String(SECONDS), '--clients', '60', '--seed', '1'];
      const { code, stdout, stderr } = await run(
        process.execPath,
        [join(ROOT, 'test', 'soak', 'soak.mjs'), ...args],
        110,
      );
      expect([code, stdout.trim().split('\n').at(-1)], stdout + stderr).toEqual([
        0,
        'soak: nothing is left over',
      ]);
      expect(Number(/"retransmitted": (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(SECONDS);
    });
  },
);
