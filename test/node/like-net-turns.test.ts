/**
 * Between any two events of a socket the tick and microtask queues are empty, and no event is
 * emitted in the turn of the call that caused it.
 */
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { serveHttp } from '../../src/node/http.js';
import type { Socket } from '../../src/node/socket.js';
import type { Place } from './places.js';
import { listening, nothing, same, turns, type Saw } from './scenes.js';
import { SERVER, twoHosts } from './two-hosts.js';

const EVENTS = ['connect', 'ready', 'data', 'end', 'finish', 'error', 'close'];

/**
 * After each event the handler's ticks and promises, some of which create more, are done before the
 * next event.
 */
function logsDeeply(socket: net.Socket, log: string[]): void {
  for (const event of EVENTS) {
    socket.on(event, (x: unknown) => {
      log.push(event);
      let left = 5;
      const tick = (): void => {
        if (left-- > 0) void Promise.resolve().then(() => process.nextTick(tick));
        else log.push(`${event} done`);
      };
      tick();
      if (x instanceof Error) log.push((x as NodeJS.ErrnoException).code!);
    });
  }
}

/** The peer acts at once; records what the server's socket sees, reading from its start. */
const seenBy =
  (peer: (s: net.Socket) => void, o: { allowHalfOpen?: boolean; wait?: boolean } = {}) =>
  async (place: Place): Promise<Saw> => {
    const log: string[] = [];
    const server = place.server.createServer({ pauseOnConnect: o.wait === true, ...o }, (s) => {
      logsDeeply(s, log);
      if (o.wait === true) void turns(50).then(() => s.resume());
      s.on('end', () => s.end());
    });
    const port = await listening(place, server);
    const socket = place.client.connect(port, place.address, () => {
      peer(socket);
    });
    socket.on('error', nothing).resume();
    await once(server, 'connection');
    server.close();
    await once(server, 'close');
    await turns(20);
    // The sizes of queued pieces depend on the system, and so do the ticks between 'ready' and
    // 'connect'.
    return { log: log.filter((line, i) => line !== log[i - 2] || line !== 'data').join(' ') };
  };

describe('one event, then all its ticks and microtasks, then the next', () => {
  it.each<[string, (s: net.Socket) => void]>([
    ['data and FIN', (s) => s.end('hello')],
    ['a FIN alone', (s) => s.end()],
    ['a reset', (s) => setImmediate(() => s.resetAndDestroy())],
  ])('%s in one batch', async (_, peer) => {
    await same(seenBy(peer));
  });

  it('data and FIN that were queued until resume()', async () => {
    const seen = await same(seenBy((s) => s.end('hello'), { wait: true }));
    expect(seen['log']).toMatch(/^data data done end /);
  });

  it('two pieces of data: the second follows when the handler of the first is done', async () => {
    const h = twoHosts();
    const log: string[] = [];
    const server = h.server.createServer((s) => {
      logsDeeply(s as unknown as net.Socket, log);
    });
    server.listen(7);
    const client = h.client.connect(7, SERVER);
    await once(client, 'connect');
    // Each is too large to be joined with another.
    client.write(Buffer.alloc(50_000));
    client.write(Buffer.alloc(50_000));
    client.end();
    await once(client, 'end');
    const pieces = log.filter((line) => line === 'data').length;
    expect(pieces).toBeGreaterThan(1);
    expect(log.join(' ')).not.toMatch(/data (data|end)(?! done)/);
  });
});

describe('no event in the turn of the call', () => {
  it('a write over loopback causes events later, after ticks and microtasks of the writer', async () => {
    const { a, client } = twoHosts();
    const net = client;
    const log: string[] = [];
    const server = net.createServer((s) => {
      s.on('data', () => log.push('data'));
      s.on('end', () => log.push('end'));
    });
    server.listen(7, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect(7, '127.0.0.1');
    await once(socket, 'connect');
    await turns(5);
    socket.end('x');
    log.push('written');
    process.nextTick(() => process.nextTick(() => log.push('tick')));
    await Promise.resolve();
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    log.push('microtask');
    while (!log.includes('end')) await turns(1);
    expect(log).toEqual(['written', 'tick', 'microtask', 'data', 'end']);
    expect(a.holdsProcess).toBe(true);
  });

  it('data queued during a pause is emitted in its own turn after resume()', async () => {
    const seen = await same(async (place) => {
      const log: string[] = [];
      const server = place.server.createServer({ pauseOnConnect: true }, (s) => {
        void turns(50).then(() => {
          s.on('data', () => log.push('data'));
          s.resume();
          log.push(`read ${String(s.read())}`);
          process.nextTick(() => process.nextTick(() => log.push('tick')));
        });
        s.on('end', () => s.end());
      });
      const port = await listening(place, server);
      const client = place.client.connect(port, place.address, () => client.end('hello'));
      client.resume();
      await once(client, 'close');
      server.close();
      return { log };
    });
    expect(seen['log']).toEqual(['read null', 'tick', 'data']);
  });
});

describe('no reply is lost', () => {
  it.each<[string, http.RequestListener]>([
    [
      'on the end of the body',
      (request, response) => request.on('end', () => response.end('answer')).resume(),
    ],
    [
      'ten microtasks later',
      async (_request, response) => {
        for (let i = 0; i < 10; i++) await Promise.resolve();
        response.end('answer');
      },
    ],
    [
      'ten ticks later',
      (_request, response) => {
        const later = (n: number): void =>
          void (n > 0 ? process.nextTick(later, n - 1) : response.end('answer'));
        later(10);
      },
    ],
    [
      'body read by for await',
      async (request, response) => {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        response.end(`answer`.slice(0, body === 'hi' ? 6 : 0));
      },
    ],
  ])('sent %s, although the FIN came with the request', async (_, handler) => {
    const h = twoHosts();
    serveHttp(h.b, http.createServer(handler), { port: 80 });
    const client = h.client.connect(80, SERVER);
    client.end('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi');
    let got = '';
    client.on('data', (d: Buffer) => (got += String(d)));
    await once(client, 'end');
    expect(got).toMatch(/answer$/);
  });
});

describe('servers', () => {
  it('close() in the connection handler keeps the connection, and resets those in the accept queue', async () => {
    const h = twoHosts();
    const server = h.server.createServer((s) => {
      server.close();
      s.end('one-shot answer');
    });
    server.listen(7);
    const clients = Array.from({ length: 3 }, () => h.client.connect(7, SERVER));
    const seen = await Promise.all(
      clients.map(async (c) => {
        let got = '';
        c.on('data', (d: Buffer) => (got += String(d)));
        await new Promise<void>((done) => {
          c.on('error', (e: NodeJS.ErrnoException) => (got += e.code!)).on('close', () => {
            done();
          });
        });
        return got;
      }),
    );
    expect(seen.sort()).toEqual(['ECONNRESET', 'ECONNRESET', 'one-shot answer']);
  });

  it('ticks and microtasks are done between two connections', async () => {
    const h = twoHosts();
    const log: string[] = [];
    const server = h.server.createServer();
    const handle = async (s: Socket): Promise<void> => {
      log.push('connection');
      for (let i = 0; i < 10; i++) await Promise.resolve();
      log.push('done');
      s.destroy();
    };
    server.on('connection', (s: Socket) => void handle(s));
    server.listen(7);
    const clients = Array.from({ length: 3 }, () => h.client.connect(7, SERVER).resume());
    await Promise.all(clients.map((c) => once(c, 'close')));
    expect(log.join(' ')).toBe('connection done connection done connection done');
  });
});
