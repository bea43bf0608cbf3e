/** The shipped addon. Tests load another build, with additional functions. */
import { expect, it } from 'vitest';
import { native } from '../../../src/device/tun/native.js';
import { testNative } from '../../native/test-addon.js';

it('the shipped addon has no function that only tests call', async () => {
  const shipped = Object.keys(native()).sort();
  const tested = Object.keys(await testNative()).sort();
  expect(tested.filter((name) => !shipped.includes(name))).toEqual(['injectFault', 'joinPackets']);
  expect(shipped.filter((name) => !tested.includes(name))).toEqual([]);
});
