/**
 * The small classic services: echo (RFC 862), discard (RFC 863), chargen (RFC 864), daytime (RFC
 * 867), time (RFC 868).
 */
import type { UdpUser } from '../../stack/udp/host.js';
import type { Socket } from '../../node/socket.js';

export interface SmallService {
  readonly port: number;
  tcp(socket: Socket): void;
  /** The reply to a datagram; null for none. */
  udp(bytes: Uint8Array): Uint8Array | null;
}

/** Seconds from 1900, where RFC 868's time begins, to 1970. */
const SECONDS_1900_TO_1970 = 2_208_988_800;
const CHARGEN_COLUMNS = 72;
const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');

/**
 * RFC 864's example: 95 lines of 72 characters; each begins one character later than the line
 * before. The pattern then repeats.
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

/** Writes without end, as fast as the peer reads. */
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
 * A UDP user that replies as `service` does. It does not reply to the port of another service,
 * because two services would reply to each other without end.
 */
export const udpUser = (service: SmallService): Pick<UdpUser, 'udpDatagram'> => ({
  udpDatagram(socket, bytes, from, port, to, now) {
    if (port < 1024) return;
    const answer = service.udp(bytes);
    if (answer !== null) socket.send(answer, from, port, now, to.isMulticast ? undefined : to);
  },
});
