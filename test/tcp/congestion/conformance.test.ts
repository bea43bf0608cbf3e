import { describe, expect, it } from 'vitest';
import {
  CONGESTION_CONTROLS,
  createCongestionControl,
  type CongestionName,
  type HystartName,
} from '../../../src/tcp/congestion/index.js';
import { conforms } from './conformance.js';

const NAMES = Object.keys(CONGESTION_CONTROLS) as CongestionName[];

describe('the table of controls', () => {
  it.each(NAMES)('%s: is created by its name and described in one line', (name) => {
    expect(createCongestionControl(name, { hystart: 'linux', random: 1 }).name).toBe(name);
    expect(CONGESTION_CONTROLS[name]).toMatch(/^[^\n]{20,100}$/);
  });
  it('has all four', () => {
    expect(NAMES).toEqual(['cubic', 'reno', 'bbr', 'none']);
  });
});

for (const name of NAMES) {
  const hystarts: HystartName[] =
    name === 'cubic' ? ['linux', 'linux-train', 'linux-delay', 'rfc9406', 'off'] : ['off'];
  for (const hystart of hystarts) {
    const title = name === 'cubic' ? `${name}, HyStart ${hystart}` : name;
    conforms(title, () => createCongestionControl(name, { hystart, random: 42 }), {
      unlimited: name === 'none',
    });
  }
}
