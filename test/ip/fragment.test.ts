import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fragmentPayload } from '../../src/ip/fragment.js';

it('a fragment that is not the last has the largest multiple of 8 bytes that fits, at least 8', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65_535 }),
      fc.constantFrom(20, 48),
      (mtu, headerBytes) => {
        const payload = fragmentPayload(mtu, headerBytes);
        expect(payload % 8).toBe(0);
        expect(payload).toBeGreaterThan(0);
        if (mtu < headerBytes + 8) return;
        expect(headerBytes + payload).toBeLessThanOrEqual(mtu);
        expect(headerBytes + payload + 8).toBeGreaterThan(mtu);
      },
    ),
    { seed: 20, numRuns: 1000 },
  );
});
