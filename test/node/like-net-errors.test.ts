/** Class, code and message of each error, compared with Node's. */
import { once } from 'node:events';
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { errorText, ours, type Place } from './places.js';
import { alike, connected, listening, nothing, same, turns } from './scenes.js';

/** The error that a call throws, or its result. */
function outcome(call: () => unknown): string {
  try {
    const x = call();
    return typeof x === 'object' ? 'an object' : typeof x;
  } catch (error) {
    return errorText(error);
  }
}

type Args = unknown[];
const loose = <T>(x: T): { [K in keyof T]: (...args: Args) => unknown } =>
  x as unknown as { [K in keyof T]: (...args: Args) => unknown };

describe('arguments', () => {
  it.each<[string, Args]>([
    ['2**31', [2 ** 31]],
    ['MAX_SAFE_INTEGER', [Number.MAX_SAFE_INTEGER]],
    ['Infinity', [Infinity]],
    ['NaN', [NaN]],
    ['negative', [-1]],
    ['a string', ['100']],
    ['nothing', []],
    ['null', [null]],
    ['an object', [{}]],
    ['a function', [nothing]],
    ['no callback', [100, 'callback']],
    ['no callback, timeout 0', [0, 5]],
    ['fine', [100, nothing]],
    ['off', [0, nothing]],
  ])('setTimeout: %s', (_, args) =>
    alike((place) => {
      const socket = place.newSocket();
      const warnings: string[] = [];
      const warned = (w: Error): void => void warnings.push(`${w.name} ${w.message}`);
      process.on('warning', warned);
      const got = outcome(() => loose(socket).setTimeout(...args));
      const seen = { got, timeout: socket.timeout, listeners: socket.listenerCount('timeout') };
      socket.destroy();
      return turns(2).then(() => {
        process.off('warning', warned);
        return { ...seen, warnings };
      });
    }),
  );

  it('a timeout above the maximum does not fire at once', async () => {
    await same(async (place) => {
      const { listener, client, server } = await connected(place);
      const fired: number[] = [];
      for (const ms of [2 ** 31, Number.MAX_SAFE_INTEGER])
        client.setTimeout(ms, () => fired.push(ms));
      await new Promise((done) => setTimeout(done, 20));
      client.destroy();
      server.destroy();
      listener.close();
      return { fired };
    });
  });

  it.each<[string, Args]>([
    ['nothing', []],
    ['no port', [{}]],
    ['no port, a host', [{ host: 'x' }]],
    ['null', [null]],
    ['undefined', [undefined]],
    ['a port that is an object', [{ port: {} }]],
    ['a port that is null', [{ port: null }]],
    ['a port that is true', [{ port: true }]],
    ['an empty port', [{ port: '' }]],
    ['a port of spaces', [{ port: ' ' }]],
    ['a port that is a word', [{ port: 'eighty' }]],
    ['65536', [65_536]],
    ['a negative port', [-1]],
    ['half a port', [1.5]],
    ['NaN', [NaN]],
    ['Infinity', [{ port: Infinity }]],
    ['an invalid local address', [{ port: 1, localAddress: 'nowhere' }]],
    ['a local port that is text', [{ port: 1, localPort: '5' }]],
    ['an invalid lookup', [{ port: 1, host: 'name', lookup: 'dns' }]],
    ['autoSelectFamily that is text', [{ port: 1, autoSelectFamily: 'yes' }]],
    ['a time that is text', [{ port: 1, autoSelectFamilyAttemptTimeout: '5' }]],
    ['objectMode', [{ port: 1, objectMode: true }]],
    ['readableObjectMode', [{ port: 1, readableObjectMode: true }]],
    ['a signal that is none', [{ port: 1, signal: 'stop' }]],
    ['a delay that is text', [{ port: 1, keepAliveInitialDelay: '5' }]],
  ])('connect: %s', (_, args) =>
    alike((place) => {
      const seen = outcome(() => {
        const s = loose(place.client).connect(...args) as net.Socket;
        s.on('error', nothing).destroy();
        return s;
      });
      return Promise.resolve({ seen });
    }),
  );

  it.each<[string, Args]>([
    ['65536', [65_536]],
    ['-1', [-1]],
    ['half a port', [1.5]],
    ['NaN', [NaN]],
    ['a port of spaces', [{ port: ' ' }]],
    ['an empty object', [{}]],
    ['a host alone', [{ host: 'localhost' }]],
    ['port null', [{ port: null }]],
    ['port undefined', [{ port: undefined }]],
    ['port false', [{ port: false }]],
    ['port an object', [{ port: {} }]],
    ['true', [true]],
    ['false', [false]],
    ['undefined', [undefined]],
    ['null', [null]],
    ['nothing', []],
    ['a callback alone', [nothing]],
    ['a port as text', ['0']],
    ['a port and a callback', [0, nothing]],
    ['a port, a backlog', [0, 5]],
    ['a port, a host, a backlog and a callback', [0, '127.0.0.1', 5, nothing]],
    ['a signal that is none', [{ port: 0, signal: {} }]],
    [
      'all arguments',
      [{ port: 0, host: '127.0.0.1', backlog: 3, exclusive: true, ipv6Only: false }],
    ],
  ])('listen: %s', (_, args) =>
    alike(async (place) => {
      const server = place.server.createServer();
      const got = outcome(() => loose(server).listen(...args));
      const at = server.address() as net.AddressInfo | null;
      if (got === 'an object') await once(server, 'listening');
      const seen = { got, at: at === null ? null : Object.keys(at), listening: server.listening };
      server.close();
      return seen;
    }),
  );

  it.each<[string, Args]>([
    ['null and a handler', [null, nothing]],
    ['undefined and a handler', [undefined, nothing]],
    ['options and a handler', [{}, nothing]],
    ['a handler', [nothing]],
    ['a number', [5]],
    ['text', ['path']],
    ['true', [true]],
    ['a delay that is text', [{ keepAliveInitialDelay: '5' }]],
    ['a high-water mark that is text', [{ highWaterMark: '5' }]],
  ])('createServer: %s', (_, args) =>
    alike((place) => {
      let listeners = -1;
      const got = outcome(() => {
        const server = loose(place.server).createServer(...args) as net.Server;
        listeners = server.listenerCount('connection');
        return server;
      });
      return Promise.resolve({ got, listeners });
    }),
  );
});

/** Records every error event of the socket or server, and its events about attempts. */
async function failure(emitter: net.Socket | net.Server): Promise<string[]> {
  const seen: string[] = [];
  emitter.on('connectionAttempt', (...x) => seen.push(`attempt ${x.length}`));
  emitter.on('connectionAttemptFailed', (...x: unknown[]) =>
    seen.push(`failed ${errorText(x[3])}`),
  );
  emitter.on('lookup', (e: Error | null, a: unknown, f: unknown, host: string) => {
    seen.push(`lookup ${e === null ? 'found' : errorText(e)} ${typeof a} ${typeof f} ${host}`);
  });
  const [error] = (await once(emitter, 'error').catch((e: unknown) => [e])) as [Error];
  seen.push(`error ${errorText(error)}`);
  return seen;
}

describe('errors of sockets', () => {
  it.each<[string, (place: Place, port: number) => object]>([
    ['refused', (place, port) => ({ host: place.address, port })],
    [
      'refused, from a local port',
      (place, port) => ({ host: place.address, port, localPort: 45_678 }),
    ],
    [
      'from a foreign address',
      (p, port) => ({ host: p.address, port, localAddress: '203.0.113.9' }),
    ],
    [
      'from an address of the other family',
      (p, port) => ({ host: p.address, port, localAddress: '::1' }),
    ],
    [
      'a look-up that fails',
      () => ({
        host: 'name',
        port: 1,
        lookup: (_h: string, _o: object, done: (e: Error) => void) => {
          done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
        },
      }),
    ],
    [
      'a look-up without an address',
      (_, port) => ({ host: 'name', port, lookup: gives([{ address: 'x', family: 4 }]) }),
    ],
    [
      'a look-up without a family',
      (_, port) => ({ host: 'name', port, lookup: gives([{ address: '::1', family: 5 }]) }),
    ],
    [
      'the same without autoSelectFamily',
      (_, port) => ({
        host: 'name',
        port,
        autoSelectFamily: false,
        lookup: (_h: string, _o: object, done: (...x: unknown[]) => void) => {
          done(null, 'x', 4);
        },
      }),
    ],
  ])('%s', (_, options) =>
    alike(async (place) => {
      const port = await place.freePort();
      const client = place.client.connect(options(place, port) as net.NetConnectOpts);
      const seen = await failure(client);
      return {
        seen: seen.map((line) => line.replace(/127\.0\.0\.1:\d+|198\.18\.0\.\d:\d+/g, 'A:P')),
      };
    }),
  );

  it('a name with two addresses, the first of which refuses', () =>
    same(async (place) => {
      const server = place.server.createServer((s) => s.end());
      const port = await listening(place, server);
      const list = [
        { address: '127.0.0.77', family: 4 },
        { address: place.address, family: 4 },
      ];
      const client = place.client.connect({
        host: 'name',
        port,
        lookup: gives(list),
      } as net.NetConnectOpts);
      const seen: string[] = [];
      client.on('connectionAttempt', (a) => seen.push(`attempt ${a === place.address}`));
      client.on('connectionAttemptFailed', (_a, _p, _f, e: Error) => seen.push(errorText(e)));
      client.on('connect', () => seen.push('connect'));
      await once(client.resume(), 'close');
      server.close();
      return { seen, attempted: client.autoSelectFamilyAttemptedAddresses?.length };
    }));

  it('a name with two addresses that both refuse: an AggregateError', async () => {
    const seen = await same(async (place) => {
      const port = await place.freePort();
      const list = [
        { address: '127.0.0.77', family: 4 },
        { address: place.address, family: 4 },
      ];
      const client = place.client.connect({
        host: 'name',
        port,
        lookup: gives(list),
      } as net.NetConnectOpts);
      const [error] = (await once(client, 'error').catch((e: unknown) => [e])) as [
        AggregateError & { code: string },
      ];
      return {
        name: error.name,
        code: error.code,
        message: error.message,
        errors: error.errors.map(errorText),
      };
    });
    expect(seen['code']).toBe('ECONNREFUSED');
  });

  // Not compared, because the error of connect(2) for a connected socket depends on the kernel.
  it('connecting twice fails, and the first connection ends with it', async () => {
    const place = ours();
    const { listener, client, server, port } = await connected(place);
    client.connect(port, place.address);
    const seen = await failure(client);
    expect(seen.join(' ')).toMatch(
      /"connect EISCONN ADDRESS:PORT - Local \(198.18.0.1:\d+\)","EISCONN",-106/,
    );
    await once(server.resume(), 'close');
    listener.close();
  });

  it('writing without a connection, writing after the end, after the peer ended, after destroy', () =>
    same(async (place) => {
      const seen: string[] = [];
      const note = (what: string) => (e?: Error | null) =>
        void seen.push(`${what} ${e ? errorText(e) : 'done'}`);
      const never = place.newSocket().on('error', note('error'));
      never.write('x', note('never'));
      await turns(3);
      const { listener, client, server } = await connected(place);
      server.on('error', note('server')).resume();
      client.on('error', note('client'));
      client.end();
      await once(server, 'close');
      server.write('late', note('after the peer ended'));
      await turns(3);
      client.write('late', note('after destroy'));
      await turns(3);
      listener.close();
      return { seen };
    }));

  it('resetAndDestroy of an unconnected socket', () =>
    same(async (place) => ({ seen: await failure(place.newSocket().resetAndDestroy()) })));
});

const gives =
  (list: object[]) => (_host: string, _o: object, done: (e: null, list: object[]) => void) => {
    done(null, list);
  };

describe('errors of servers', () => {
  it("a client's local port that a server listens on is in use", () =>
    same(async (place) => {
      const server = place.server.createServer();
      const port = await listening(place, server);
      const own = place.client.connect({
        host: place.address,
        port,
        localAddress: place.address,
        localPort: port,
      });
      own.on('error', nothing);
      const [error] = (await once(own, 'error').catch((e: unknown) => [e])) as [Error];
      server.close();
      // In another stack the address does not exist.
      return { syscall: (error as NodeJS.ErrnoException).syscall, name: error.name };
    }));

  it('a port in use, by family', () =>
    same(async (place) => {
      const seen: string[] = [];
      const listen = async (options: net.ListenOptions): Promise<net.Server> => {
        const server = place.server.createServer();
        server.on('error', (e) => seen.push(errorText(e)));
        server.on('listening', () => {
          const { family, address } = server.address() as net.AddressInfo;
          seen.push(`listening ${address === place.address ? 'ADDRESS' : address} ${family}`);
        });
        server.listen(options);
        const before = seen.length;
        while (seen.length === before) await turns(1);
        return server;
      };
      const first = await listen({ port: 0, host: '0.0.0.0' });
      const { port } = first.address() as net.AddressInfo;
      const others = [
        await listen({ port, host: '0.0.0.0' }),
        await listen({ port, host: place.address }),
      ];
      for (const server of [first, ...others]) server.close();
      return { seen: seen.map((line) => line.replaceAll(String(port), 'PORT')) };
    }));
});
