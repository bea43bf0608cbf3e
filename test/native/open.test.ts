/** Opening and attaching: names, flags, offloads, persistent devices, descriptors. */
import { expect, it } from 'vitest';
import { describeWithTun, inside, insideForeignSys } from './inside.js';

const FULL = { checksum: true, tso4: true, tso6: true };
const NONE = { checksum: false, tso4: false, tso6: false };
const TUN = 0x1001; // IFF_TUN | IFF_NO_PI
const VNET = 0x4000;
const MULTI = 0x100;
const PERSIST = 0x800;

describeWithTun('opening a TUN', () => {
  it('creates it by name, with offloads, and closing it removes it', async () => {
    expect(await inside('open.mjs', 'byName')).toEqual({
      found: { name: 'test0', mtu: 1500, offload: FULL, flags: TUN | VNET },
      gone: 'ENOENT',
    });
  });

  it('lets the kernel choose a name', async () => {
    expect(await inside('open.mjs', 'kernelsName')).toMatchObject({ name: 'tun0', offload: FULL });
  });

  it('has no offloads if the option is off', async () => {
    expect(await inside('open.mjs', 'noOffload')).toMatchObject({ offload: NONE, flags: TUN });
  });

  it('falls back to a plain TUN if the kernel rejects the header, and to no offloads if it rejects those', async () => {
    const { tried, found } = await inside('open.mjs', 'vnetRefused');
    expect(tried).toEqual([TUN | VNET, TUN]);
    expect(found).toMatchObject({ offload: NONE, flags: TUN });
    expect(await inside('open.mjs', 'offloadsRefused')).toMatchObject({
      offload: NONE,
      flags: TUN | VNET,
    });
  });

  it.each([
    [[], TUN, NONE],
    [['vnet_hdr'], TUN | VNET, FULL],
    [['multi_queue'], TUN | MULTI, NONE],
    [['multi_queue', 'vnet_hdr'], TUN | MULTI | VNET, FULL],
  ] as const)(
    'takes over the flags of an existing device: %j',
    async (flags, expected, offload) => {
      const { found, stays } = await inside('open.mjs', 'existing', ...flags);
      expect(found).toMatchObject({ offload, flags: expected | PERSIST });
      expect(stays).toBe(expected | PERSIST);
    },
  );

  it.each([[[]], [['multi_queue']], [['vnet_hdr', 'multi_queue']]])(
    "attaches in a private network that still has the machine's /sys: %j",
    async (flags) => {
      expect(await insideForeignSys('open.mjs', 'foreignSys', ...flags)).toEqual({
        seen: 'ENOENT',
        name: 'test0',
        mtu: 1400,
      });
    },
  );

  it('takes over the header of an existing device, without offloads if the option is off', async () => {
    expect(await inside('open.mjs', 'existingWithoutOffload')).toMatchObject({
      offload: NONE,
      flags: TUN | VNET | PERSIST,
    });
  });

  it('opens several queues of one device', async () => {
    const [first, second] = await inside('open.mjs', 'queues');
    expect(first).toMatchObject({ name: 'test0', flags: TUN | VNET | MULTI, offload: FULL });
    expect(second).toEqual(first);
  });

  it('creates a persistent device with an owner, attaches to it and removes it', async () => {
    const found = await inside('open.mjs', 'persistent');
    expect(found).toMatchObject({
      kept: { owner: found.owner, flags: TUN | VNET | PERSIST },
      attached: { name: 'test0', offload: FULL },
      gone: 'ENOENT',
    });
  });

  it('takes over an open descriptor, also one inherited from a parent, and closes it', async () => {
    expect(await inside('open.mjs', 'byDescriptor')).toEqual({
      found: { name: 'test0', mtu: 1500, offload: FULL, flags: TUN | VNET },
      closed: 'EBADF',
    });
    expect(await inside('open.mjs', 'inherited')).toMatchObject({ name: 'test0', offload: FULL });
  });

  it.each([
    ['tap', 'EINVAL', /descriptor \d+ is a TAP/],
    ['info', 'EINVAL', /descriptor \d+ .*IFF_NO_PI/],
    ['file', /ENOTTY|EINVAL/, /descriptor 1 is not an attached TUN device.*--tun NAME/],
    ['nothing', 'EBADF', /descriptor 999 is not an attached TUN device/],
  ] as const)('explains an invalid descriptor: %s', async (kind, code, message) => {
    const error = await inside('open.mjs', 'wrongDescriptor', kind);
    expect(error.code).toMatch(code);
    expect(error.message).toMatch(message);
  });

  it('refuses a name that is too long instead of opening another device', async () => {
    const { error, links } = await inside('open.mjs', 'longName');
    expect(error).toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(/15 bytes/) as unknown,
    });
    expect(links).not.toContain('sixteen');
  });
});
