/**
 * Each scenario runs on Node's `net` over the kernel's loopback and on ours over a cable in memory.
 * A program must see the same on both.
 */
import { once } from 'node:events';
import type net from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { errorText, Journal, type Place } from './places.js';
import {
  connected,
  dialogue,
  listening,
  listenOptions,
  nothing,
  same,
  turns,
  type Saw,
} from './scenes.js';

describe('events in their order', () => {
  it('the client ends first', async () => {
    const seen = await same((place) =>
      dialogue(place, { client: (s) => s.end('bye'), server: nothing }),
    );
    expect(seen['server']).toEqual(['data bye', 'end', 'finish', 'close false']);
    expect(seen['client']).toEqual(['connect', 'ready', 'finish', 'end', 'close false']);
  });

  it('the server ends first', () =>
    same((p) => dialogue(p, { client: nothing, server: (s) => s.end('hello') })));

  it('both end at once', () =>
    same(async (place) => {
      const seen = await dialogue(place, { client: (s) => s.end('a'), server: (s) => s.end('b') });
      // How much of the other's data arrives before our own end is random.
      return { client: seen.client.sort(), server: seen.server.sort() };
    }));

  it('half-close: the reply follows after the end of the request', async () => {
    const seen = await same((place) =>
      dialogue(place, {
        allowHalfOpen: true,
        client: (s) => s.end('question'),
        server: (s) => s.on('end', () => s.end('answer')),
      }),
    );
    expect(seen['client']).toEqual([
      'connect',
      'ready',
      'finish',
      'data answer',
      'end',
      'close false',
    ]);
  });

  it('the port has no listener', async () => {
    const seen = await same(async (place) => {
      const client = new Journal(
        place.client.connect({ host: place.address, port: await place.freePort() }),
      );
      await client.closed;
      return { client: client.lines };
    });
    expect(seen['client']).toEqual([
      expect.stringContaining('"connect ECONNREFUSED ADDRESS:PORT"'),
      'close true',
    ]);
  });

  it('written and ended before the connection is established', () =>
    same(async (place) => {
      const listener = place.server.createServer();
      const server = once(listener, 'connection').then(([s]) => new Journal(s as net.Socket));
      const port = await listening(place, listener);
      const socket = place.client.connect(port, place.address);
      const client = new Journal(socket);
      const early: unknown[] = [
        socket.write('one '),
        socket.connecting,
        socket.pending,
        socket.readyState,
        socket.bytesWritten,
      ];
      socket.end('two', () => early.push('end called back'));
      await Promise.all([client.closed, (await server).closed]);
      listener.close();
      return {
        early,
        client: client.lines,
        server: (await server).lines,
        written: socket.bytesWritten,
      };
    }));
});

describe('abort and destroy', () => {
  it('resetAndDestroy: ECONNRESET for the peer, no error here', async () => {
    const seen = await same((place) =>
      dialogue(place, {
        client: (s) => s.once('data', () => s.resetAndDestroy()),
        server: (s) => s.write('reset me'),
      }),
    );
    expect(seen['server']).toEqual([expect.stringContaining('"read ECONNRESET"'), 'close true']);
    expect(seen['client']).toEqual(['connect', 'ready', 'data reset me', 'close false']);
  });

  it('resetAndDestroy by the server', () =>
    same((place) =>
      dialogue(place, {
        client: (s) => s.write('reset me'),
        server: (s) => s.once('data', () => s.resetAndDestroy()),
      }),
    ));

  it('destroy without unread data closes with FIN', async () => {
    const seen = await same((p) => dialogue(p, { client: (s) => s.destroy(), server: nothing }));
    expect(seen['server']).toEqual(['end', 'finish', 'close false']);
  });

  it('destroy with data unread resets', async () => {
    const seen = await same((place) =>
      dialogue(place, {
        clientReads: false,
        client: (s) => {
          s.pause();
          void turns(100).then(() => s.destroy());
        },
        // More than fits in the buffers of the streams.
        server: (s) => s.write(Buffer.alloc(200_000)),
      }),
    );
    expect(seen['server']).toEqual([expect.stringContaining('ECONNRESET'), 'close true']);
  });

  it('destroy with an error: emits the error, then close(true); the peer sees an end', () =>
    same((p) => dialogue(p, { client: (s) => s.destroy(new Error('enough')), server: nothing })));

  it('destroySoon: written data arrives', async () => {
    const seen = await same((place) =>
      dialogue(place, {
        client: (s) => {
          s.write('all of it');
          s.destroySoon();
        },
        server: nothing,
      }),
    );
    expect(seen['server']).toEqual(['data all of it', 'end', 'finish', 'close false']);
  });

  it('destroy before the connection is established', () =>
    same(async (place) => {
      const listener = place.server.createServer();
      const port = await listening(place, listener);
      const socket = place.client.connect(port, place.address);
      const client = new Journal(socket);
      socket.destroy();
      await client.closed;
      listener.close();
      return { client: client.lines, connecting: socket.connecting, state: socket.readyState };
    }));

  it('an AbortSignal destroys the socket', () =>
    same(async (place) => {
      const listener = place.server.createServer();
      const port = await listening(place, listener);
      const aborter = new AbortController();
      const client = new Journal(
        place.client.connect({
          host: place.address,
          port,
          signal: aborter.signal,
        } as net.NetConnectOpts),
      );
      aborter.abort();
      await client.closed;
      listener.close();
      return { client: client.lines };
    }));

  it('a write after end()', () =>
    same((place) =>
      dialogue(place, {
        client: (s) => {
          s.end();
          s.write('late');
        },
        server: nothing,
      }),
    ));
});

describe('properties of a socket', () => {
  it('addresses, counts and states', () =>
    same(async (place) => {
      const { listener, client, server, port } = await connected(place);
      server.write('four');
      await once(client, 'data');
      const describeSocket = (s: net.Socket, p: number): unknown => [
        s.remoteFamily,
        s.localFamily,
        Object.keys(s.address()).sort(),
        s.readyState,
        s.pending,
        s.connecting,
        s.bytesRead,
        s.bytesWritten,
        s.localPort === p,
        s.remotePort === p,
        (s.address() as net.AddressInfo).port === s.localPort,
        s.allowHalfOpen,
        s.timeout,
      ];
      const seen = { client: describeSocket(client, port), server: describeSocket(server, port) };
      const matches = [
        client.localAddress === server.remoteAddress,
        client.localPort === server.remotePort,
        client.remoteAddress === place.address,
      ];
      client.end();
      await Promise.all([once(client, 'close'), once(server, 'close')]);
      listener.close();
      return { ...seen, matches, after: [client.readyState, server.readyState, client.destroyed] };
    }));

  it('setters return the socket; setTimeout fires once, and the socket stays open', () =>
    same(async (place) => {
      const listener = place.server.createServer();
      const port = await listening(place, listener);
      const s = place.client.connect(port, place.address);
      await once(s, 'connect');
      const chain = [
        s.setNoDelay(true),
        s.setKeepAlive(true, 1000),
        s.setTimeout(5),
        s.ref(),
        s.unref(),
        s.ref(),
      ];
      await once(s, 'timeout');
      const seen = {
        chained: chain.every((x) => x === s),
        timeout: s.timeout,
        state: s.readyState,
        gone: s.destroyed,
      };
      s.destroy();
      await once(s, 'close');
      listener.close();
      return seen;
    }));

  it('write returns false when full, drain follows when there is room, callbacks run in order', () =>
    same(async (place) => {
      const { listener, client: s, server } = await connected(place);
      // The peer does not read, so eventually every buffer is full.
      const calledBack: number[] = [];
      let writes = 0;
      for (let full = 0; full < 5 && writes < 10_000; await turns(2)) {
        const n = writes++;
        const room = s.write(Buffer.alloc(65_536), () => {
          calledBack.push(n);
        });
        full = room ? 0 : full + 1;
      }
      const waiting = [
        s.writableNeedDrain,
        calledBack.length < writes,
        s.bytesWritten === writes * 65_536,
      ];
      server.resume();
      await once(s, 'drain');
      const inOrder = calledBack.every((n, i) => n === i) && calledBack.length === writes;
      s.end();
      await Promise.all([once(s, 'close'), once(server, 'close')]);
      listener.close();
      return { waiting, inOrder, all: server.bytesRead === writes * 65_536 };
    }));
});

describe('ways to read, changed in mid-flow', () => {
  /**
   * Seven pieces arrive one after the other; at the third the reader changes its way to read.
   * Returns what it saw, in order.
   */
  const reading = (
    change: (s: net.Socket, log: (line: string) => void) => void,
  ): ((place: Place) => Promise<Saw>) => {
    return async (place) => {
      const { listener, client, server } = await connected(place);
      const lines: string[] = [];
      const log = (line: string): unknown => lines.push(line);
      let pieces = 0;
      server.on('data', (chunk: Buffer | string) => {
        log(`data ${chunk.toString()} ${typeof chunk}`);
        if (++pieces !== 3) return;
        change(server, log);
      });
      server.on('end', () => log('end'));
      const closed = once(server, 'close');
      for (let i = 1; i <= 7; i++) {
        client.write(Buffer.from(`${i}`));
        const arrived = i <= 3 ? i : 3;
        while (server.bytesRead < arrived) await turns(1);
        await turns(5);
      }
      client.end();
      await closed;
      listener.close();
      // The sizes of queued pieces depend on the kernel.
      const joined = lines
        .join(';')
        .replace(/(?<=data \d+) object;data (?=\d)/g, '')
        .replace(/(?<=data \d+) string;data (?=\d)/g, '');
      return {
        joined,
        read: server.bytesRead,
        didRead: server.readableDidRead,
        length: server.readableLength,
      };
    };
  };

  it.each<[string, (s: net.Socket, log: (line: string) => void) => void]>([
    ['nothing changes', nothing],
    [
      'pause, and resume when everything has arrived',
      (s, log) => {
        s.pause();
        void turns(60).then(() => {
          log('resume');
          s.resume();
        });
      },
    ],
    ['pause and resume at once', (s) => s.pause().resume()],
    ['setEncoding', (s) => s.setEncoding('utf8')],
    ['read(n) of more than is available', (s, log) => log(`read ${String(s.read(5))}`)],
    ['a piece is unshifted', (s) => process.nextTick(() => s.unshift(Buffer.from('0')))],
    [
      'the listener is removed',
      (s, log) => {
        s.removeAllListeners('data');
        log(`flowing ${String(s.readableFlowing)}`);
        void turns(60).then(() => {
          s.on('data', (chunk: Buffer) => log(`late ${chunk.length > 0}`));
          s.resume();
        });
      },
    ],
    [
      "'readable' takes over",
      (s, log) => {
        s.on('readable', () => {
          for (
            let chunk = s.read() as Buffer | null;
            chunk !== null;
            chunk = s.read() as Buffer | null
          ) {
            log(`readable ${chunk.length > 0}`);
          }
        });
        void turns(60);
      },
    ],
    [
      'a pipe is added',
      (s, log) => {
        const to = new PassThrough();
        to.on('data', (chunk: Buffer) => log(`piped ${chunk.toString()}`));
        s.pipe(to);
      },
    ],
    [
      'a full pipe pauses the flow',
      (s, log) => {
        const to = new PassThrough({ highWaterMark: 1, readableHighWaterMark: 1 });
        s.pipe(to);
        void turns(60).then(() =>
          to.on('data', (chunk: Buffer) => log(`piped ${chunk.length > 0}`)),
        );
      },
    ],
    ['the handler destroys the socket', (s) => s.destroy()],
  ])('%s', async (_, change) => {
    const seen = await same(reading(change));
    expect(seen['read']).toBeGreaterThanOrEqual(3);
  });
});

describe('a listener that is removed and added again', () => {
  /** Sends ten bytes, and then many at once; returns how many of them `listen` sees. */
  const seenBy = (
    listen: (s: net.Socket, saw: (bytes: number) => void) => unknown,
  ): ((place: Place) => Promise<Saw>) => {
    return async (place) => {
      const { listener, client, server } = await connected(place);
      let seen = 0;
      listen(server, (bytes) => (seen += bytes));
      client.write(Buffer.alloc(10));
      while (seen < 10) await turns(1);
      await turns(5);
      for (let i = 0; i < 10; i++) client.write(Buffer.alloc(40_000));
      for (let i = 0; i < 500 && seen < 400_010; i++) await turns(1);
      for (const socket of [client, server]) socket.destroy();
      listener.close();
      return { seen };
    };
  };

  it('removed within its own handler and added in the next tick, misses nothing', async () => {
    const seen = await same(
      seenBy((s, saw) => {
        const hear = (chunk: Buffer): void => {
          saw(chunk.length);
          s.off('data', hear);
          process.nextTick(() => s.on('data', hear));
        };
        s.on('data', hear);
      }),
    );
    expect(seen).toEqual({ seen: 400_010 });
  });

  it("a loop that awaits 'data' with once() misses nothing", async () => {
    const seen = await same(
      seenBy(async (s, saw) => {
        while (!s.destroyed) {
          const [chunk] = (await once(s, 'data')) as [Buffer];
          saw(chunk.length);
        }
      }),
    );
    expect(seen).toEqual({ seen: 400_010 });
  });

  it('an unknown encoding is rejected, also for a Buffer', () =>
    same(async (place) => {
      const seen: unknown[] = [];
      await dialogue(place, {
        client: (s) => {
          try {
            s.write(Buffer.from('x'), 'nope' as BufferEncoding);
          } catch (error) {
            seen.push((error as NodeJS.ErrnoException).code);
          }
          s.end();
        },
        server: nothing,
      });
      return { seen };
    }));
});

describe('servers', () => {
  it('a port in use', async () => {
    const seen = await same(async (place) => {
      const first = place.server.createServer();
      const port = await listening(place, first);
      const second = place.server.createServer().listen(port, place.address);
      const [error] = (await once(second, 'error')) as [Error];
      first.close();
      return { error: errorText(error), listening: second.listening, address: second.address() };
    });
    expect(seen['error']).toContain('listen EADDRINUSE: address already in use ADDRESS:PORT');
  });

  it('a foreign address', () =>
    same(async (place) => {
      const server = place.server.createServer().listen(0, '203.0.113.9');
      const [error] = (await once(server, 'error')) as [Error];
      return { error: errorText(error) };
    }));

  it('listen twice, close twice, and events in their order', () =>
    same(async (place) => {
      const seen: unknown[] = [];
      const server = place.server.createServer();
      server.on('listening', () => seen.push('listening'));
      server.on('close', () => seen.push('close'));
      await listening(place, server);
      try {
        server.listen(0);
      } catch (error) {
        seen.push(errorText(error));
      }
      seen.push(server.listening);
      server.close((error) => seen.push(error === undefined ? 'closed' : errorText(error)));
      seen.push(server.listening, server.address());
      await once(server, 'close');
      await new Promise<void>((done) => {
        server.close((error) => {
          seen.push(error === undefined ? 'closed' : errorText(error));
          done();
        });
      });
      return { seen };
    }));

  it('close() waits for the last socket', () =>
    same(async (place) => {
      const seen: string[] = [];
      const server = place.server.createServer();
      const accepted = once(server, 'connection') as Promise<[net.Socket]>;
      const port = await listening(place, server);
      const client = place.client.connect(port, place.address);
      const [socket] = await accepted;
      socket.resume().on('close', () => seen.push('socket'));
      server.close(() => seen.push('server'));
      const count = await new Promise((done) => {
        server.getConnections((_error, n) => {
          done(n);
        });
      });
      const closed = [once(server, 'close'), once(socket, 'close')];
      client.end();
      await Promise.all(closed);
      return { seen, count };
    }));

  it('maxConnections: further connections are dropped', () =>
    same(async (place) => {
      const server = place.server.createServer();
      server.maxConnections = 1;
      const port = await listening(place, server);
      const first = place.client.connect(port, place.address);
      await once(server, 'connection');
      const dropped = once(server, 'drop') as Promise<[Record<string, unknown>]>;
      const second = place.client.connect(port, place.address).on('error', nothing);
      const [who] = await dropped;
      await new Promise((done) => second.once('close', done));
      const seen = {
        keys: Object.keys(who).sort(),
        family: who['remoteFamily'],
        port: who['localPort'] === port,
      };
      first.destroy();
      server.close();
      await once(server, 'close');
      return seen;
    }));

  it('a signal closes it', () =>
    same(async (place) => {
      const aborter = new AbortController();
      const server = place.server
        .createServer()
        .listen({ ...listenOptions(place), signal: aborter.signal });
      await once(server, 'listening');
      aborter.abort();
      await once(server, 'close');
      return { listening: server.listening };
    }));

  it('pauseOnConnect: no data is read before resume()', () =>
    same(async (place) => {
      const server = place.server.createServer({ pauseOnConnect: true });
      const accepted = once(server, 'connection') as Promise<[net.Socket]>;
      const port = await listening(place, server);
      place.client.connect(port, place.address).end('patience');
      const [socket] = await accepted;
      const paused = [socket.isPaused(), socket.bytesRead];
      const journal = new Journal(socket);
      socket.resume();
      await journal.closed;
      server.close();
      return { paused, server: journal.lines };
    }));

  it('an invalid port', () =>
    same((place) => {
      const texts = [65_536, -1, 1.5, NaN].map((port) => {
        try {
          place.client.connect({ host: place.address, port }).on('error', nothing).destroy();
          return 'taken';
        } catch (error) {
          return errorText(error);
        }
      });
      return Promise.resolve({ texts });
    }));
});
