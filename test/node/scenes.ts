/** Scenarios that a test runs on `node:net` and on our sockets, to compare what a program sees. */
import { once } from 'node:events';
import type net from 'node:net';
import { expect } from 'vitest';
import { Journal, NODE, ours, type Place } from './places.js';

export type Saw = Record<string, unknown>;

/**
 * Runs a scenario in both places and compares the results; returns them for further checks.
 */
export async function same(scenario: (place: Place) => Promise<Saw>): Promise<Saw> {
  const seen = await scenario(ours());
  expect(seen).toEqual(await scenario(NODE()));
  return seen;
}

export const listenOptions = (place: Place): net.ListenOptions => ({
  port: 0,
  host: place.address,
});

export async function listening(place: Place, server: net.Server): Promise<number> {
  server.listen(listenOptions(place));
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** A connection, the journals of both ends, and the actions of each end. */
export async function dialogue(
  place: Place,
  o: {
    server: (socket: net.Socket) => void;
    client: (socket: net.Socket) => void;
    allowHalfOpen?: boolean;
    /** False: the end does not read by itself. */
    serverReads?: boolean;
    clientReads?: boolean;
  },
): Promise<{ client: string[]; server: string[] }> {
  const options = { allowHalfOpen: o.allowHalfOpen ?? false };
  const listener = place.server.createServer(options);
  const accepted = new Promise<Journal>((resolve) => {
    listener.once('connection', (socket) => {
      const journal = new Journal(socket, o.serverReads);
      o.server(socket);
      resolve(journal);
    });
  });
  const port = await listening(place, listener);
  const socket = place.client.connect({ host: place.address, port, ...options });
  const client = new Journal(socket, o.clientReads);
  socket.once('connect', () => {
    o.client(socket);
  });
  const server = await accepted;
  await Promise.all([client.closed, server.closed]);
  listener.close();
  await once(listener, 'close');
  return { client: client.lines, server: server.lines };
}

/** A listener, a client connected to it, and the server's end. */
export async function connected(
  place: Place,
): Promise<{ listener: net.Server; client: net.Socket; server: net.Socket; port: number }> {
  const listener = place.server.createServer();
  const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
  const port = await listening(place, listener);
  const client = place.client.connect({ host: place.address, port });
  await once(client, 'connect');
  const [server] = await accepted;
  return { listener, client, server, port };
}

export const nothing = (): void => undefined;

/** Waits this number of turns of the event loop. */
export async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** As `same`, without further checks. */
export async function alike(scenario: (place: Place) => Promise<Saw>): Promise<void> {
  await same(scenario);
}
