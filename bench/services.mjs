// @ts-check
/**
 * What both servers of the bench do, on any Duplex that behaves as node:net's sockets do: so that
 * the same code runs on our stack and on the kernel's, and only what is below it differs.
 */
import { Buffer } from 'node:buffer';

/** @typedef {import('node:stream').Duplex & { setNoDelay?: (on: boolean) => unknown }} Socket */

/** A server that gets this signal collects its garbage. */
export const COLLECT_GARBAGE = 'SIGUSR2';

/**
 * What all servers in Node do besides: they collect garbage when asked (`--expose-gc`), and end
 * with their standard input, which the bench holds.
 */
export function serveTheBench() {
  process.on(COLLECT_GARBAGE, () => globalThis.gc?.());
  process.stdin.on('end', () => process.exit(0)).resume();
}

export const PORTS = { sink: 7001, source: 7002, echo: 7003 };

/** As much as fs.createReadStream gives at a time. */
const BLOCK = Buffer.alloc(64 * 1024, 'tcplab');

/** @type {Record<keyof typeof PORTS, (socket: Socket) => void>} */
export const SERVICES = {
  /** Counts what comes, and says how many bytes it was. */
  sink(socket) {
    let count = 0;
    socket.on('data', (/** @type {Buffer} */ chunk) => {
      count += chunk.length;
    });
    socket.on('end', () => socket.end(String(count)));
    ignoreErrors(socket);
  },

  /** Reads a number in a line, and sends so many bytes. */
  source(socket) {
    let line = '';
    let left = -1;
    const pump = () => {
      while (left > 0) {
        const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
        left -= block.length;
        if (!socket.write(block)) break;
      }
      if (left === 0) {
        left = -1;
        socket.end();
      }
    };
    socket.on('drain', pump);
    socket.on('data', (/** @type {Buffer} */ chunk) => {
      line += chunk.toString('latin1');
      if (!line.endsWith('\n')) return;
      left = Number(line);
      pump();
    });
    socket.on('end', () => {});
    ignoreErrors(socket);
  },

  /** Sends back what comes, and ends when the other side does. */
  echo(socket) {
    socket.setNoDelay?.(true);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end());
    ignoreErrors(socket);
  },
};

/** A client that has enough goes away: that is no error of the bench. @param {Socket} socket */
function ignoreErrors(socket) {
  socket.on('error', () => socket.destroy());
}
