/**
 * A small conversation in virtual time: a client asks, our server answers and both close. Observed
 * at the server.
 */
import { SECOND } from '../../src/base/time.js';
import type { Device } from '../../src/device/device.js';
import type { LinkListener } from '../../src/device/link/lane.js';
import { Link } from '../../src/device/link/link.js';
import { parseLink } from '../../src/device/link/link-options.js';
import { pair } from '../../src/device/pair.js';
import type { StackObserver } from '../../src/stack/observer.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import { VirtualTime } from '../sim/virtual.js';
import { MiniHost, TcpEvent } from './mini-host.js';

export interface ConversationOptions {
  /** The server's link. */
  link?: string;
  observer?: StackObserver;
  linkListener?: LinkListener;
  /** A wrapper around the server's end of the cable, below the link. */
  wrap?: (device: Device) => Device;
  offload?: boolean;
  responseBytes?: number;
  /** The server's settings, and the client's. */
  config?: Partial<TcpConfig>;
  clientConfig?: Partial<TcpConfig>;
}

export const START = SECOND;
export const SERVER = '198.18.0.2:80';
export const CLIENT = '198.18.0.1:51422';

export function converse(o: ConversationOptions = {}): {
  server: MiniHost;
  client: MiniHost;
  time: VirtualTime;
} {
  const [near, far] = pair({ offload: o.offload ?? false });
  const below = o.wrap?.(near) ?? near;
  const link = new Link(below, parseLink(o.link ?? ''), o.linkListener ?? null);
  const response = new Uint8Array(o.responseBytes ?? 300).fill(0x61);
  const finTimeout = SECOND;
  const server = new MiniHost(o.link === undefined ? below : link, SERVER, CLIENT, {
    iss: 0xfffffff0,
    config: { finTimeout, ...o.config },
    observer: o.observer ?? null,
    user: (conn, events, now) => {
      for (let piece = conn.receive(); piece !== null; piece = conn.receive()) conn.send(response);
      if (events & TcpEvent.endOfStream) conn.shutdown(now);
    },
  });
  const client = new MiniHost(far, CLIENT, SERVER, {
    iss: 1000,
    config: { finTimeout, ...o.clientConfig },
    user: (conn, events, now) => {
      if (events & TcpEvent.established)
        conn.send(new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'));
      let got = 0;
      for (let piece = conn.receive(); piece !== null; piece = conn.receive()) got += piece.length;
      if (got > 0 && conn.stats.bytesIn >= response.length) conn.shutdown(now);
    },
  });
  const time = new VirtualTime(START).add(o.link === undefined ? below : link, far, server, client);
  client.conn.openActive(time.now);
  time.runToQuiescence();
  return { server, client, time };
}
