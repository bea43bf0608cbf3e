// @ts-check
/** Links, addresses and routes, configured without `ip` and checked with `ip`. */
import { Prefix, dist, ip, native, open, scenarios, sys, thrown } from './kit.mjs';

const { setUpInterface, openLabNetwork, deviceExists, requireV6Mtu, KERNEL_ADDRESSES } =
  await dist('lab/cli/lab-network.js');
const prefixes = KERNEL_ADDRESSES.map((/** @type {string} */ text) => Prefix.parse(text));

/** Addresses with their scope, without the link-local ones that the kernel adds itself. */
const addresses = (name = 'test0') =>
  JSON.parse(ip('-j', 'address', 'show', 'dev', name))[0]
    .addr_info.filter((/** @type {any} */ a) => a.scope === 'global')
    .map(
      (/** @type {any} */ a) =>
        `${a.local}/${a.prefixlen}${a.tentative === true ? ' tentative' : ''}`,
    );

const state = () => ({
  addresses: addresses(),
  mtu: Number(sys('test0', 'mtu')),
  queue: Number(sys('test0', 'tx_queue_len')),
  up: (Number(sys('test0', 'flags')) & 1) === 1,
  routes: [
    ...ip('route', 'show', 'dev', 'test0').split('\n'),
    ...ip('-6', 'route', 'show', 'dev', 'test0').split('\n'),
  ]
    .filter((line) => line.includes('congctl'))
    .map((line) => line.trim().replace(/ +/g, ' ')),
});

await scenarios({
  lab() {
    const device = openLabNetwork({ name: 'test0', clock: () => 0 });
    const made = {
      ...state(),
      device: device.mtu,
      lo: (Number(sys('lo', 'flags')) & 1) === 1,
      exists: deviceExists('test0'),
    };
    device.close();
    return { ...made, after: deviceExists('test0') };
  },
  restored() {
    const device = open();
    setUpInterface('test0', 1500, prefixes);
    const first = state();
    ip('link', 'set', 'test0', 'down');
    const down = addresses();
    setUpInterface('test0', 1500, prefixes);
    const afterDown = state();
    ip('link', 'set', 'test0', 'mtu', '1000');
    const small = addresses();
    setUpInterface('test0', 1500, prefixes);
    const afterSmall = state();
    setUpInterface('test0', 1500, prefixes);
    const twice = state();
    device.close();
    return { first, down, afterDown, small, afterSmall, twice };
  },
  small() {
    const device = open();
    setUpInterface('test0', 1000, prefixes);
    const found = state();
    device.close();
    const { message, fix, exitCode } = (() => {
      try {
        return requireV6Mtu(1279);
      } catch (error) {
        return error;
      }
    })();
    return { ...found, message, fix, exitCode, enough: thrown(() => requireV6Mtu(1280)) };
  },
  /** The kernel's own errors for impossible requests. */
  refused() {
    const device = open();
    const lib = native();
    const found = [
      thrown(() => lib.linkSet('test0', 10, -1, -1)),
      thrown(() => lib.linkSet('test0', 70_000, -1, -1)),
      thrown(() => lib.addressDelete('test0', Uint8Array.of(10, 0, 0, 1), 24)),
    ];
    device.close();
    return found.map((e) => e?.code);
  },
  deleting() {
    const device = open();
    const lib = native();
    setUpInterface('test0', 1500, prefixes);
    lib.addressDelete('test0', Uint8Array.of(198, 18, 0, 1), 24);
    const left = addresses();
    device.close();
    return left;
  },
  /** A kernel without CUBIC keeps its default, and the link still comes up. */
  noCubic() {
    const lib = native();
    const real = lib.routeCongestion;
    /** @type {string[]} */
    const asked = [];
    lib.routeCongestion = (/** @type {any[]} */ ...args) => {
      asked.push(args[3]);
      real(args[0], args[1], args[2], 'no-such-one');
    };
    const device = open();
    setUpInterface('test0', 1500, prefixes);
    const found = state();
    device.close();
    return { asked, addresses: found.addresses, up: found.up };
  },
});
