/** Starts services by name on their well-known ports. */
import type { Host } from '../../node/host.js';
import { serveHttp } from '../../node/http.js';
import { Server } from '../../node/server.js';
import { watchSocket } from './lost-clients.js';
import { createHttpService, type HttpServiceOptions } from './http.js';
import { SMALL_SERVICES, udpUser } from './small.js';

export const SERVICE_NAMES = [
  'http',
  ...(Object.keys(SMALL_SERVICES) as (keyof typeof SMALL_SERVICES)[]),
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export const HTTP_PORT = 80;

export interface Running {
  /** `http 80/tcp`, `echo 7/tcp,udp`. */
  readonly described: string[];
  close(): void;
}

/** Resolves when all services listen. Rejects with the first error, such as a port in use. */
export async function startServices(
  host: Host,
  names: readonly ServiceName[],
  options: HttpServiceOptions = {},
): Promise<Running> {
  const closers: (() => void)[] = [];
  const described: string[] = [];
  for (const name of names) {
    if (name === 'http') {
      const service = createHttpService(host, options);
      // In a lab, a client may keep its connection open for any time.
      service.keepAliveTimeout = 0;
      service.headersTimeout = 0;
      service.requestTimeout = 0;
      const server = serveHttp(host, service, { port: HTTP_PORT });
      await listening(server);
      closers.push(() => server.close());
      described.push(`http ${HTTP_PORT}/tcp`);
      continue;
    }
    const small = SMALL_SERVICES[name];
    const server = new Server(host, { allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => undefined); // a reset by the peer is not a failure of the service
      if (options.say !== undefined) watchSocket(name, socket, options.say);
      small.tcp(socket);
    });
    server.listen({ port: small.port });
    await listening(server);
    const udp = host.stack.bindUdp({ port: small.port, user: udpUser(small) });
    closers.push(() => {
      server.close();
      udp.close();
    });
    described.push(`${name} ${small.port}/tcp,udp`);
  }
  return {
    described,
    close() {
      for (const close of closers) close();
    },
  };
}

const listening = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
