/**
 * What keeps a process alive and what does not, over loopback in memory: each program also runs
 * with `node:net`.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, run } from './lab.js';

/**
 * `net`, `newSocket` and `host`, or Node's. What a program still waits for after a second holds it.
 */
const program = (ours: boolean, body: string): string => `
  import * as stock from 'node:net';
  ${ours ? `const t = await import(${JSON.stringify(join(ROOT, 'dist', 'index.js'))});` : ''}
  ${ours ? `const host = new t.Host({ device: t.loopback(), addresses: ['127.0.0.1/8'] });` : ''}
  const net = ${ours ? 't.netOf(host)' : 'stock'};
  const newSocket = () => ${ours ? 'new t.Socket(host)' : 'new stock.Socket()'};
  setTimeout(() => { console.log('alive'); process.exit(); }, 1000).unref();
  process.once('beforeExit', () => console.log('ends'));
  const until = async (ok) => { while (!ok()) await new Promise((done) => setTimeout(done, 5)); };
  const pair = async (o = {}) => {
    const server = net.createServer(o);
    const accepted = new Promise((done) => server.once('connection', done));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const client = net.connect({ port: server.address().port, host: '127.0.0.1', ...o });
    client.on('error', () => {});
    const theirs = await accepted;
    theirs.on('error', () => {});
    await until(() => !client.connecting);
    server.close();
    return { client, theirs };
  };
  ${body}
`;

it.each<[string, string, 'alive' | 'ends']>([
  ['a server', `net.createServer().listen(0, '127.0.0.1');`, 'alive'],
  ['a server that is unreferenced', `net.createServer().listen(0, '127.0.0.1').unref();`, 'ends'],
  [
    'a server unreferenced before it listens',
    `net.createServer().unref().listen(0, '127.0.0.1');`,
    'ends',
  ],
  [
    'a server that closed',
    `const s = net.createServer().listen(0, '127.0.0.1', () => s.close());`,
    'ends',
  ],
  ['an idle connection that is read', `const { client } = await pair(); client.resume();`, 'alive'],
  [
    'both ends unreferenced',
    `const { client, theirs } = await pair(); client.unref(); theirs.unref();`,
    'ends',
  ],
  [
    'a socket that is paused from its start',
    'const { client, theirs } = await pair({ pauseOnConnect: true }); theirs.unref(); ' +
      'client.unref();',
    'ends',
  ],
  [
    'pauseOnConnect',
    `const { client } = await pair({ pauseOnConnect: true }); client.unref();`,
    'ends',
  ],
  [
    'a socket paused later, which reads ahead',
    `const { client } = await pair(); client.pause();`,
    'alive',
  ],
  [
    'both ends closed, with unread data',
    `const { client, theirs } = await pair(); theirs.end('bye'); client.resume().end('never read');
     await until(() => client.destroyed);`,
    'ends',
  ],
  [
    'a paused peer, and nothing to send',
    `const { client, theirs } = await pair({ allowHalfOpen: true });
     theirs.unref(); client.end('x');
     await until(() => client.writableFinished); client.unref();`,
    'ends',
  ],
  [
    'a write that waits for buffer space, of an unreferenced socket',
    `const { client, theirs } = await pair({ pauseOnConnect: true });
     theirs.unref(); client.unref();
     client.write(Buffer.alloc(50e6));`,
    'alive',
  ],
  [
    'sockets that were destroyed',
    `const { client, theirs } = await pair(); client.destroy(); theirs.destroy();`,
    'ends',
  ],
  ['a socket that was never connected', `newSocket();`, 'ends'],
  [
    'a socket timeout',
    'const { client, theirs } = await pair(); client.setTimeout(60_000); client.unref(); ' +
      'theirs.unref();',
    'ends',
  ],
])('%s', async (_, body, expected) => {
  for (const ours of [false, true]) {
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '-e', program(ours, body)],
      20,
    );
    expect([ours, stdout.trim()], stderr).toEqual([ours, expected]);
  }
});
