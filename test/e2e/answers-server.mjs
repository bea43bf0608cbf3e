/**
 * Servers that others wrote, unchanged on our sockets behind a TUN device, for `answers.test.ts`:
 * node:http, Express, Fastify, ws, http2 and https. `node answers-server.mjs DEVICE on|off` prints
 * `ready`, and ends with its standard input.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import fastify from 'fastify';
import { WebSocketServer } from 'ws';
import { Host, monotonicClock, netOf, serveHttp, TunDevice } from '../../dist/index.js';

const [name, offload] = process.argv.slice(2);
const device = TunDevice.open({ name, offload: offload === 'on', clock: monotonicClock });
const host = new Host({ device, addresses: ['198.18.0.2/24', 'fd74:6370:6c61:62::2/64'] });
const answer = 'an answer as long as a packet and more. '.repeat(100);

/** A certificate for tests, made by openssl. */
function certificate() {
  const dir = mkdtempSync(join(tmpdir(), 'tcplab-tls-'));
  const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...args, '-subj', '/CN=tcplab', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(dir, { recursive: true });
  return made;
}

/** Answers when the body is complete, and a few promises later. */
async function slowly(request, response) {
  for await (const _ of request);
  for (let i = 0; i < 5; i++) await null;
  response.end(answer);
}

const app = express();
app.use(express.json());
app.all('/', (request, response) => response.json({ answer, body: request.body ?? null }));

const fast = fastify({ serverFactory: (handler) => http.createServer(handler) });
fast.all('/', async (request) => ({ answer, body: request.body ?? null }));
await fast.ready();

const sockets = http.createServer();
new WebSocketServer({ server: sockets }).on('connection', (ws) => {
  ws.on('message', (text) => {
    ws.send(`${answer}${text}`);
    ws.close();
  });
});

const listening = [];
const listen = (port, server) =>
  listening.push(new Promise((done) => serveHttp(host, server, { port }, done)));
listen(8001, http.createServer(slowly));
listen(8002, http.createServer(app));
listen(8003, fast.server);
listen(8004, sockets);

/** Servers that accept any stream as a connection. */
const feed = (port, server) =>
  listening.push(
    new Promise((done) => {
      const port_ = netOf(host).createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        server.emit('connection', socket);
      });
      port_.listen({ port }, done);
    }),
  );
const tls = certificate();
feed(8005, http2.createServer(slowly));
feed(8006, https.createServer(tls, slowly));
feed(8007, http2.createSecureServer(tls, slowly));

await Promise.all(listening);
console.log('ready');
process.stdin.resume().on('end', () => host.close());
