import { describe, expect, it } from 'vitest';
import { Patience } from '../../bench/patience.mjs';

describe('a measurement of the bench', () => {
  it('that fails is repeated and noted', async () => {
    const patience = new Patience();
    let failures = 2;
    const found = await patience.attempt('mock', 'download, round 1', () => {
      if (failures-- > 0) throw new Error('client: read: Resource temporarily unavailable');
      return 7;
    });
    expect(found).toBe(7);
    expect(patience.notes()).toEqual([
      'repeated because it failed 2 times: mock, download, round 1: client: read: Resource ' +
        'temporarily unavailable',
    ]);
  });

  it('that fails each time is given up and noted', async () => {
    const patience = new Patience();
    let attempts = 0;
    const hiccup = async (): Promise<never> => {
      attempts++;
      throw new Error('hiccup');
    };
    expect(await patience.attempt('mock', 'upload, round 2', hiccup)).toBeNull();
    expect(attempts).toBe(3);
    expect(patience.notes()).toEqual(['failed 3 times: mock, upload, round 2: hiccup']);
  });

  it('that succeeds leaves no note', async () => {
    const patience = new Patience();
    expect(await patience.attempt('mock', 'upload', () => 1)).toBe(1);
    expect(patience.notes()).toEqual([]);
  });
});
