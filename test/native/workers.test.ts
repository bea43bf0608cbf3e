/**
 * The addon in several worker threads at once: nothing leaks, however they end.
 */
import { expect, it } from 'vitest';
import { describeWithTun, inside, insideWithFaults } from './inside.js';

describeWithTun('worker threads', () => {
  it('each have their own devices, and a fault injected in one does not affect the others', async () => {
    const { said, left } = await insideWithFaults('workers.mjs', 'together');
    const works = { sent: 10, dropped: 0 };
    expect(said).toEqual([works, { sent: 0, dropped: 10 }, works, works]);
    expect(left).toBe(0);
  });

  it.each([
    ['closed', '[0]'],
    ['unref', '[0]'],
    ['exit', '[3]'],
    ['closedAndExit', '[3]'],
    ['throw', '[1,"on purpose"]'],
    ['stay', '[1]'],
    ['spin', '[1]'],
    ['exitInside', '[3]'],
    ['throwInside', '[1,"on purpose"]'],
  ])('leave nothing open when they end by %s', async (how, codes) => {
    expect(await inside('workers.mjs', 'ends', how)).toEqual({
      codes: [codes],
      left: 0,
      resources: 0,
    });
  });

  it('do not keep the process from ending', async () => {
    expect(await inside('workers.mjs', 'processEnds')).toBeNull();
  });
});
