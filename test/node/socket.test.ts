import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { NetError } from '../../src/node/errors.js';
import type { Socket } from '../../src/node/socket.js';
import { connected, CLIENT, eventsOf, SERVER, twoHosts } from './two-hosts.js';

/**
 * Waits until `condition` holds; vitest stops the test otherwise.
 */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a socket', () => {
  it('knows both ends, as net.Socket does', async () => {
    const { ours, theirs, server } = await connected(twoHosts());
    expect(ours).toMatchObject({
      remoteAddress: SERVER,
      remoteFamily: 'IPv4',
      localAddress: CLIENT,
      connecting: false,
      pending: false,
    });
    expect(ours.remotePort).toBe(server.address()!.port);
    expect(theirs).toMatchObject({
      remoteAddress: CLIENT,
      remotePort: ours.localPort,
      localAddress: SERVER,
    });
    expect(theirs.address()).toEqual({ address: SERVER, family: 'IPv4', port: ours.remotePort });
    expect(ours.readyState).toBe('open');
  });

  it('emits connect, ready, finish, end, close in this order', async () => {
    const h = twoHosts();
    const server = h.server.createServer((s) => s.end('bye'));
    server.listen(7000);
    await once(server, 'listening');
    const socket = h.client.connect({ host: SERVER, port: 7000 });
    const events = eventsOf(socket);
    socket.on('data', () => events.push('data'));
    await once(socket, 'close');
    expect(events).toEqual(['connect', 'ready', 'data', 'end', 'finish', 'close']);
  });

  it('sends the ACK of a request with the reply, also if many requests and the ends of their handshakes came in one batch', async () => {
    // No timer: on a busy machine the process may stop for longer than a probe timeout.
    const h = twoHosts({}, true, () => 1e6);
    const sockets: Socket[] = [];
    const server = h.server.createServer((s) => {
      sockets.push(s);
      s.on('data', (d) => s.write(d));
    });
    server.listen(7000);
    await once(server, 'listening');
    const clients = Array.from({ length: 20 }, () =>
      h.client.connect({ host: SERVER, port: 7000 }),
    );
    // The data follows directly after the ACK of the SYN,ACK.
    for (const client of clients) client.end('hello').resume();
    await Promise.all(clients.map((client) => once(client, 'close')));
    // The reply, which acknowledges the data and the FIN, and our FIN, perhaps in one segment. The
    // SYN,ACK had no user yet.
    for (const socket of sockets) expect(socket.conn!.stats.segsOut).toBeLessThanOrEqual(2);
    expect(sockets).toHaveLength(20);
  });

  it('is refused with the error of node:net', async () => {
    const socket = twoHosts().client.connect({ host: SERVER, port: 81 });
    const closed = new Promise<boolean>((resolve) => socket.on('close', resolve));
    const [error] = (await once(socket, 'error').catch((e: unknown) => [e])) as [NetError];
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      address: SERVER,
      port: 81,
    });
    expect(error.message).toBe(`connect ECONNREFUSED ${SERVER}:81`);
    expect(await closed).toBe(true);
  });

  it('times out with ETIMEDOUT without a reply', async () => {
    const h = twoHosts({ synRetries: 0, synLinearTimeouts: 0, initialRto: 20_000 });
    const socket = h.client.connect({ host: '198.18.0.77', port: 80 });
    const [error] = (await once(socket, 'error').catch((e: unknown) => [e])) as [NetError];
    expect(error.message).toBe('connect ETIMEDOUT 198.18.0.77:80');
  });

  it('gets ENETUNREACH for an address family that the stack does not have', async () => {
    const socket = twoHosts().client.connect({ host: 'fd00::1', port: 80 });
    const [error] = (await once(socket, 'error').catch((e: unknown) => [e])) as [NetError];
    expect(error.code).toBe('ENETUNREACH');
  });

  it('moves megabytes both ways at once, intact', async () => {
    for (const offload of [true, false]) {
      const { ours, theirs } = await connected(twoHosts({}, offload), { allowHalfOpen: true });
      const up = randomBytes(3_000_000);
      const down = randomBytes(2_000_000);
      const [atServer, atClient] = [createHash('sha256'), createHash('sha256')];
      theirs.on('data', (d: Buffer) => atServer.update(d));
      ours.on('data', (d: Buffer) => atClient.update(d));
      const ends = Promise.all([once(theirs, 'end'), once(ours, 'end')]);
      await Promise.all([
        pipeline(Readable.from([up]), ours),
        pipeline(Readable.from([down]), theirs),
        ends,
      ]);
      expect(atServer.digest('hex')).toBe(createHash('sha256').update(up).digest('hex'));
      expect(atClient.digest('hex')).toBe(createHash('sha256').update(down).digest('hex'));
      expect(theirs.bytesRead).toBe(up.length);
    }
  });

  it('half-closes: still reads after end()', async () => {
    const { ours, theirs } = await connected(twoHosts(), { allowHalfOpen: true });
    ours.end('question');
    const heard: string[] = [];
    theirs.on('data', (d: Buffer) => heard.push(d.toString()));
    await once(theirs, 'end');
    expect(heard).toEqual(['question']);
    theirs.end('answer');
    const [[answer]] = (await Promise.all([once(ours, 'data'), once(ours, 'close')])) as [
      [Buffer],
      unknown,
    ];
    expect(answer.toString()).toBe('answer');
  });

  it('ends its own half when the peer ends, unless half-open is allowed', async () => {
    const { ours, theirs } = await connected(twoHosts());
    theirs.resume();
    ours.resume().end();
    await Promise.all([once(ours, 'close'), once(theirs, 'close')]);
    expect(theirs.writableEnded).toBe(true);
  });

  it('closes the window when the reader stops, and opens it when it reads again', async () => {
    const h = twoHosts({ receiveBufferBytes: 64 * 1024, sendBufferBytes: 64 * 1024 });
    const { ours, theirs } = await connected(h);
    theirs.pause();
    ours.write(Buffer.alloc(1 << 20));
    await until(() => ours.conn!.snd.wnd === 0);
    expect(ours.conn!.snapshot(h.a.clock()).snd.unsent).toBeGreaterThan(0);
    expect(ours.writableNeedDrain).toBe(true);
    let got = 0;
    theirs.on('data', (d: Buffer) => (got += d.length)).resume();
    await until(() => got === 1 << 20);
    expect(ours.conn!.snd.wnd).toBeGreaterThan(0);
  });

  it('calls back from write when the bytes are in the send buffer, and the caller may reuse its memory', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const mine = Buffer.from('mine');
    await new Promise<void>((resolve) => ours.write(mine, () => resolve()));
    mine.fill('x');
    const [heard] = (await once(theirs, 'data')) as [Buffer];
    expect(heard.toString()).toBe('mine');
  });

  it('sends all writes of one turn as one segment', async () => {
    const h = twoHosts({ noDelay: true });
    const { ours, theirs } = await connected(h);
    const before = ours.conn!.stats.dataSegsOut;
    for (let i = 0; i < 20; i++) ours.write('x');
    const heard: Buffer[] = [];
    theirs.on('data', (d: Buffer) => heard.push(d));
    await until(() => Buffer.concat(heard).length === 20);
    expect(ours.conn!.stats.dataSegsOut - before).toBeLessThanOrEqual(2);
  });

  it('resetAndDestroy: the peer gets read ECONNRESET', async () => {
    const { ours, theirs } = await connected(twoHosts());
    const events = eventsOf(theirs);
    theirs.resume();
    ours.resetAndDestroy();
    const [error] = (await once(theirs, 'error').catch((e: unknown) => [e])) as [NetError];
    expect(error).toMatchObject({
      code: 'ECONNRESET',
      syscall: 'read',
      message: 'read ECONNRESET',
    });
    await until(() => events.includes('close'));
  });

  it('destroy() with unread data resets, and without it closes with FIN', async () => {
    const unread = await connected(twoHosts());
    unread.theirs.pause();
    unread.ours.on('error', () => undefined).write('never read');
    await until(() => unread.theirs.conn!.receiveQueued + unread.theirs.readableLength > 0);
    unread.theirs.destroy();
    await until(() => unread.ours.destroyed);

    const clean = await connected(twoHosts());
    clean.ours.resume();
    clean.theirs.destroy();
    await once(clean.ours, 'end');
  });

  it('setTimeout reports inactivity and does not close', async () => {
    const { ours } = await connected(twoHosts());
    ours.setTimeout(5);
    await once(ours, 'timeout');
    expect(ours.destroyed).toBe(false);
  });

  it('can be iterated and encoded like any stream', async () => {
    const { ours, theirs } = await connected(twoHosts());
    theirs.end('äöü\n');
    ours.setEncoding('utf8');
    let text = '';
    for await (const part of ours) text += String(part);
    expect(text).toBe('äöü\n');
  });
});

describe('a server', () => {
  it('reports EADDRINUSE with the message of node:net', async () => {
    const { server } = twoHosts();
    server.createServer().listen(80);
    const second = server.createServer();
    second.listen(80, SERVER);
    const [error] = (await once(second, 'error').catch((e: unknown) => [e])) as [NetError];
    expect(error.code).toBe('EADDRINUSE');
    expect(error.message).toBe(`listen EADDRINUSE: address already in use ${SERVER}:80`);
  });

  it('rejects a second listen(), and an invalid port', () => {
    const { server } = twoHosts();
    const one = server.createServer().listen(80);
    expect(() => one.listen(81)).toThrow(
      expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }) as Error,
    );
    expect(() => server.createServer().listen(70_000)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_BAD_PORT' }) as Error,
    );
  });

  it('closes when its last socket has closed, and its port is free again', async () => {
    const h = twoHosts();
    const { server, ours, theirs } = await connected(h);
    const { port } = server.address()!;
    const closed = once(server, 'close');
    server.close();
    expect(server.listening).toBe(false);
    theirs.resume();
    ours.resume().end();
    await closed;
    const again = h.server.createServer().listen(port);
    await once(again, 'listening');
  });

  it('counts connections and drops those over maxConnections', async () => {
    const h = twoHosts();
    const { server, ours } = await connected(h);
    server.maxConnections = 1;
    const dropped = once(server, 'drop');
    const second = h.client.connect({ host: SERVER, port: server.address()!.port });
    second.on('error', () => undefined);
    await dropped;
    const count = await new Promise<number>((resolve) =>
      server.getConnections((_e, n) => {
        resolve(n);
      }),
    );
    expect(count).toBe(1);
    ours.destroy();
  });

  it('is closed by an AbortSignal', async () => {
    const { server } = twoHosts();
    const stop = new AbortController();
    const one = server.createServer().listen({ port: 80, signal: stop.signal });
    await once(one, 'listening');
    stop.abort();
    await once(one, 'close');
  });

  it('can be reached over loopback inside one stack', async () => {
    const h = twoHosts();
    h.server.createServer((s) => void s.pipe(s)).listen(7);
    const socket = h.server.connect({ host: '127.0.0.1', port: 7 });
    socket.write('to myself');
    const [heard] = (await once(socket, 'data')) as [Buffer];
    expect(heard.toString()).toBe('to myself');
    socket.destroy();
  });
});
