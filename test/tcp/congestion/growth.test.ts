import { expect, it } from 'vitest';
import { Growth } from '../../../src/tcp/congestion/growth.js';

it('counts acknowledged segments, independent of the number of ACKs: one segment for each ten', () => {
  for (const size of [1, 3, 7, 10, 64]) {
    const growth = new Growth();
    let cwnd = 10;
    for (let acked = 0; acked < 6720; acked += size) cwnd = growth.avoid(cwnd, 10, size);
    expect(cwnd).toBe(10 + 672);
  }
});

it('credit from slower growth is worth at most one segment', () => {
  const growth = new Growth();
  expect(growth.avoid(10, 100, 99)).toBe(10);
  expect(growth.avoid(10, 4, 1)).toBe(11);
  expect(growth.avoid(11, 4, 2)).toBe(11);
  expect(growth.avoid(11, 4, 1)).toBe(12);
});
