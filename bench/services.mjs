// @ts-check
/**
 * The services of the bench, on any Duplex that behaves like a socket of node:net. The same code
 * runs on our stack and on the kernel's, so only the stack differs.
 */
import { Buffer } from 'node:buffer';

/** @typedef {import('node:stream').Duplex & { setNoDelay?: (on: boolean) => unknown }} Socket */

/** This signal makes a server collect its garbage. */
export const COLLECT_GARBAGE = 'SIGUSR2';

/**
 * All servers in Node also collect garbage on request (`--expose-gc`) and end when their standard
 * input ends, which the bench holds open.
 */
export function serveTheBench() {
  process.on(COLLECT_GARBAGE, () => globalThis.gc?.());
  process.stdin.on('end', () => process.exit(0)).resume();
}

export const PORTS = { sink: 7001, source: 7002, echo: 7003 };

/** The chunk size of fs.createReadStream. */
const BLOCK = Buffer.alloc(64 * 1024, 'tcplab');

/** @type {Record<keyof typeof PORTS, (socket: Socket) => void>} */
export const SERVICES = {
  /** Counts the received bytes, and answers with the count. */
  sink(socket) {
    let count = 0;
    socket.on('data', (/** @type {Buffer} */ chunk) => {
      count += chunk.length;
    });
    socket.on('end', () => socket.end(String(count)));
    ignoreErrors(socket);
  },

  /** Reads a line with a number, and sends that number of bytes. */
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

  /** Echoes all data, and ends when the other side ends. */
  echo(socket) {
    socket.setNoDelay?.(true);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end());
    ignoreErrors(socket);
  },
};

/**
 * A client that has enough data resets the connection, which is not an error of the bench.
 *
 * @param {Socket} socket
 */
function ignoreErrors(socket) {
  socket.on('error', () => socket.destroy());
}
