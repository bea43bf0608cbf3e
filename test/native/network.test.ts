/** The lab's network: MTU, queue, addresses and routes, and how they are restored. */
import { expect, it } from 'vitest';
import { describeWithTun, inside, type Found } from './inside.js';

const get = (scenario: string): Promise<Found> => inside('network.mjs', scenario);
const V4 = '198.18.0.1/24';
const V6 = 'fd74:6370:6c61:62::1/64';
const WHOLE = {
  addresses: [V4, V6],
  mtu: 1500,
  queue: 4096,
  up: true,
  routes: [
    expect.stringMatching(/^198\.18\.0\.0\/24 .*src 198\.18\.0\.1 congctl cubic$/),
    expect.stringMatching(/^fd74:6370:6c61:62::\/64 .*metric 128 congctl cubic/),
  ],
} as const;

describeWithTun('the lab’s network', () => {
  it('has its MTU, queue, addresses and routes with CUBIC, and disappears with its device', async () => {
    expect(await get('lab')).toEqual({
      ...WHOLE,
      device: 1500,
      lo: true,
      exists: true,
      after: false,
    });
  });

  it('is restored completely after the device was down or its MTU changed; restoring twice is harmless', async () => {
    const { first, down, afterDown, small, afterSmall, twice } = await get('restored');
    expect(first).toEqual(WHOLE);
    expect(down).toEqual([V4]);
    expect(afterDown).toEqual(WHOLE);
    expect(small).toEqual([V4]);
    expect(afterSmall).toEqual(WHOLE);
    expect(twice).toEqual(WHOLE);
  });

  it('has no IPv6 with an MTU below 1280, and the error says why', async () => {
    expect(await get('small')).toMatchObject({
      addresses: [V4],
      mtu: 1000,
      message: expect.stringMatching(
        /^IPv6 needs an MTU of at least 1280 \(RFC 8200 section 5\).*1279$/,
      ) as unknown,
      fix: expect.stringMatching(/--mtu 1280 or more/) as unknown,
      exitCode: 2,
      enough: null,
    });
  });

  it('passes on errors of the kernel', async () => {
    expect(await get('refused')).toEqual(['EINVAL', 'EINVAL', 'EADDRNOTAVAIL']);
  });

  it('removes single addresses', async () => {
    expect(await get('deleting')).toEqual([V6]);
  });

  it('also comes up on a kernel without CUBIC', async () => {
    expect(await get('noCubic')).toEqual({
      asked: ['cubic', 'cubic'],
      addresses: [V4, V6],
      up: true,
    });
  });
});
