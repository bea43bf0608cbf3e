// @ts-check
/**
 * The bench's services on node:net, that is, on the kernel's TCP. Prints `ready` when they listen.
 */
import { createServer } from 'node:net';
import { PORTS, serveTheBench, SERVICES } from './services.mjs';

const servers = Object.entries(PORTS).map(async ([name, port]) => {
  const server = createServer(
    { allowHalfOpen: true },
    SERVICES[/** @type {keyof typeof PORTS} */ (name)],
  );
  await new Promise((done) =>
    server.listen({ port, host: '0.0.0.0', backlog: 1024 }, () => done(undefined)),
  );
});
await Promise.all(servers);
console.log('ready');
serveTheBench();
