/** Node's calls for the type of service, on our sockets. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { entryOf } from '../../src/stack/tcp/entry.js';
import { connected, SERVER, twoHosts } from './two-hosts.js';

it('setTypeOfService works before and after connect, and the other end can read the value', async () => {
  const h = twoHosts();
  const { server, ours, theirs } = await connected(h);
  const received = (): number => entryOf(theirs.conn!).receivedTos & 0xfc;
  expect([ours.getTypeOfService(), received()]).toEqual([0, 0]);
  expect(ours.setTypeOfService(0xb8)).toBe(ours);
  ours.write('x');
  await once(theirs, 'data');
  expect([ours.getTypeOfService(), received()]).toEqual([0xb8, 0xb8]);

  const accepted = once(server, 'connection') as Promise<[typeof theirs]>;
  const early = h.client.connect({ host: SERVER, port: server.address()!.port });
  early.setTypeOfService(0x20);
  const [late] = await accepted;
  expect(entryOf(late.conn!).receivedTos & 0xfc).toBe(0x20);
  for (const socket of [ours, theirs, early, late]) socket.destroy();
  server.close();
});

it('setTypeOfService rejects values that are not bytes', async () => {
  const { server, ours, theirs } = await connected(twoHosts());
  for (const tos of [-1, 256, 0.5])
    expect(() => ours.setTypeOfService(tos)).toThrow(/out of range.*Received/);
  expect(ours.getTypeOfService()).toBe(0);
  ours.destroy();
  theirs.destroy();
  server.close();
});
