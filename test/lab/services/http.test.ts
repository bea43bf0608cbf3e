import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, request, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { HostAgent, serveHttp } from '../../../src/node/http.js';
import { createHttpService } from '../../../src/lab/services/http.js';
import { parseRange } from '../../../src/lab/services/range.js';
import { startServices } from '../../../src/lab/services/start.js';
import { SERVER, twoHosts, type TwoHosts } from '../../node/two-hosts.js';

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function fetchFrom(
  h: TwoHosts,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  const agent = new HostAgent(h.a);
  const call = request({
    host: SERVER,
    port: 80,
    path,
    agent,
    method: options.method ?? 'GET',
    ...(options.headers ? { headers: options.headers } : {}),
  });
  call.end(options.body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, body: await bodyOf(response) };
}

describe('node:http over our sockets', () => {
  it('server and client exchange several requests over one connection', async () => {
    const h = twoHosts();
    const remotes = new Set<string>();
    const http = createServer((req, res) => {
      remotes.add(`${req.socket.remoteAddress}:${req.socket.remotePort}`);
      res.end(`you asked for ${req.url}`);
    });
    serveHttp(h.b, http, { port: 80 });
    const agent = new HostAgent(h.a, { keepAlive: true, maxSockets: 1 });
    for (const path of ['/one', '/two', '/three']) {
      const [response] = (await once(get({ host: SERVER, port: 80, path, agent }), 'response')) as [
        IncomingMessage,
      ];
      expect((await bodyOf(response)).toString()).toBe(`you asked for ${path}`);
    }
    expect(remotes.size).toBe(1);
    agent.destroy();
  });

  it('node:http answers 408 when the rest of a request does not arrive', async () => {
    const h = twoHosts();
    const http = createServer({
      connectionsCheckingInterval: 5,
      headersTimeout: 10,
      requestTimeout: 20,
    });
    serveHttp(h.b, http, { port: 80 });
    const socket = h.client.connect({ host: SERVER, port: 80 });
    socket.write('GET / HT');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 408 /);
    http.close();
  });

  it('closes without waiting for idle keep-alive connections', async () => {
    const h = twoHosts();
    const http = createServer({ keepAliveTimeout: 0 }, (_request, response) =>
      response.end('first'),
    );
    const port = serveHttp(h.b, http, { port: 80 });
    const agent = new HostAgent(h.a, { keepAlive: true });
    const [response] = (await once(get({ host: SERVER, port: 80, agent }), 'response')) as [
      IncomingMessage,
    ];
    await bodyOf(response);
    port.close();
    await once(port, 'close');
    agent.destroy();
    http.close();
  });
});

describe('the HTTP service', () => {
  function service(): TwoHosts {
    const h = twoHosts();
    serveHttp(h.b, createHttpService(h.b), { port: 80 });
    return h;
  }

  it('shows the connection that carries the request', async () => {
    const h = service();
    const { body } = await fetchFrom(h, '/?format=json');
    const view = JSON.parse(body.toString()) as {
      remote: string;
      snapshot: { state: string; snd: { iss: number }; rcv: { irs: number } };
    };
    expect(view.remote).toMatch(/^198\.18\.0\.1:\d+$/);
    expect(view.snapshot.state).toBe('ESTABLISHED');
    expect(view.snapshot.snd.iss).not.toBe(view.snapshot.rcv.irs);
  });

  it('sends any number of patterned bytes, and any range of them', async () => {
    const h = service();
    const pattern = (from: number, to: number): Buffer =>
      Buffer.from(Uint8Array.from({ length: to - from }, (_, i) => from + i));
    expect((await fetchFrom(h, '/bytes/0')).body).toHaveLength(0);
    expect((await fetchFrom(h, '/bytes/700000')).body.equals(pattern(0, 700_000))).toBe(true);
    const part = await fetchFrom(h, '/bytes/1099511627776', {
      headers: { Range: 'bytes=1000001-1000300' },
    });
    expect(part.status).toBe(206);
    expect(part.headers['content-range']).toBe('bytes 1000001-1000300/1099511627776');
    expect(part.body.equals(pattern(1_000_001, 1_000_301))).toBe(true);
    expect((await fetchFrom(h, '/bytes/x')).status).toBe(400);
    expect((await fetchFrom(h, '/bytes/1099511627777')).status).toBe(400);
  });

  it('answers an upload with its length and SHA-256', async () => {
    const body = Buffer.alloc(300_000, 'abc');
    const answer = await fetchFrom(service(), '/upload', { method: 'PUT', body });
    expect(answer.body.toString()).toBe(
      `300000 bytes, sha256 ${createHash('sha256').update(body).digest('hex')}\n`,
    );
  });

  it('refuses other methods and unknown paths', async () => {
    const h = service();
    const wrong = await fetchFrom(h, '/bytes/1', { method: 'DELETE' });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await fetchFrom(h, '/nothing')).status).toBe(404);
  });

  it('/reset resets the connection', async () => {
    await expect(fetchFrom(service(), '/reset')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('ranges', () => {
  it.each([
    ['bytes=0-99', { start: 0, end: 100 }],
    ['bytes=100-', { start: 100, end: 1000 }],
    ['bytes=-50', { start: 950, end: 1000 }],
    ['bytes=-5000', { start: 0, end: 1000 }],
    ['bytes=900-5000', { start: 900, end: 1000 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', null],
    ['bytes=0-1,3-4', null],
    ['lines=1-2', null],
    [undefined, null],
  ])('%s', (header, range) => {
    expect(parseRange(header, 1000)).toEqual(range);
  });
});

describe('the small services', () => {
  it('answer over TCP and UDP', async () => {
    const h = twoHosts();
    const running = await startServices(h.b, ['echo', 'discard', 'daytime', 'chargen', 'time']);
    expect(running.described).toEqual([
      'echo 7/tcp,udp',
      'discard 9/tcp,udp',
      'daytime 13/tcp,udp',
      'chargen 19/tcp,udp',
      'time 37/tcp,udp',
    ]);
    const read = async (port: number, bytes: number): Promise<Buffer> => {
      const socket = h.client.connect({ host: SERVER, port });
      socket.write('hello');
      let got = Buffer.alloc(0);
      for await (const part of socket) {
        got = Buffer.concat([got, part as Buffer]);
        if (got.length >= bytes) break;
      }
      socket.destroy();
      return got;
    };
    expect((await read(7, 5)).toString()).toBe('hello');
    expect(Date.parse((await read(13, 10)).toString())).not.toBeNaN();
    expect((await read(37, 4)).readUInt32BE() - 2_208_988_800).toBeCloseTo(Date.now() / 1000, -2);
    const lines = (await read(19, 148)).toString('latin1').split('\r\n');
    expect([lines[0]!.length, lines[1]!.slice(0, 71)]).toEqual([72, lines[0]!.slice(1)]);
    const answer = await new Promise<string>((resolve) => {
      const udp = h.a.stack.bindUdp({
        port: 0,
        user: {
          udpDatagram: (_s, bytes) => {
            resolve(Buffer.from(bytes).toString());
          },
        },
      });
      udp.send(Buffer.from('datagram'), h.b.stack.addresses.list[0]!, 7, h.b.clock());
    });
    expect(answer).toBe('datagram');
    running.close();
  });
});
