/**
 * The small classic services, each in a few lines: echo (RFC 862), discard (863), chargen (864),
 * daytime (867), time (868).
 */
import type { UdpUser } from '../../stack/udp/host.js';
import type { Socket } from '../../node/socket.js';

export interface SmallService {
  readonly port: number;
  tcp(socket: Socket): void;
  /** What to answer to a datagram; null for nothing. */
  udp(bytes: Uint8Array): Uint8Array | null;
}

/** Seconds from 1900, RFC 868's zero, to 1970. */
const SECONDS_1900_TO_1970 = 2_208_988_800;
const CHARGEN_COLUMNS = 72;
const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');

/**
 * RFC 864's example: lines of 72 characters, each begins one further on. 95 of them, then all over
 * again.
 */
const CHARGEN = Buffer.from(
  Array.from(
    { length: PRINTABLE.length },
    (_, i) => `${(PRINTABLE + PRINTABLE).slice(i, i + CHARGEN_COLUMNS)}\r\n`,
  ).join(''),
);

const daytime = (): Buffer => Buffer.from(`${new Date().toUTCString()}\r\n`);

function time(): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32BE((Math.floor(Date.now() / 1000) + SECONDS_1900_TO_1970) >>> 0);
  return b;
}

/** Writes for ever, as fast as the peer reads. */
function generate(socket: Socket): void {
  const more = (): void => {
    while (!socket.destroyed && socket.writable) if (!socket.write(CHARGEN)) return;
  };
  socket.on('drain', more);
  socket.on('end', () => socket.end());
  socket.resume();
  more();
}

export const SMALL_SERVICES: Readonly<
  Record<'echo' | 'discard' | 'chargen' | 'daytime' | 'time', SmallService>
> = {
  echo: {
    port: 7,
    tcp: (socket) => void socket.pipe(socket),
    udp: (bytes) => bytes,
  },
  discard: {
    port: 9,
    tcp: (socket) => void socket.on('end', () => socket.end()).resume(),
    udp: () => null,
  },
  daytime: {
    port: 13,
    tcp: (socket) => void socket.resume().end(daytime()),
    udp: daytime,
  },
  chargen: {
    port: 19,
    tcp: generate,
    udp: () => CHARGEN.subarray(0, CHARGEN_COLUMNS + 2),
  },
  time: {
    port: 37,
    tcp: (socket) => void socket.resume().end(time()),
    udp: time,
  },
};

/**
 * A UDP user that answers by `service`. From one service to another nothing goes back: two of them
 * would answer each other for ever.
 */
export const udpUser = (service: SmallService): Pick<UdpUser, 'udpDatagram'> => ({
  udpDatagram(socket, bytes, from, port, to, now) {
    if (port < 1024) return;
    const answer = service.udp(bytes);
    if (answer !== null) socket.send(answer, from, port, now, to.isMulticast ? undefined : to);
  },
});
