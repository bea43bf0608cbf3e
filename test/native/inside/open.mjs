/** Ways to open a device. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ip, native, open, scenarios, sys, thrown } from './kit.mjs';

const IFF = { tun: 1, noPi: 0x1000, multiQueue: 0x100, vnet: 0x4000, persist: 0x800 };
/** @param {any} device */
const described = (device) => ({
  name: device.name,
  mtu: device.mtu,
  offload: device.offload,
  flags: Number(sys(device.name, 'tun_flags')),
});

/**
 * Another user, if the namespace has one: a device can only belong to a user with a mapping.
 */
function anotherUser() {
  const another = 12_345;
  const maps = readFileSync('/proc/self/uid_map', 'latin1').trim().split('\n');
  const isMapped = maps.some((map) => {
    const [first = 0, , count = 0] = map.trim().split(/\s+/).map(Number);
    return another >= first && another < first + count;
  });
  return isMapped ? another : Number(process.getuid?.());
}

await scenarios({
  byName() {
    const device = open();
    const found = described(device);
    device.close();
    return { found, gone: thrown(() => sys('test0', 'mtu'))?.code };
  },
  kernelsName() {
    const device = open({ name: '' });
    const found = described(device);
    device.close();
    return found;
  },
  noOffload() {
    const device = open({ offload: false });
    const found = described(device);
    device.close();
    return found;
  },
  /**
   * Simulates an older kernel without IFF_VNET_HDR: the first request is rejected.
   */
  vnetRefused() {
    const lib = native();
    const openTun = lib.openTun;
    /** @type {number[]} */
    const tried = [];
    lib.openTun = (/** @type {string} */ name, /** @type {number} */ flags) => {
      tried.push(flags);
      if ((flags & IFF.vnet) !== 0) throw Object.assign(new Error('refused'), { code: 'EINVAL' });
      return openTun(name, flags);
    };
    const device = open();
    const found = described(device);
    device.close();
    return { tried, found };
  },
  /** Simulates a kernel that supports the header but no offloads. */
  offloadsRefused() {
    const lib = native();
    const setOffload = lib.setOffload;
    lib.setOffload = (/** @type {number} */ fd, /** @type {number} */ mask) => {
      if (mask !== 0) throw Object.assign(new Error('refused'), { code: 'EINVAL' });
      setOffload(fd, mask);
    };
    const device = open();
    const found = described(device);
    device.close();
    return found;
  },
  /** Attaches to a device that `ip tuntap` created. */
  existing(...flags) {
    ip('tuntap', 'add', 'test0', 'mode', 'tun', ...flags);
    const device = open();
    const found = described(device);
    device.close();
    return { found, stays: Number(sys('test0', 'tun_flags')) };
  },
  /** /sys belongs to another namespace and does not list this one's devices. */
  foreignSys(...flags) {
    ip('tuntap', 'add', 'test0', 'mode', 'tun', ...flags);
    ip('link', 'set', 'test0', 'mtu', '1400');
    const seen = thrown(() => sys('test0', 'mtu'))?.code;
    const device = open();
    const { name, mtu } = device;
    device.close();
    return { seen, name, mtu };
  },
  existingWithoutOffload() {
    ip('tuntap', 'add', 'test0', 'mode', 'tun', 'vnet_hdr');
    const device = open({ offload: false });
    const found = described(device);
    device.close();
    return found;
  },
  queues() {
    const first = open({ multiQueue: true });
    const second = open({ multiQueue: true });
    const found = [described(first), described(second)];
    first.close();
    second.close();
    return found;
  },
  persistent() {
    const lib = native();
    const owner = anotherUser();
    const { fd } = lib.openTun('test0', IFF.tun | IFF.noPi | IFF.vnet);
    lib.setOwner(fd, owner);
    lib.setPersist(fd, 1);
    lib.closeFd(fd);
    const kept = { owner: sys('test0', 'owner'), flags: Number(sys('test0', 'tun_flags')) };
    const device = open();
    const attached = described(device);
    device.close();
    lib.linkDelete('test0');
    return { owner: String(owner), kept, attached, gone: thrown(() => sys('test0', 'mtu'))?.code };
  },
  byDescriptor() {
    const { fd } = native().openTun('test0', IFF.tun | IFF.noPi | IFF.vnet);
    const device = open({ name: undefined, fd });
    const found = described(device);
    device.close();
    return { found, closed: thrown(() => native().closeFd(fd))?.code };
  },
  /** A privileged parent opens the device, and an unprivileged child uses it. */
  inherited() {
    const { fd } = native().openTun('test0', IFF.tun | IFF.noPi | IFF.vnet);
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'fd3'], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
      encoding: 'utf8',
    });
    native().closeFd(fd);
    return JSON.parse(child.stdout);
  },
  fd3() {
    const device = open({ name: undefined, fd: 3 });
    const found = described(device);
    device.close();
    return found;
  },
  /** Invalid descriptors. */
  wrongDescriptor(kind) {
    const lib = native();
    const TAP = 2;
    const fd = {
      tap: () => lib.openTun('test0', TAP | IFF.noPi).fd,
      info: () => lib.openTun('test0', IFF.tun).fd,
      file: () => 1,
    }[kind]?.();
    // The kernel's flags of the device; some kernels report IFF_NO_PI for every device.
    if (kind === 'info') lib.tunInfo = () => ({ name: 'test0', flags: IFF.tun });
    return thrown(() => open({ name: undefined, fd: fd ?? 999 }).close());
  },
  longName() {
    return {
      error: thrown(() => open({ name: 'sixteen-letters!' }).close()),
      links: execFileSync('ip', ['-br', 'link'], { encoding: 'utf8' }),
    };
  },
});
