/**
 * Clients in Node over the kernel's sockets, for `answers.test.ts`: each asks `count` times and
 * says how many whole answers it had. `node answers-clients.mjs HOST COUNT`. They end their side as
 * soon as they have asked: `end()` goes out with the request.
 */
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { WebSocket } from 'ws';

const [host, countText] = process.argv.slice(2);
const count = Number(countText);
const url = host.includes(':') ? `[${host}]` : host;
const LEAST = 4000;

/** The number of bytes received until the end; 0 after an error. */
const bytesOf = (stream) =>
  new Promise((done) => {
    let bytes = 0;
    stream.on('data', (d) => (bytes += d.length));
    stream.on('error', () => done(0));
    stream.on('end', () => done(bytes));
    stream.on('close', () => done(bytes));
  });

const body = '{"asked":true}';
const request = (version, more = '') =>
  `POST / HTTP/${version}\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ` +
  `${body.length}\r\n${more}\r\n${body}`;

/** A request and its FIN at once. */
const halfClosing = (port, text) => () => {
  const socket = net.connect(port, host);
  socket.end(text);
  return bytesOf(socket);
};

const secure = (port) => () => {
  const socket = tls.connect({ port, host, rejectUnauthorized: false }, () =>
    socket.end(request('1.1')),
  );
  return bytesOf(socket);
};

const session = (port, scheme) => async () => {
  const client = http2.connect(`${scheme}://${url}:${port}`, { rejectUnauthorized: false });
  client.on('error', () => undefined);
  const stream = client.request({ ':path': '/', ':method': 'POST' });
  stream.end(body);
  const bytes = await bytesOf(stream);
  client.close();
  return bytes;
};

const webSocket = () =>
  new Promise((done) => {
    let bytes = 0;
    const ws = new WebSocket(`ws://${url}:8004/`);
    ws.on('open', () => ws.send('hello'));
    ws.on('message', (text) => (bytes += text.length));
    ws.on('error', () => done(0));
    ws.on('close', () => done(bytes));
  });

const CLIENTS = {
  'http 1.1': halfClosing(8001, request('1.1')),
  'http 1.0': halfClosing(8001, request('1.0')),
  'http, Connection: close': halfClosing(8001, request('1.1', 'Connection: close\r\n')),
  express: halfClosing(8002, request('1.1')),
  fastify: halfClosing(8003, request('1.1')),
  ws: webSocket,
  http2: session(8005, 'http'),
  https: secure(8006),
  'http2 over TLS': session(8007, 'https'),
};

const AT_A_TIME = 10;
for (const [name, ask] of Object.entries(CLIENTS)) {
  let whole = 0;
  for (let i = 0; i < count; i += AT_A_TIME) {
    const answers = await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - i) }, ask));
    whole += answers.filter((bytes) => bytes >= LEAST).length;
  }
  console.log(`${name}: ${whole}`);
}
