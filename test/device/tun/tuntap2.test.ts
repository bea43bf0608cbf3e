/**
 * The adapter of the tuntap2 package, tested with a stand-in that has the documented interface of
 * the package.
 */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { openLabHost } from '../../../src/lab/cli/lab-host.js';
import { CommandError } from '../../../src/lab/cli/errors.js';
import type { SharedOptions } from '../../../src/lab/cli/options.js';
import type { Receiver } from '../../../src/device/device.js';
import {
  openTuntap2,
  type Tuntap2Device,
  type Tuntap2Tun,
} from '../../../src/device/tun/tuntap2.js';
import { Host } from '../../../src/node/host.js';
import { monotonicClock } from '../../../src/node/clock.js';
import { netOf } from '../../../src/node/net.js';
import { Drop } from '../../../src/wire/drop.js';
import { buildPacket, send } from '../packets.js';

/** A Duplex with one packet per chunk. Written packets arrive at `far`. */
class StandIn extends Duplex implements Tuntap2Tun {
  readonly name = 'tun7';
  mtu = 1500;
  ipv4 = '';
  ipv6 = '';
  isUp = false;
  released = 0;
  readonly written: Uint8Array[] = [];
  far: StandIn | null = null;
  /** Pending callbacks of writes, while the system accepts no packet. */
  stuck: (() => void)[] | null = null;

  override _read(): void {
    // packets arrive asynchronously
  }

  override _write(packet: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(packet);
    const { far } = this;
    if (far !== null) setImmediate(() => far.push(packet));
    if (this.stuck === null) done();
    else this.stuck.push(done);
  }

  release(): void {
    this.released++;
    this.emit('close');
  }
}

class Seen implements Receiver {
  readonly packets: Uint8Array[] = [];
  readonly told: string[] = [];
  batches = 0;
  packet: Receiver['packet'] = (rx) => {
    this.packets.push(rx.slab.bytes.slice(rx.offset, rx.offset + rx.length));
  };
  batchEnd = (): void => {
    this.batches++;
  };
  deviceError = (error: NodeJS.ErrnoException, fatal: boolean): void => {
    this.told.push(`${error.code} ${fatal}`);
  };
  deviceDrop = (reason: number, count: number): void => {
    this.told.push(`${reason === Drop.deviceQueueFull ? 'full' : 'error'} ${count}`);
  };
}

const opened = async (
  tun: StandIn,
  addresses: readonly string[] = ['198.18.0.1/24', 'fd74::1/64'],
): Promise<{ device: Tuntap2Device; seen: Seen }> => {
  const device = await openTuntap2({
    clock: monotonicClock,
    mtu: 1400,
    addresses,
    create: () => tun,
  });
  const seen = new Seen();
  device.attach(seen);
  return { device, seen };
};

describe('the tuntap2 adapter', () => {
  it('sets MTU and addresses, then brings the device up', async () => {
    const tun = new StandIn();
    const { device } = await opened(tun);
    expect([tun.mtu, tun.ipv4, tun.ipv6, tun.isUp]).toEqual([
      1400,
      '198.18.0.1/24',
      'fd74::1/64',
      true,
    ]);
    expect([device.name, device.mtu, device.offload.checksum, device.offload.tso4]).toEqual([
      'tun7',
      1400,
      false,
      false,
    ]);
  });

  it('delivers each packet at once, and writes each packet whole, joined from its pieces', async () => {
    const tun = new StandIn();
    const { device, seen } = await opened(tun);
    const packet = buildPacket({
      version: 4,
      payload: Uint8Array.from({ length: 500 }, (_, i) => i),
    });
    tun.push(packet);
    await once(tun, 'data');
    expect(seen.packets.map((p) => [...p])).toEqual([[...packet]]);
    expect(seen.batches).toBe(1);
    send(device, packet);
    send(device, packet, 0, undefined, 40);
    device.flush();
    expect(tun.written.map((p) => [...p])).toEqual([[...packet], [...packet]]);
    // A copy, because the next packet is built in the same place.
    send(device, buildPacket({ version: 6 }));
    expect([...tun.written[0]!]).toEqual([...packet]);
    expect(device.counters).toMatchObject({
      rxPackets: 1,
      rxBytes: packet.length,
      txPackets: 3,
      txDropped: 0,
    });
  });

  it("drops packets while the stream's buffer is full", async () => {
    const tun = new StandIn();
    const { device, seen } = await opened(tun);
    tun.stuck = [];
    const packet = buildPacket({ version: 4, payload: new Uint8Array(1000) });
    for (let i = 0; i < 2000; i++) send(device, packet);
    expect(tun.writableLength).toBeLessThanOrEqual(1 << 20);
    expect(device.counters.txPackets).toBe(Math.floor((1 << 20) / packet.length));
    expect(device.counters.txPackets + device.counters.txDropped).toBe(2000);
    expect(new Set(seen.told)).toEqual(new Set(['full 1']));
  });

  it('reports an error once, as the end of the device; no packet passes afterwards', async () => {
    const tun = new StandIn();
    const { device, seen } = await opened(tun);
    tun.emit('error', Object.assign(new Error('gone'), { code: 'EBADFD' }));
    tun.emit('error', Object.assign(new Error('again'), { code: 'EBADFD' }));
    tun.push(buildPacket({ version: 4 }));
    await once(tun, 'data');
    send(device, buildPacket({ version: 4 }));
    device.close();
    expect(seen.told).toEqual(['EBADFD true']);
    expect([seen.packets.length, tun.written.length, tun.released]).toEqual([0, 0, 1]);
  });

  it('counts a packet as dropped if write() throws', async () => {
    const tun = new StandIn();
    const { device, seen } = await opened(tun);
    tun.write = () => {
      throw new Error('no');
    };
    send(device, buildPacket({ version: 4 }));
    expect([seen.told, device.counters.txDropped]).toEqual([['error 1'], 1]);
  });

  it('passes on an error of opening the device', async () => {
    const create = (): Tuntap2Tun => {
      throw new Error('EPERM');
    };
    await expect(openTuntap2({ clock: monotonicClock, addresses: [], create })).rejects.toThrow(
      'EPERM',
    );
  });
});

describe('a stack over it', () => {
  const hosts: Host[] = [];
  afterEach(() => {
    for (const host of hosts.splice(0)) host.close();
  });

  it('echoes 300 KB', async () => {
    const [near, far] = [new StandIn(), new StandIn()];
    near.far = far;
    far.far = near;
    const open = async (tun: StandIn, address: string): Promise<Host> => {
      const device = await openTuntap2({ clock: monotonicClock, addresses: [], create: () => tun });
      const host = new Host({ device, addresses: [address] });
      hosts.push(host);
      return host;
    };
    const [a, b] = [await open(near, '198.18.0.1/24'), await open(far, '198.18.0.2/24')];
    const server = netOf(b).createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(7);
    await once(server, 'listening');
    const socket = netOf(a).connect({ host: '198.18.0.2', port: 7 });
    const data = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >> 8)));
    socket.end(data);
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    // Without offloads: no packet is longer than the MTU.
    expect(Math.max(...near.written.map((p) => p.length))).toBe(1500);
  });
});

describe('if the package is missing', () => {
  it('an error says how to install it', async () => {
    const install = 'install the package with `npm install tuntap2@0\\.9`, or leave --driver out';
    await expect(openTuntap2({ clock: monotonicClock, addresses: [] })).rejects.toThrow(
      new RegExp(`^the driver tuntap2 cannot be used \\(.*\\): ${install}$`),
    );
  });

  it('a command ends with exit code 77 and the fix', async () => {
    const failure = openLabHost({ driver: 'tuntap2', quiet: true } as SharedOptions);
    await expect(failure).rejects.toBeInstanceOf(CommandError);
    await expect(failure).rejects.toMatchObject({ exitCode: 77, fix: 'npm install tuntap2@0.9' });
  });
});
