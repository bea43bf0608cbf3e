/** Options of a connection without a setter in `node:net`, set by a Node program. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { Socket } from '../../src/node/socket.js';
import { connected, SERVER, twoHosts } from './two-hosts.js';

it('setOptions sets the options of a connection, and sends data that they no longer hold back', async () => {
  const { server, ours, theirs } = await connected(twoHosts());
  expect(ours.setOptions((conn) => conn.setCork(true))).toBe(ours);
  ours.write('held');
  await new Promise((done) => setTimeout(done, 20));
  expect(theirs.bytesRead).toBe(0);
  const arrived = once(theirs, 'data');
  ours.setOptions((conn) => conn.setCork(false));
  expect(String((await arrived)[0])).toBe('held');
  expect(() => ours.setOptions((conn) => conn.setMaxSegment(10))).toThrow(
    /TCP_MAXSEG is 88 to 32767/,
  );
  for (const socket of [ours, theirs]) socket.destroy();
  server.close();
});

it('options set before the connection opens apply to its SYN', async () => {
  const h = twoHosts();
  const server = h.server.createServer();
  server.listen(7);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = new Socket(h.a);
  client
    .setOptions((conn) => conn.setMaxSegment(700))
    .setOptions((conn) => conn.setUserTimeout(5_000_000));
  client.connect(7, SERVER);
  const [theirs] = await accepted;
  expect([theirs.conn!.peerMss, client.conn!.userTimeout]).toEqual([700, 5_000_000]);
  for (const socket of [client, theirs]) socket.destroy();
  server.close();
});
