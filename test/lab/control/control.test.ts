/** The control socket, with a stack in memory behind it. */
import { chmodSync, existsSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlClient, findStack, STACK_VARIABLE } from '../../../src/lab/control/client.js';
import { checkFolder, checkName, openFolder } from '../../../src/lab/control/folder.js';
import { joinAnswers } from '../../../src/lab/control/join.js';
import { LineReader } from '../../../src/lab/control/lines.js';
import type { Answers, StackInfo, Streams } from '../../../src/lab/control/protocol.js';
import { ControlServer } from '../../../src/lab/control/server.js';
import { parseRequest } from '../../../src/lab/control/shapes.js';
import { stackAnswers } from '../../../src/lab/control/stack-answers.js';
import { pair } from '../../../src/device/pair.js';
import { Link } from '../../../src/device/link/link.js';
import { Host } from '../../../src/node/host.js';
import { netOf } from '../../../src/node/net.js';
import { runtimeFolder } from './runtime-folder.js';

const runtime = runtimeFolder();
const { open } = runtime;

const fake = (name: string): Answers =>
  ({
    info: () => ({ name }) as StackInfo,
    nstat: () => ({ since: 1, pid: 2, kernel: { TcpInSegs: 5 } }),
    ss: () => Promise.reject(new Error('broken')),
  }) as unknown as Answers;

const silent: Streams = { events: () => () => undefined, capture: () => () => undefined };

async function serve(device = 'tun9', chosen?: string, streams = silent): Promise<ControlServer> {
  const server = await ControlServer.open({ chosen, device, answers: fake, streams });
  open.push(server);
  return server;
}

async function client(name: string): Promise<ControlClient> {
  const it = await ControlClient.open(name);
  open.push(it);
  return it;
}

describe('names and folders', () => {
  it('creates a folder that only its owner may enter, and in it a socket named after the device', async () => {
    const { path, name } = await serve();
    expect(name).toBe('tun9');
    expect(path).toBe(join(runtime.path, 'tun9.sock'));
    expect(statSync(runtime.path).mode & 0o777).toBe(0o700);
  });

  it('numbers further stacks, and refuses a chosen name that is taken', async () => {
    await serve();
    expect((await serve()).name).toBe('tun9-2');
    expect((await serve('tun9', 'web')).name).toBe('web');
    await expect(serve('tun9', 'web')).rejects.toThrow(/another stack has the name 'web'/);
  });

  it('takes over a socket that a killed process left behind', async () => {
    openFolder();
    const path = join(runtime.path, 'tun9.sock');
    const left = createServer();
    await new Promise<void>((done) => left.listen(path, done));
    // `close` removes the file by its name: what stays behind is a socket without a process.
    renameSync(path, `${path}.old`);
    await new Promise((done) => left.close(done));
    renameSync(`${path}.old`, path);
    expect(existsSync(path)).toBe(true);
    expect((await serve()).name).toBe('tun9');
  });

  it('refuses a folder that others may enter, or that is a link', () => {
    const path = openFolder();
    chmodSync(path, 0o755);
    expect(() => checkFolder(path)).toThrow(/is open to other users/);
    symlinkSync(path, join(runtime.path, 'link'));
    expect(() => checkFolder(join(runtime.path, 'link'))).toThrow(/is not a folder/);
  });

  it.each(['', '.hidden', 'a/b', '../x', 'a'.repeat(41)])('refuses the name %j', (name) => {
    expect(() => checkName(name)).toThrow(/is not a name of a stack/);
  });

  it('the socket is removed when the stack ends', async () => {
    const { path } = await serve();
    open.pop()!.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe('finding a stack', () => {
  it('finds a stack by its name, from --stack or from the environment', async () => {
    const { path } = await serve();
    await serve('tun8');
    expect(await findStack('tun9')).toBe(path);
    expect(await findStack(undefined, { ...process.env, [STACK_VARIABLE]: 'tun9' })).toBe(path);
  });

  it('lists the running stacks if there are several, or if the name is unknown', async () => {
    await serve();
    await serve('tun8');
    await expect(findStack(undefined)).rejects.toThrow('2 stacks are running: tun8, tun9');
    await expect(findStack('tun7')).rejects.toThrow(
      "no stack has the name 'tun7'; these run: tun8, tun9",
    );
  });

  it('needs no name if one stack is running, and says how to start one if none is', async () => {
    await expect(findStack(undefined)).rejects.toThrow('no stack of this user is running');
    const { path } = await serve();
    expect(await findStack(undefined)).toBe(path);
  });
});

describe('requests', () => {
  it('are answered, or refused with the reason', async () => {
    await serve('tun9', 'talk');
    const c = await client('talk');
    expect(await c.ask('info', {})).toEqual({ name: 'talk' });
    const asked = { all: true, listening: false, filter: '', detail: false };
    await expect(c.ask('ss', asked)).rejects.toThrow('broken');
  });

  it('get the joined answers of all threads', async () => {
    const server = await serve('tun9', 'joined');
    server.add(fake('other'), silent);
    const c = await client('joined');
    expect(await c.ask('nstat', {})).toMatchObject({ kernel: { TcpInSegs: 10 } });
    expect(await c.ask('info', {})).toMatchObject({ stacks: 2 });
  });

  it('invalid lines get an error, and the client is told when the stack ends', async () => {
    const server = await serve('tun9', 'garbage');
    const said = await new Promise<string>((resolve) => {
      const socket = connect(server.path, () => socket.write('what?\n{"id":1,"command":"x"}\n'));
      let text = '';
      socket.on('data', (d) => {
        text += d.toString();
        if (text.split('\n').length < 3) return;
        socket.destroy();
        resolve(text);
      });
    });
    expect(said).toMatch(/one JSON object a line[^]*no command 'x'/);
    const c = await client('garbage');
    await c.ask('info', {});
    server.close();
    await expect(
      (async () => {
        for (;;) await c.ask('info', {});
      })(),
    ).rejects.toThrow('the stack has ended');
  });

  it.each(['[]', '{"id":1}', '{"id":1,"command":"ss"}', '{"id":1,"command":"toString"}'])(
    '%s is refused',
    (line) => {
      expect(() => parseRequest(line)).toThrow();
    },
  );

  it('input is split into lines, and a line that is too long is dropped', () => {
    const got: string[] = [];
    const lines = new LineReader(
      (l) => got.push(l),
      10,
      () => got.push('too long'),
    );
    for (const part of ['ab', 'c\nd', '\n\n', 'x'.repeat(11)]) lines.push(part);
    expect(got).toEqual(['abc', 'd', 'too long']);
  });
});

describe('a stack', () => {
  it('lists its sockets and counters, sets faults and ends connections', async () => {
    const [a, b] = pair();
    const link = Link.idle(a);
    const server = new Host({ device: link, addresses: ['10.0.0.1/24'] });
    const far = new Host({ device: b, addresses: ['10.0.0.2/24'] });
    open.push(server, far);
    const device = { name: 'tun9', mtu: 1500 };
    const answers = stackAnswers({
      host: server,
      link,
      name: 'n',
      version: '1',
      command: 'c',
      device,
    });
    const errors: string[] = [];
    netOf(server)
      .createServer((s) => s.on('error', (e) => errors.push(e.message)))
      .listen(80);
    const socket = netOf(far).connect({ host: '10.0.0.1', port: 80 });
    const closed = new Promise((done) => socket.on('error', done));
    await new Promise((done) => socket.once('connect', done));
    socket.write('hello');
    await new Promise((done) => setTimeout(done, 50));
    const all = { all: true, listening: false, filter: '', detail: true };
    const { sockets } = await answers.ss(all);
    expect(sockets.map((s) => [s.state, s.local.address, s.local.port, s.recvQ])).toEqual([
      ['LISTEN', '*', 80, 0],
      ['ESTAB', '10.0.0.1', 80, expect.any(Number)],
    ]);
    expect(sockets[1]!.info).toMatchObject({ tcpi_state: 1, tcpi_bytes_received: 5 });
    expect((await answers.nstat({})).kernel['TcpPassiveOpens']).toBe(1);
    expect((await answers.metrics({})).states).toEqual({ LISTEN: 1, ESTAB: 1 });
    const words = ['in', 'loss', '5%', 'drop', 'rst:1'];
    expect(await answers.faults({ action: 'set', words, fresh: true })).toMatchObject({
      in: { impairments: { loss: 0.05 } },
      out: { impairments: { loss: 0 } },
      rules: [{ text: 'in:rst:1' }],
    });
    expect(() => answers.faults({ action: 'set', words: ['lose'], fresh: true })).toThrow(
      /unknown link option 'lose'/,
    );
    expect(await answers.faults({ action: 'clear' })).toMatchObject({ rules: [] });
    const killed = await answers.kill({ filter: 'sport = :80' });
    expect(killed.sockets.map((s) => s.state)).toEqual(['ESTAB']);
    expect(await closed).toMatchObject({ code: 'ECONNRESET' });
    expect(errors).toEqual(['read ECONNABORTED']);
    expect((await answers.ss({ ...all, filter: 'state connected' })).sockets).toEqual([]);
    expect(() => answers.kill({ filter: 'state open' })).toThrow(/no state 'open'/);
  });
});

it('joins listeners of the same port, and adds up what each thread did', () => {
  const listener = { state: 'LISTEN', local: { address: '*', port: 80 }, recvQ: 1, sendQ: 10 };
  const one = { uid: 1, sockets: [listener] } as never;
  expect(joinAnswers('ss', [one, one]).sockets).toMatchObject([{ recvQ: 2, sendQ: 20 }]);
  const lane = { impairments: {}, counters: { packets: 3 } };
  const faults = { seed: 1, in: lane, out: lane, rules: [{ text: 'rst', seen: 2, dropped: 1 }] };
  expect(joinAnswers('faults', [faults as never, faults as never])).toMatchObject({
    in: { counters: { packets: 6 } },
    rules: [{ seen: 4, dropped: 2 }],
  });
});
