import { describe, expect, it } from 'vitest';
import { bytesText, countText, durationText, segmentsText } from '../../src/base/quantities.js';

describe('quantities', () => {
  it('rounds times to three digits', () => {
    expect([0, 350, 1234, 40_000, 201_499, 1_000_000, 2_500_000, 128e6].map(durationText)).toEqual([
      '0 us',
      '350 us',
      '1.23 ms',
      '40 ms',
      '201 ms',
      '1 s',
      '2.5 s',
      '128 s',
    ]);
  });

  it('chooses the unit after rounding: a time a little under a second is 1 s, not 1000 ms', () => {
    expect([999.4, 999.6, 999_400, 999_500, 999_999.996, 999_999].map(durationText)).toEqual([
      '999 us',
      '1 ms',
      '999 ms',
      '1 s',
      '1 s',
      '1 s',
    ]);
  });

  it('uses the singular for 1', () => {
    expect([0, 1, 2].map(bytesText)).toEqual(['0 bytes', '1 byte', '2 bytes']);
    expect([0, 1, 2].map(segmentsText)).toEqual(['0 segments', '1 segment', '2 segments']);
    expect([1, 2].map((n) => countText(n, 'request'))).toEqual(['1 request', '2 requests']);
  });
});
