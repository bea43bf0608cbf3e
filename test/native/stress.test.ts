/** The stress script in its short form; `npm run stress:native` does twenty times as much. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, ROOT, run } from '../e2e/lab.js';

describeWithTun('the driver under stress', () => {
  it('opens, closes, loses and forgets devices: nothing leaks, and the sanitizers report nothing', async () => {
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(ROOT, 'test/native/stress.mjs'), '50'],
      120,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(found.map((f) => [f['more'], f['sanitized']])).toEqual([
      [{ descriptors: 0, resources: 0, links: 0 }, false],
      [{ descriptors: 0, resources: 0, links: 0 }, true],
    ]);
  });
});
