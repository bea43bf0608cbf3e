/** `tcplab metrics`: OpenMetrics text, once or by HTTP for Prometheus. */
import { createServer, type Server } from 'node:http';
import { OPENMETRICS_TYPE, openMetrics } from '../../observe/openmetrics.js';
import { ControlClient } from '../control/client.js';
import { askStack, printJson, type AskOptions } from './asking.js';
import { CommandError, Exit } from './errors.js';
import { lifetime } from './lifetime.js';

export interface MetricsOptions extends AskOptions {
  listen?: string;
}

const LOOPBACK = '127.0.0.1';

export async function metrics(o: MetricsOptions): Promise<number> {
  if (o.listen !== undefined) return serveMetrics(o.listen, o);
  const data = await askStack(o, (client) => client.ask('metrics', {}));
  if (o.json === true) printJson(data);
  else process.stdout.write(openMetrics(data));
  return Exit.ok;
}

/** Until a signal comes. A stack that ends and starts again meanwhile is found again. */
async function serveMetrics(listen: string, o: MetricsOptions): Promise<number> {
  const place = placeOf(listen);
  await askStack(o, (client) => client.ask('info', {}));
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end('the metrics are at /metrics\n');
      return;
    }
    scrape(o).then(
      (text) => response.writeHead(200, { 'content-type': OPENMETRICS_TYPE }).end(text),
      (error: Error) =>
        response.writeHead(503, { 'content-type': 'text/plain' }).end(`${error.message}\n`),
    );
  });
  const life = lifetime();
  await listening(server, place);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : place.port;
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  process.stdout.write(`metrics at http://${host}:${port}/metrics\n`);
  const code = await life.ended;
  server.close();
  server.closeAllConnections();
  return code;
}

async function scrape(o: MetricsOptions): Promise<string> {
  const client = await ControlClient.open(o.stack);
  try {
    return openMetrics(await client.ask('metrics', {}));
  } finally {
    client.close();
  }
}

/** `9100`, `127.0.0.1:9100`, `[::1]:9100`. */
function placeOf(text: string): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? match[2] ?? LOOPBACK, port };
  throw new CommandError(
    Exit.usage,
    `--listen takes [ADDRESS:]PORT, not '${text}'`,
    '--listen 9100   (on 127.0.0.1)',
  );
}

const listening = (server: Server, { host, port }: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new CommandError(
          Exit.failed,
          `the metrics cannot be served on ${host}, port ${port}: ${error.message}`,
          error.code === 'EADDRINUSE' ? 'choose another port; 0 takes a free one' : '--listen 9100',
        ),
      );
    });
    server.listen(port, host, resolve);
  });
