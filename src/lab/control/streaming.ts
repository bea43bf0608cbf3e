/**
 * Writes the streams of a command's stacks to one client. A client that reads too slowly never
 * holds a stack up: pieces beyond a limit are left out whole, counted, and reported when the client
 * reads again.
 */
import type { Socket } from 'node:net';
import type { Reply, StreamName, Streams } from './protocol.js';

/** Bytes that may wait for the client. */
const MOST_UNREAD = 16 << 20;

const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;
const PCAPNG_INTERFACE = 1;

/** Returns what ends the stream. */
export function startStream(
  name: StreamName,
  sources: readonly Streams[],
  id: number,
  socket: Socket,
): () => void {
  const say = (said: Reply): void => {
    socket.write(`${JSON.stringify(said)}\n`);
  };
  let skipped = 0;
  const isFull = (): boolean => {
    if (socket.writableLength <= MOST_UNREAD) return false;
    skipped++;
    return true;
  };
  const stops: (() => void)[] = [];
  if (name === 'events') {
    for (const source of sources)
      stops.push(
        source.events((event) => {
          if (isFull()) return;
          if (skipped > 0) {
            say({ id, skipped });
            skipped = 0;
          }
          say({ id, event });
        }),
      );
  } else {
    say({ id, data: {} });
    for (const [i, source] of sources.entries())
      stops.push(
        source.capture((block) => {
          // All stacks capture at one device, so the first one's header describes it.
          if ((i > 0 && isHeader(block)) || isFull()) return;
          socket.write(block);
        }),
      );
  }
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

function isHeader(block: Uint8Array): boolean {
  const type = new DataView(block.buffer, block.byteOffset).getUint32(0, true);
  return type === PCAPNG_SECTION_HEADER || type === PCAPNG_INTERFACE;
}
