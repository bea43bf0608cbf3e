/**
 * Packets through a device: bytes are unchanged, packets arrive in batches, retained packets stay
 * valid, and memory does not grow.
 */
import { expect, it } from 'vitest';
import { describeWithTun, inside, type Found } from './inside.js';

const get = (scenario: string, ...args: string[]): Promise<Found> =>
  inside('traffic.mjs', scenario, ...args);
const BOTH = ['offload', 'plain'];

describeWithTun('packets through a TUN', () => {
  it.each(BOTH)('every size up to the MTU, both ways (%s)', async (offload) => {
    expect(await get('sizes', offload, '1500', '0-1472')).toEqual({
      lengths: 1473,
      wrong: { in: [], out: [] },
      errors: [],
      left: [0, 0],
    });
  });

  it.each(BOTH)('up to the largest packet of IP (%s)', async (offload) => {
    const { lengths, wrong } = await get(
      'sizes',
      offload,
      '65535',
      '4060-4070',
      '16380-16390',
      '65490-65507',
    );
    expect([lengths, wrong]).toEqual([40, { in: [], out: [] }]);
  });

  it.each(BOTH)('larger than the MTU on the way to the kernel (%s)', async (offload) => {
    expect(await get('largerThanMtu', offload)).toEqual(Array(6).fill(true));
  });

  it('a batch is one call of the driver', async () => {
    const { early, hundred, thousand, answers, counters } = await get('batches');
    expect([early, hundred, thousand]).toEqual([0, 1, Math.ceil(1000 / 128)]);
    expect(answers.batches).toBeLessThanOrEqual(4);
    expect(answers.reads).toBeLessThanOrEqual(8);
    expect(counters).toMatchObject({ txPackets: 1100, txBytes: 1100 * 84, txDropped: 0 });
    expect(counters.rxPackets).toBeGreaterThanOrEqual(1100);
  });

  it('packets that arrive one at a time are read one at a time, and a burst is read together again', async () => {
    const { oneByOne, burst, arrived } = await get('alone');
    expect(oneByOne.slice(0, 8)).toEqual(Array(8).fill(64));
    expect(oneByOne).toContain(1);
    expect(
      burst.slice(0, 8),
      'one read in eight asks for a full batch, at any packet rate',
    ).toContain(64);
    expect(arrived).toBe(50);
  });

  it.each(BOTH)(
    'pieces are gathered in order, also across the end of a ring (%s)',
    async (offload) => {
      expect(await get('pieces', offload)).toEqual({
        count: 1,
        equal: Array(9).fill(true),
        bytes: 0,
      });
    },
  );

  it('more buffers than one write can take make two writes', async () => {
    expect(await get('manyBuffers')).toEqual({ count: 2, equal: true });
  });

  it('retained bytes do not change during later traffic', async () => {
    const { kept, slabs, changed, distinct } = await get('keep');
    expect([kept, changed, distinct]).toEqual([200, 0, 200]);
    expect(slabs).toBeGreaterThan(10);
  });

  it('without retained bytes one slab is reused for ever', async () => {
    expect(await get('reuse')).toBe(1);
  });

  it('100,000 packets each way allocate almost nothing and leak nothing', async () => {
    const { bytesAPacket, heap, buffers } = await get('memory');
    expect(bytesAPacket).toBeLessThan(32);
    expect(heap).toBeLessThan(100_000);
    expect(buffers).toBeLessThanOrEqual(0);
  });
});

describeWithTun('the life of a queue', () => {
  it.each(['packet', 'batchEnd', 'reopen'])(
    'is closed inside its callback (%s): no event follows',
    async (where) => {
      const { after, errors, descriptors, resources } = await get('closeInside', where);
      expect(after).toEqual({ packets: 0, batches: 0 });
      expect([errors, descriptors]).toEqual([[], 0]);
      expect(resources).not.toContain('PollWrap');
    },
  );

  it('outlives an exception of its listener', async () => {
    expect(await get('throwing')).toEqual({ uncaught: ['of the listener'], count: 3 });
  });

  it('an unreferenced open queue is garbage collected', async () => {
    expect(await get('forgotten')).toEqual({ open: 10, left: 0 });
  });

  it('after unref() it does not keep the process alive', async () => {
    expect(await get('unref')).toBe('ends');
  });
});
