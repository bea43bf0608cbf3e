import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, run } from '../e2e/lab.js';
import { describeWithTun } from './inside.js';

interface Outcome {
  rounds: number;
  clean: boolean;
  before: { descriptors: number; handles: number };
  after: { descriptors: number; handles: number };
}

describeWithTun('the driver under stress', () => {
  it('leaves no descriptor and no handle behind, and no word from the sanitizers', async () => {
    const { stdout, stderr } = await run(process.execPath, [join(ROOT, 'test/native/stress.mjs'), '100', '50'], 110);
    const { plain, sanitized } = JSON.parse(stdout) as { plain: Outcome; sanitized: Outcome };
    expect(plain, stderr).toMatchObject({ rounds: 100, clean: true });
    expect(plain.after).toEqual(plain.before);
    expect(sanitized, stderr).toMatchObject({ rounds: 50, clean: true });
    expect(sanitized.after).toEqual(sanitized.before);
  }, 120_000);
});
