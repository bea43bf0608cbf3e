/**
 * How `npm run script:kernel` handles a machine whose sysctls were changed, for example by Mininet.
 */
import { describe, expect, it } from 'vitest';
import { scaleOf, whyNotComparable, wholeMachinesRmemMax } from '../script-kernel/machine.mjs';

const SCRIPTS = 15_728_640;
const RAISED = 16_777_216;

describe('net.core.rmem_max', () => {
  it.each([
    [212_992, 2],
    [SCRIPTS, 8],
    [RAISED - 1, 8],
    [RAISED, 9],
    [2 ** 31 - 1, 14],
    [4096, 0],
  ])('of %i: window scale %i', (bytes, scale) => {
    expect(scaleOf(bytes)).toBe(scale);
  });

  it('is read from the machine', () => {
    expect(wholeMachinesRmemMax()).toBeGreaterThan(0);
  });

  it('raised: a script that differs only in windows is skipped, with the reason and the command', () => {
    const reason = whyNotComparable([{ field: 'window' }, { field: 'options' }], RAISED, SCRIPTS);
    expect(reason).toMatch(
      /^net\.core\.rmem_max is 16777216 .*: sudo sysctl -w net\.core\.rmem_max=212992$/,
    );
  });

  it.each([
    [[{ field: 'window' }, { field: 'ack' }], RAISED],
    [[], RAISED],
    [[{ field: 'window' }], RAISED - 1],
  ])(
    'does not excuse other differences, nor any if it is not raised: %j, %i',
    (differences, rmemMax) => {
      expect(whyNotComparable(differences, rmemMax, SCRIPTS)).toBeNull();
    },
  );
});
