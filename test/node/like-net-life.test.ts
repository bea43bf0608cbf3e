/**
 * The life of sockets and servers: reconnecting sockets, writes that are never sent, async
 * contexts, and the counts of servers.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { EventEmitter, getEventListeners, once } from 'node:events';
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { errorText, Journal, type Place } from './places.js';
import { alike, connected, listening, nothing, same, turns, type Saw } from './scenes.js';
import { connected as joined, SERVER, twoHosts } from './two-hosts.js';

describe('connecting again', () => {
  it('three connections of one socket, one after the other', async () => {
    const seen = await same(async (place) => {
      const server = place.server.createServer((s) => s.end('hello'));
      const port = await listening(place, server);
      const socket = place.newSocket();
      const journal = new Journal(socket);
      for (let i = 0; i < 3; i++) {
        socket.connect(port, place.address);
        journal.lines.push(`${socket.readyState} ${socket.destroyed} ${socket.bytesRead}`);
        await once(socket, 'close');
        journal.lines.push(
          `${socket.readyState} ${socket.destroyed} ${socket.bytesRead} ${socket.pending}`,
        );
      }
      server.close();
      return { lines: journal.lines };
    });
    expect((seen['lines'] as string[]).filter((line) => line === 'data hello')).toHaveLength(3);
  });

  it('after a refusal, from the error handler of a client that retries', () =>
    same(async (place) => {
      const port = await place.freePort();
      const socket = place.newSocket();
      const lines: string[] = [];
      socket
        .on('error', (e) => lines.push(errorText(e)))
        .on('close', (had) => {
          lines.push(`close ${had}`);
          if (lines.length < 6) socket.connect(port, place.address);
        });
      socket.connect(port, place.address);
      while (lines.length < 6) await turns(1);
      return { lines };
    }));

  it('writes go to the new connection, and its byte counts start at 0', () =>
    same(async (place) => {
      const got: string[] = [];
      const server = place.server.createServer((s) => {
        s.on('data', (d) => got.push(String(d)));
      });
      const port = await listening(place, server);
      const socket = place.newSocket();
      const counts: number[] = [];
      for (const text of ['one', 'three']) {
        socket.connect(port, place.address);
        socket.end(text);
        await once(socket.resume(), 'close');
        counts.push(socket.bytesWritten);
      }
      server.close();
      await once(server, 'close');
      return { got, counts };
    }));

  it('leaves no connection', async () => {
    const h = twoHosts();
    const server = h.server.createServer((s) => s.resume());
    server.listen(7);
    const socket = h.client.connect(7, SERVER);
    for (let i = 0; i < 5; i++) {
      await once(socket, 'connect');
      socket.destroy();
      await once(socket, 'close');
      socket.connect(7, SERVER);
    }
    await once(socket, 'connect');
    while ([...h.b.stack.connections()].length !== 1) await turns(1);
    expect([...h.a.stack.connections()]).toHaveLength(1);
    socket.destroy();
    await h.a.idle();
    server.close();
    await h.b.idle();
  });
});

/** A write whose callback must report an error. */
const writing =
  (o: {
    connect: 'server' | 'nobody' | 'never';
    destroy?: 'at once' | 'with an error' | 'later';
    writes?: number;
  }) =>
  async (place: Place): Promise<Saw> => {
    const server = place.server.createServer((s) => s.on('error', nothing).resume());
    const port = o.connect === 'nobody' ? await place.freePort() : await listening(place, server);
    const socket = place.newSocket();
    const lines: string[] = [];
    const note = (what: string) => (e?: Error | null) =>
      void lines.push(`${what} ${e ? errorText(e) : 'done'}`);
    socket.on('error', note('error')).on('close', () => lines.push('close'));
    if (o.connect !== 'never') socket.connect(port, place.address);
    for (let i = 0; i < (o.writes ?? 1); i++) socket.write('x'.repeat(100), note(`write ${i}`));
    if (o.destroy === 'later') process.nextTick(() => socket.destroy());
    else if (o.destroy !== undefined)
      socket.destroy(o.destroy === 'at once' ? undefined : new Error('enough'));
    await once(socket, 'close').catch(nothing);
    await turns(20);
    server.close();
    return { lines };
  };

describe('a write that was never sent never reports success', () => {
  it.each<[string, Parameters<typeof writing>[0]]>([
    ['destroyed before it connects', { connect: 'server', destroy: 'at once' }],
    ['two writes', { connect: 'server', destroy: 'at once', writes: 2 }],
    ['destroyed with an error', { connect: 'server', destroy: 'with an error', writes: 2 }],
    ['destroyed a tick later', { connect: 'server', destroy: 'later', writes: 3 }],
    ['refused', { connect: 'nobody' }],
    ['two, refused', { connect: 'nobody', writes: 2 }],
    ['never connected', { connect: 'never' }],
    ['never connected, two', { connect: 'never', writes: 2 }],
    ['never connected, destroyed', { connect: 'never', destroy: 'at once' }],
  ])('%s', async (_, o) => {
    const seen = await same(writing(o));
    expect((seen['lines'] as string[]).filter((line) => line.endsWith('done'))).toEqual([]);
  });

  it('one that waits for buffer space when the socket is destroyed, and later ones', () =>
    same(async (place) => {
      const { listener, client, server } = await connected(place);
      server.pause();
      const lines: string[] = [];
      for (let i = 0; i < 3; i++) {
        client.write(Buffer.alloc(20e6), (e) => lines.push(e ? errorText(e) : 'null'));
      }
      await turns(20);
      client.destroy();
      await once(client, 'close');
      server.destroy();
      listener.close();
      return { lines, written: client.bytesWritten };
    }));
});

describe('async contexts', () => {
  /** The store that each event of a conversation sees. */
  const contexts = async (place: Place): Promise<Saw> => {
    const store = new AsyncLocalStorage<string>();
    const seen: Record<string, unknown> = {};
    const note = (what: string) => (): void => void (seen[what] = store.getStore());
    const server = store.run('server', () => place.server.createServer());
    server.on('connection', (s: net.Socket) => {
      note('connection')();
      store.run('inside the handler', () => {
        for (const event of ['data', 'end', 'finish', 'close'])
          s.on(event, note(`server's ${event}`));
      });
    });
    await new Promise<void>((done) => {
      store.run('listen', () => server.listen({ port: 0, host: place.address }, done));
    });
    const { port } = server.address() as net.AddressInfo;
    const clients = ['one', 'two'].map((name) =>
      store.run(name, () => {
        const s = place.client.connect(port, place.address);
        for (const event of [
          'lookup',
          'connectionAttempt',
          'connect',
          'ready',
          'end',
          'finish',
          'close',
        ]) {
          s.on(event, note(`${name}'s ${event}`));
        }
        s.resume();
        return s;
      }),
    );
    await Promise.all(clients.map((s) => once(s, 'connect')));
    for (const [i, s] of clients.entries()) {
      store.run(`writer ${i}`, () => s.write('x', note(`write of ${i}`)));
      store.run(`timer ${i}`, () => s.setTimeout(5, note(`timeout of ${i}`)));
    }
    await Promise.all(clients.map((s) => once(s, 'timeout')));
    await Promise.all(clients.map((s) => store.run('ender', () => once(s.end(), 'close'))));
    await new Promise((done) => server.close(done));
    return seen;
  };

  it('each event sees the store of its own socket or server', async () => {
    const seen = await same(contexts);
    expect(seen).toMatchObject({
      connection: 'listen',
      "one's connect": 'one',
      "two's connect": 'two',
    });
  });

  it('a write that waits for buffer space calls back in the context of its writer', () =>
    same(async (place) => {
      const { listener, client, server } = await connected(place);
      const store = new AsyncLocalStorage<string>();
      server.pause();
      const seen: unknown[] = [];
      store.run('first', () => client.write(Buffer.alloc(20e6), () => seen.push(store.getStore())));
      await turns(20);
      store.run('second', () => client.end(() => seen.push(store.getStore())));
      store.run('third', () => server.resume());
      await once(client.resume(), 'close');
      listener.close();
      return { seen };
    }));

  it('async_hooks: each has a resource, which is created, entered and destroyed', async () => {
    const types = new Map<number, string>();
    const destroyed = new Set<number>();
    const entered = new Set<number>();
    const hook = createHook({
      init: (id, type) => types.set(id, type),
      before: (id) => entered.add(id),
      destroy: (id) => destroyed.add(id),
    }).enable();
    const h = twoHosts();
    const { server, ours: client, theirs } = await joined(h);
    client.resume().end('x');
    theirs.resume();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
    await turns(3);
    hook.disable();
    for (const type of ['TCPWRAP', 'TCPSERVERWRAP']) {
      const ids = [...types].filter(([, t]) => t === type).map(([id]) => id);
      expect(ids).toHaveLength(type === 'TCPWRAP' ? 2 : 1);
      expect(ids.every((id) => entered.has(id) && destroyed.has(id))).toBe(true);
    }
  });
});

describe('counts and references of servers', () => {
  it.each<[string, number | null | undefined, number]>([
    ['2', 2, 4],
    ['1', 1, 3],
    ['0: no limit', 0, 3],
    ['null: no limit', null, 3],
    ['undefined: no limit', undefined, 3],
  ])('maxConnections %s; further connections get FIN, not RST', async (_, most, clients) => {
    await alike(async (place) => {
      const server = place.server.createServer();
      (server as { maxConnections: unknown }).maxConnections = most;
      let dropped = 0;
      let accepted = 0;
      server.on('drop', () => dropped++).on('connection', () => accepted++);
      const port = await listening(place, server);
      const errors: string[] = [];
      const sockets: net.Socket[] = [];
      for (let i = 0; i < clients; i++) {
        const s = place.client.connect(port, place.address).resume();
        s.on('error', (e) => errors.push(errorText(e)));
        sockets.push(s);
        await once(s, 'connect');
        while (dropped + accepted <= i) await turns(1);
      }
      await turns(20);
      const closed = sockets.map((s) => s.destroyed);
      const count = await new Promise((done) => {
        server.getConnections((_e, n) => {
          done(n);
        });
      });
      for (const s of sockets) s.destroy();
      server.close();
      await once(server, 'close');
      return { dropped, accepted, errors, closed, count };
    });
  });

  it('socket.server is set, but not for a client', () =>
    same(async (place) => {
      const { listener, client, server } = await connected(place);
      const seen = { server: (server as unknown as { server: unknown }).server === listener };
      client.destroy();
      server.destroy();
      listener.close();
      return seen;
    }));

  it('close() removes the abort listener, and a later abort has no effect', () =>
    same(async (place) => {
      const aborter = new AbortController();
      const server = place.server.createServer();
      server.listen({ port: 0, host: place.address, signal: aborter.signal });
      await once(server, 'listening');
      const during = getEventListeners(aborter.signal, 'abort').length;
      server.close();
      await once(server, 'close');
      const after = getEventListeners(aborter.signal, 'abort').length;
      server.listen(0, place.address);
      await once(server, 'listening');
      aborter.abort();
      await turns(3);
      const lives = server.listening;
      server.close();
      return { during, after, lives };
    }));

  it('a signal that was aborted before', () =>
    same(async (place) => {
      const server = place.server.createServer();
      server.listen({ port: 0, host: place.address, signal: AbortSignal.abort() });
      await once(server, 'close');
      return { listening: server.listening };
    }));

  it('a handler that rejects, with captureRejections: the socket gets the error', () =>
    same(async (place) => {
      EventEmitter.captureRejections = true;
      try {
        const lines: string[] = [];
        const server = place.server.createServer();
        // eslint-disable-next-line @typescript-eslint/no-misused-promises -- it is to reject
        server.on('connection', async (s: net.Socket) => {
          s.on('error', (e) => lines.push(`socket ${e.message}`));
          await Promise.resolve();
          throw new Error('error of a handler');
        });
        server.on('error', (e) => lines.push(`server ${e.message}`));
        const port = await listening(place, server);
        const client = place.client.connect(port, place.address).resume();
        await once(client, 'close');
        server.close();
        return { lines };
      } finally {
        EventEmitter.captureRejections = false;
      }
    }));

  it('the counts and addresses of a socket after it closed', () =>
    same(async (place) => {
      const { listener, client, server } = await connected(place);
      server.end('four');
      client.write('sixsix');
      void client.remoteAddress;
      await once(client.resume(), 'end');
      await once(client, 'close');
      const about = (s: net.Socket): unknown[] => [
        s.bytesRead,
        s.bytesWritten,
        typeof s.remoteAddress,
        typeof s.remotePort,
        typeof s.localAddress,
        s.address(),
        s.pending,
        s.readyState,
        s.bufferSize,
        s.connecting,
      ];
      listener.close();
      return { client: about(client), written: server.bytesWritten };
    }));
});

describe('names', () => {
  it('localhost is the host itself, and every look-up is reported', async () => {
    const h = twoHosts();
    const server = h.client.createServer((s) => s.end('hello'));
    server.listen(7, 'localhost');
    await once(server, 'listening');
    const socket = h.client.connect(7);
    const seen: unknown[][] = [];
    socket.on('lookup', (...x: unknown[]) => seen.push(x));
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    expect(seen).toEqual([[null, '127.0.0.1', 4, 'localhost']]);
  });

  it('a name that is not in the hosts file does not exist, and no DNS query is sent', async () => {
    const h = twoHosts();
    const socket = h.client.connect(7, 'no.such.name');
    const [error] = (await once(socket, 'error').catch((e: unknown) => [e])) as [
      NodeJS.ErrnoException,
    ];
    expect(error).toMatchObject({
      code: 'ENOTFOUND',
      errno: -3008,
      syscall: 'getaddrinfo',
      hostname: 'no.such.name',
    });
    expect(h.a.device.counters.txPackets).toBe(0);
    const server = h.client.createServer().listen(7, 'no.such.name');
    expect(((await once(server, 'error')) as [Error])[0].message).toBe(
      'getaddrinfo ENOTFOUND no.such.name',
    );
  });

  it('the lookup option is called like dns.lookup', async () => {
    const asked: unknown[] = [];
    await alike(async (place) => {
      const { listener, client, server, port } = await connected(place);
      client.destroy();
      server.destroy();
      for (const options of [{}, { family: 4 }, { family: 6 }, { autoSelectFamily: false }]) {
        const lookup = (...x: unknown[]): void =>
          void asked.push(x.slice(0, 1), Object.keys(x[1] as object).sort());
        place.client
          .connect({ host: 'some.name', port, lookup, ...options } as net.NetConnectOpts)
          .destroy();
      }
      listener.close();
      return { asked: asked.splice(0) };
    });
  });
});
