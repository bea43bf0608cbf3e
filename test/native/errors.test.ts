/**
 * Each errno is provoked if the kernel can be made to return it, and injected otherwise. It is
 * reported with its name and a sentence, and nothing leaks.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../e2e/lab.js';
import {
  describeWithTun,
  inside,
  insideWithFaults,
  isRoot,
  parse,
  SCRIPTS,
  type Found,
} from './inside.js';

const get = (scenario: string, ...args: string[]): Promise<Found> =>
  inside('errors.mjs', scenario, ...args);
const getWithFaults = (scenario: string, ...args: string[]): Promise<Found> =>
  insideWithFaults('errors.mjs', scenario, ...args);
const says = (code: string, message: RegExp, fatal?: boolean): Found =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message) as unknown,
    ...(fatal === undefined ? {} : { fatal }),
  });
const packetBytes = (...texts: string[]): number => texts.reduce((n, t) => n + 28 + t.length, 0);

describeWithTun('a device that fails', () => {
  it('EIO: the device is down; it goes on when it is up again', async () => {
    const { whileDown, counters, received } = await get('down');
    expect(whileDown).toEqual({
      errors: [says('EIO', /test0 is down.*sudo ip link set test0 up/, false)],
      drops: [['deviceError', 2]],
    });
    expect(counters).toMatchObject({ txPackets: 1, txDropped: 2, txBytes: packetBytes('again') });
    expect(received).toBe('again');
  });

  it('EBADFD: deleted while it is open: reported once, fatal, closed, and later packets are counted', async () => {
    expect(await get('deleted')).toEqual({
      errors: [says('EBADFD', /test0 was deleted/, true)],
      drops: [],
      open: 0,
      dropped: 1000,
    });
  });

  it('EBADFD: deleted, and a write detects it first', async () => {
    const { atOnce, later } = await get('deletedThenWritten');
    expect(atOnce).toEqual({
      errors: [says('EBADFD', /was deleted/, true)],
      drops: [['deviceError', 3]],
    });
    expect(later).toBe(1);
  });

  it('EBADFD: deleted before it had a receiver', async () => {
    expect((await get('deletedBeforeAttach')).errors).toEqual([
      says('EBADFD', /was deleted/, true),
    ]);
  });

  it.each(['version', 'gso', 'checksum'])(
    'EINVAL: one bad packet (%s) is dropped and counted, and no other',
    async (what) => {
      expect(await get('refused', what)).toEqual({
        errors: [says('EINVAL', /test0 refused a packet \(EINVAL\)/, false)],
        drops: [['deviceError', 1]],
        counters: { txPackets: 3, txDropped: 1, txBytes: packetBytes('one', 'two', 'three') },
        received: ['one', 'two', 'three'],
      });
    },
  );

  it('ENOBUFS and EINVAL in one batch are counted separately', async () => {
    const { errors, drops, counters } = await getWithFaults('mixed');
    expect(drops).toEqual([
      ['deviceQueueFull', 2],
      ['deviceError', 1],
    ]);
    expect(errors).toEqual([says('EINVAL', /refused/, false)]);
    expect(counters).toMatchObject({ txPackets: 1, txDropped: 3 });
  });

  it.each(['EAGAIN', 'ENOBUFS'])('%s on write: a full queue, no error', async (code) => {
    const { errors, drops, counters, received } = await getWithFaults('writeFault', code, '2', '0');
    expect(errors).toEqual([]);
    expect(drops).toEqual([['deviceQueueFull', 2]]);
    expect(counters).toMatchObject({ txPackets: 3, txDropped: 2 });
    expect(received).toEqual(['three', 'four', 'last']);
  });

  it('after EINTR the call is repeated', async () => {
    const { drops, received } = await getWithFaults('writeFault', 'EINTR', '3', '0');
    expect(drops).toEqual([]);
    expect(received).toEqual(['one', 'two', 'three', 'four', 'last']);
    expect(await getWithFaults('readFault', 'EINTR', '3')).toEqual({
      errors: [],
      drops: [],
      packets: 1,
    });
  });

  it('a short write loses that packet', async () => {
    const { errors, drops, counters } = await getWithFaults('writeFault', 'short', '1', '5');
    expect(errors).toEqual([says('EMSGSIZE', /refused a packet/, false)]);
    expect(drops).toEqual([['deviceError', 1]]);
    expect(counters).toMatchObject({ txPackets: 4, txDropped: 1 });
  });

  it('EIO and EBADFD end a batch; only the second ends the device', async () => {
    expect(await getWithFaults('writeFault', 'EIO', '1', '0')).toMatchObject({
      errors: [says('EIO', /is down/, false)],
      drops: [['deviceError', 4]],
      received: ['last'],
    });
    expect(await getWithFaults('writeFault', 'EBADFD', '1', '0')).toMatchObject({
      errors: [says('EBADFD', /was deleted/, true)],
      drops: [['deviceError', 4]],
    });
  });

  it('on read: EAGAIN means no packet, ENOBUFS is temporary, EIO is fatal', async () => {
    expect(await getWithFaults('readFault', 'EAGAIN', '2')).toEqual({
      errors: [],
      drops: [],
      packets: 1,
    });
    const { errors, packets } = await getWithFaults('readFault', 'ENOBUFS', '2');
    expect([errors.length, packets]).toEqual([2, 1]);
    expect(errors[0]).toEqual(says('ENOBUFS', /ENOBUFS/, false));
    expect((await getWithFaults('readFault', 'EIO', '1')).errors).toEqual([says('EIO', /./, true)]);
  });
});

describeWithTun('a device that cannot be opened', () => {
  it('EBUSY: another process has its only queue', async () => {
    expect(await get('busy')).toEqual(says('EBUSY', /another process uses it.*--tun/));
  });

  it('EINVAL: wrong queue flags, a TAP, no TUN at all', async () => {
    const { single, followed, tap, loopback } = await get('queueFlags');
    expect(single).toEqual(says('EINVAL', /EINVAL: invalid argument, TUNSETIFF/));
    expect(followed).toBeNull();
    for (const error of [tap, loopback])
      expect(error).toEqual(says('EINVAL', /is not a TUN.*--tun/));
  });

  it('EPERM: no capability', async () => {
    const script = [process.execPath, join(SCRIPTS, 'errors.mjs'), 'opening'];
    const without = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin', ...script];
    const outer = isRoot ? ['--net'] : ['--map-root-user', '--net'];
    expect(parse(await run('unshare', [...outer, 'setpriv', ...without]))).toEqual(
      says('EPERM', /CAP_NET_ADMIN.*tcplab up --user/),
    );
  });

  it('ENOENT: no device node', async () => {
    expect(await get('node')).toEqual(
      says('ENOENT', /\/dev\/net\/tun does not exist.*sudo modprobe tun/),
    );
  });

  // Only real root may create device nodes.
  const asRoot = isRoot ? it : () => undefined;
  asRoot('EACCES: no permission for the device node; and a node without a driver', async () => {
    expect(await get('node', '0600')).toEqual(
      says('EACCES', /no permission for \/dev\/net\/tun.*chmod 0666/),
    );
    const { code, message } = await get('node', '0666', '199');
    expect(code).toMatch(/ENODEV|ENXIO/);
    expect(message).toMatch(/TUN driver is not loaded.*sudo modprobe tun/);
  });

  it('invalid arguments of links and addresses are rejected', async () => {
    const codes = (await get('noSuchDevice')).map((e: Found) => e?.code as string);
    expect(codes).toEqual([
      'ENODEV',
      'ENODEV',
      'ENODEV',
      'ENODEV',
      'ERR_INVALID_ARG_VALUE',
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('invalid arguments of queues are rejected before any use of them', async () => {
    const EFAULT = 14;
    const { writes, calls, noRoom, beyond, after } = await get('badArguments');
    for (const result of writes) expect(result).toEqual([0, 0, 0, 1, EFAULT]);
    expect(calls).toEqual([
      ...Array<string>(5).fill('EINVAL'),
      'EBADF',
      ...Array<string>(5).fill('EINVAL'),
      'EBADF',
      'EBADF',
      'ERR_MISSING_ARGS',
    ]);
    expect([noRoom, beyond]).toEqual([0, 0]);
    expect(after).toEqual(says('EBADF', /queue/));
  });
});
