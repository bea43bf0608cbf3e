/**
 * A stack in Node's event loop: when it runs, what keeps the process alive, and what ends with the
 * stack.
 */
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { NEVER, SECOND } from '../../src/base/time.js';
import type { Device } from '../../src/device/device.js';
import { Link } from '../../src/device/link/link.js';
import { perfectLink } from '../../src/device/link/link-options.js';
import { pair } from '../../src/device/pair.js';
import { Address } from '../../src/ip/address.js';
import { monotonicClock } from '../../src/node/clock.js';
import { Host } from '../../src/node/host.js';
import { netOf } from '../../src/node/net.js';
import { Socket } from '../../src/node/socket.js';
import { CLIENT, connected, eventsOf, SERVER, twoHosts } from './two-hosts.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** A device that counts the system calls of a real one. */
function watched(device: Device): Device & { flushes: number } {
  const flush = device.flush.bind(device);
  return Object.assign(device, {
    flushes: 0,
    flush(this: { flushes: number }, now: number) {
      this.flushes++;
      flush(now);
    },
  });
}

/**
 * From `hold` on received packets are queued until they are requested, as in a TUN that the event
 * loop has not polled yet.
 */
function holding(end: Device): { device: Device; hold: () => void } {
  let held = false;
  const nextTimeout = end.nextTimeout.bind(end);
  const onTimeout = end.onTimeout.bind(end);
  const device = Object.assign(end, {
    nextTimeout: () => (held ? NEVER : nextTimeout()),
    onTimeout(now: number) {
      if (!held) onTimeout(now);
    },
    poll() {
      held = false;
      onTimeout(monotonicClock());
    },
  });
  return {
    device,
    hold: () => {
      held = true;
    },
  };
}

const hosts: Host[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.close();
});

function watchedHosts(): { a: Host; b: Host; device: ReturnType<typeof watched> } {
  const [endA, endB] = pair();
  const device = watched(endA);
  const a = new Host({ device, addresses: [`${CLIENT}/24`] });
  const b = new Host({ device: endB, addresses: [`${SERVER}/24`] });
  hosts.push(a, b);
  return { a, b, device };
}

async function join(a: Host, b: Host, port = 7): Promise<{ client: Socket; server: Socket }> {
  const listener = netOf(b).createServer().listen({ port });
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const client = netOf(a).connect(port, SERVER);
  await once(client, 'connect');
  const [server] = await accepted;
  listener.close();
  return { client, server };
}

describe('turns', () => {
  it('data that many sockets write in one turn is sent in one batch, before the event loop continues', async () => {
    const { a, b, device } = watchedHosts();
    const sockets = [await join(a, b, 7), await join(a, b, 8), await join(a, b, 9)];
    await turn();
    await turn();
    const before = device.flushes;
    for (const { client } of sockets) for (let i = 0; i < 5; i++) client.write('x');
    expect(device.flushes).toBe(before);
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    expect(device.flushes).toBe(before + 1);
  });

  it('sockets that answer each other over loopback do not starve the event loop', async () => {
    const { a } = watchedHosts();
    const listener = netOf(a)
      .createServer((s) => s.pipe(s))
      .listen({ port: 7 });
    await once(listener, 'listening');
    const socket = netOf(a).connect(7);
    let answers = 0;
    let atTurn = Infinity;
    socket.on('data', (d: Buffer) => {
      answers++;
      if (answers < 5000) socket.write(d);
    });
    socket.once('connect', () => {
      socket.write('x');
      setImmediate(() => {
        atTurn = answers;
      });
    });
    await until(() => answers === 5000);
    expect(atTurn).toBeLessThan(5000);
    socket.destroy();
  });

  it('a timer fires without other events, also if its deadline is before that of another: a lost segment is retransmitted', async () => {
    const [endA, endB] = pair();
    const link = new Link(endA, perfectLink());
    const a = new Host({
      device: link,
      addresses: [`${CLIENT}/24`],
      config: { minRto: 5000, initialRto: 60_000_000 },
    });
    const b = new Host({ device: endB, addresses: [`${SERVER}/24`] });
    hosts.push(a, b);
    const { client, server } = await join(a, b);
    const transmit = link.transmit.bind(link);
    let lost = 0;
    link.transmit = (now) => {
      if (lost++ > 0) transmit(now);
    };
    const heard = once(server, 'data');
    // The SYN's timeout is a minute, and this one two hours: an earlier deadline must not wait for
    // them.
    client.setKeepAlive(true);
    await turn();
    client.write('again');
    const [data] = (await heard) as [Buffer];
    expect(data.toString()).toBe('again');
    expect(client.conn!.stats.retransmissions).toBe(1);
  });

  it('a deadline that passed while an ACK was queued in the device causes no retransmission', async () => {
    const [endA, endB] = pair();
    const { device, hold } = holding(endA);
    const a = new Host({ device, addresses: [`${CLIENT}/24`] });
    const b = new Host({ device: endB, addresses: [`${SERVER}/24`] });
    hosts.push(a, b);
    const { client, server } = await join(a, b);
    hold();
    client.write('x');
    await once(server, 'data');
    const { conn } = client;
    await until(() => conn!.snd.allAcked);
    expect(conn!.stats.retransmissions).toBe(0);
  });

  it('a device failure ends its connections with ENETDOWN; those over loopback continue', async () => {
    const { a, b, device } = watchedHosts();
    const far = await join(a, b);
    const listener = netOf(a).createServer().listen(8);
    await once(listener, 'listening');
    const accepted = once(listener, 'connection') as Promise<[Socket]>;
    const own = netOf(a).connect(8);
    const [ownServer] = await accepted;
    const failed = once(far.client, 'error') as Promise<[NodeJS.ErrnoException]>;
    device.close();
    a.stack.deviceError(
      Object.assign(new Error('the device pair is gone'), { code: 'EBADFD' }),
      true,
      a.clock(),
    );
    expect((await failed)[0].code).toBe('ENETDOWN');
    const heard = once(ownServer, 'data');
    own.write('still here');
    expect(String((await heard)[0])).toBe('still here');
    far.server.destroy();
  });

  it('an exception of a handler is reported, and everything else continues', async () => {
    const h = twoHosts();
    const { ours, theirs } = await connected(h);
    const other = await connected(h);
    const thrown: unknown[] = [];
    const heard = process.rawListeners('uncaughtException') as ((e: unknown) => void)[];
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (e) => thrown.push(e));
    const bad = new Error('error of a handler');
    theirs.once('data', () => {
      throw bad;
    });
    other.theirs.resume();
    const events = eventsOf(theirs);
    ours.end('x');
    other.ours.end('y');
    await Promise.all([once(theirs, 'close'), once(other.theirs, 'close')]);
    process.removeAllListeners('uncaughtException');
    for (const listener of heard) process.on('uncaughtException', listener);
    expect(thrown).toEqual([bad]);
    expect(events).toEqual(['end', 'finish', 'close']);
    expect(other.theirs.bytesRead).toBe(1);
  });
});

describe('the life of the process', () => {
  it('an idle host does not keep the process alive; a server and a socket do', async () => {
    const { a, b } = watchedHosts();
    expect(a.holdsProcess).toBe(false);
    const listener = netOf(a).createServer().listen({ port: 7 });
    expect(a.holdsProcess).toBe(true);
    listener.unref();
    expect(a.holdsProcess).toBe(false);
    listener.ref();
    expect(a.holdsProcess).toBe(true);
    listener.close();
    expect(a.holdsProcess).toBe(false);

    const { client, server } = await join(a, b);
    expect(a.holdsProcess).toBe(true);
    client.unref();
    expect(a.holdsProcess).toBe(false);
    client.ref();
    expect(a.holdsProcess).toBe(true);
    server.destroy();
    client.resume();
    await once(client, 'close');
    await until(() => !a.holdsProcess);
  });

  it('TIME-WAIT does not keep the process alive', async () => {
    const { a, b } = watchedHosts();
    const { client, server } = await join(a, b);
    server.resume();
    client.resume().end();
    await once(client, 'close');
    await until(() => a.stack.tcp.timeWait.size === 1);
    expect(a.holdsProcess).toBe(false);
  });

  it('a connecting socket keeps the process alive even if unreferenced; an unreferenced connected one does not', async () => {
    const { a, b } = watchedHosts();
    netOf(b).createServer().listen({ port: 7 });
    const socket = new Socket(a).unref().connect(7, SERVER);
    expect(a.holdsProcess).toBe(true);
    await once(socket, 'connect');
    expect(a.holdsProcess).toBe(false);
    socket.destroy();
  });

  it('the process stays alive until the peer has all written data, even after the socket has closed', async () => {
    const { a, b } = watchedHosts();
    const { client, server } = await join(a, b);
    // The peer does not read yet and our buffer holds everything: the socket closes long before the
    // data is delivered.
    server.pause();
    client.resume();
    let closed = false;
    client.on('close', () => {
      closed = true;
    });
    const total = client.conn!.sendRoom;
    client.write(Buffer.alloc(total));
    client.destroySoon();
    await until(() => closed);
    expect(a.holdsProcess).toBe(true);
    let got = 0;
    server.on('data', (d: Buffer) => (got += d.length));
    server.resume();
    await once(server, 'end');
    expect(got).toBe(total);
    await until(() => !a.holdsProcess);
  });
});

describe('close', () => {
  it('resets the peers, closes sockets and servers, and can be called twice', async () => {
    const h = twoHosts();
    const { server, ours, theirs } = await connected(h);
    const mine = eventsOf(theirs);
    const peers = eventsOf(ours);
    let serverClosed = false;
    server.on('close', () => {
      serverClosed = true;
    });
    ours.resume();
    h.b.close();
    h.b.close();
    await until(() => serverClosed && peers.includes('close') && mine.includes('close'));
    expect(peers).toEqual(['error ECONNRESET', 'close']);
    expect(mine).toEqual(['close']);
    expect(server.listening).toBe(false);
  });

  it('nothing can be opened on a closed host', async () => {
    const h = twoHosts();
    h.a.close();
    const errors = await Promise.all([
      once(netOf(h.a).connect(7, SERVER), 'error').catch((e: unknown) => [e]),
      once(netOf(h.a).createServer().listen({ port: 7 }), 'error').catch((e: unknown) => [e]),
    ]);
    expect(errors.map(([e]) => (e as Error).message)).toEqual([
      `connect ENETDOWN ${SERVER}:7 - Local (0.0.0.0:0)`,
      'listen ENETDOWN: network is down 0.0.0.0:7',
    ]);
  });
});

describe('names', () => {
  it('localhost is the host itself; other names do not exist', async () => {
    const h = twoHosts();
    const listener = netOf(h.a).createServer().listen({ port: 7 });
    await once(listener, 'listening');
    const socket = netOf(h.a).connect(7, 'localhost');
    await once(socket, 'connect');
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();

    const [error] = (await once(netOf(h.a).connect(7, 'example.test'), 'error').catch(
      (e: unknown) => [e],
    )) as [unknown];
    expect(error).toMatchObject({
      message: 'getaddrinfo ENOTFOUND example.test',
      code: 'ENOTFOUND',
      errno: -3008,
      syscall: 'getaddrinfo',
      hostname: 'example.test',
    });
  });
});

describe('data before the end of a connection', () => {
  it('a slow reader still gets the data before a reset, then the error', async () => {
    const { ours, theirs } = await connected(twoHosts());
    theirs.pause();
    const total = theirs.readableHighWaterMark + 100_000;
    ours.write(Buffer.alloc(total));
    await until(() => theirs.readableLength + theirs.conn!.receiveQueued === total);
    ours.resetAndDestroy();
    await until(() => theirs.conn!.error !== null);
    expect(theirs.destroyed).toBe(false);
    const events = eventsOf(theirs);
    theirs.resume();
    await until(() => theirs.destroyed);
    expect(theirs.bytesRead).toBe(total);
    await until(() => events.includes('close'));
    expect(events).toEqual(['error ECONNRESET', 'close']);
  });

  it('a writer that waits for buffer space gets the reset at once', async () => {
    const { ours, theirs } = await connected(
      twoHosts({ receiveBufferBytes: 1 << 18, sendBufferBytes: 1 << 18 }),
    );
    ours.pause();
    theirs.pause();
    theirs.write(Buffer.alloc(theirs.readableHighWaterMark + 100_000));
    const results: unknown[] = [];
    ours.on('error', () => undefined);
    ours.write(Buffer.alloc(1 << 22), (error) => results.push(error));
    // The stream is full, so that no read reports the reset.
    await until(
      () => ours.readableLength >= ours.readableHighWaterMark && ours.conn!.receiveQueued > 0,
    );
    theirs.resetAndDestroy();
    await until(() => results.length > 0);
    expect(results[0]).toMatchObject({ code: 'ECONNRESET', syscall: 'write' });
  });
});

it('idle() resolves only when all written data is delivered, even after its socket has closed', async () => {
  const hosts = twoHosts({ sendBufferBytes: 100_000, receiveBufferBytes: 10_000 });
  // Stream and receive buffer together hold less than is sent: the rest waits until it is read,
  // however long the turns take.
  const { server, ours, theirs } = await connected(hosts, { highWaterMark: 4096 });
  theirs.pause();
  ours.end(Buffer.alloc(50_000, 'x'));
  await once(ours, 'finish');
  ours.destroy();
  let idle = false;
  const waiting = hosts.a.idle().then(() => (idle = true));
  for (let i = 0; i < 10; i++) await turn();
  expect([idle, theirs.readableLength < 50_000]).toEqual([false, true]);
  let received = 0;
  for await (const chunk of theirs) received += (chunk as Buffer).length;
  await waiting;
  expect(received).toBe(50_000);
  await hosts.a.idle();
  server.close();
});

describe('the secret behind sequence numbers', () => {
  it("MUST-9: is different in each host, from the system's random numbers", () => {
    const remote = Address.parse('198.18.0.1');
    const numbers = [1, 2, 3].map(() => {
      const host = new Host({
        device: pair()[0],
        addresses: ['198.18.0.2/24'],
        clock: () => SECOND,
      });
      const user = { tcpEvents: (): void => undefined };
      const { iss } = host.stack.connect({ remote, remotePort: 80, localPort: 4000, user }, SECOND);
      host.close();
      return iss;
    });
    expect(new Set(numbers).size).toBe(3);
  });
});
