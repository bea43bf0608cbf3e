/**
 * Where a scenario runs: on Node's `net` over the kernel's loopback, or on ours over a cable in
 * memory.
 */
import { once } from 'node:events';
import net from 'node:net';
import { Socket } from '../../src/node/socket.js';
import { SERVER, twoHosts } from './two-hosts.js';

/**
 * The interface that scenarios use: Node's `net`, or ours with the same calls. `server` and
 * `client` are the `net` of the two ends.
 */
export interface Place {
  readonly server: Pick<typeof net, 'createServer'>;
  readonly client: Pick<typeof net, 'connect'>;
  /** A client's unconnected socket. */
  newSocket(options?: net.SocketConstructorOpts): net.Socket;
  /** The server's address. */
  readonly address: string;
  /** A port without a listener. */
  freePort(): Promise<number>;
}

export const NODE: () => Place = () => ({
  server: net,
  client: net,
  newSocket: (options) => new net.Socket(options),
  address: '127.0.0.1',
  freePort,
});

export function ours(): Place {
  const h = twoHosts();
  return {
    server: h.server as unknown as typeof net,
    client: h.client as unknown as typeof net,
    newSocket: (options) => new Socket(h.a, options) as unknown as net.Socket,
    address: SERVER,
    freePort: () => Promise.resolve(9),
  };
}

/** A port that the kernel assigned and that was closed again. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const EVENTS = ['connect', 'ready', 'end', 'finish', 'timeout', 'error', 'close'] as const;

/** A socket's events by name, data as joined text, errors by the fields that programs use. */
export class Journal {
  readonly lines: string[] = [];
  /** The socket has closed. */
  readonly closed: Promise<void>;

  constructor(socket: net.Socket, reads = true) {
    const { lines } = this;
    for (const event of EVENTS) {
      socket.on(event, (x?: unknown) => {
        lines.push(
          x instanceof Error
            ? `error ${errorText(x)}`
            : event === 'close'
              ? `close ${String(x)}`
              : event,
        );
      });
    }
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    if (reads) socket.on('data', (chunk: Buffer) => this.data(chunk.toString()));
  }

  private data(text: string): void {
    const { lines } = this;
    if (lines.at(-1)?.startsWith('data ') === true) lines[lines.length - 1] += text;
    else lines.push(`data ${text}`);
  }
}

/**
 * Message and fields of an error, with names in place of addresses and ports, because those differ
 * between the places.
 */
export function errorText(error: unknown): string {
  const e = error as NodeJS.ErrnoException & { address?: string; port?: number };
  let message = e.message;
  if (e.address !== undefined) message = message.replaceAll(e.address, 'ADDRESS');
  if (e.port !== undefined) message = message.replaceAll(String(e.port), 'PORT');
  return JSON.stringify([
    e.name,
    message,
    e.code,
    e.errno,
    e.syscall,
    e.address !== undefined,
    e.port !== undefined,
  ]);
}
